// Logs that the engine does not have whole, damaged or rotated away: the bag holds what can be read and says that there was more.

import assert from 'node:assert/strict'
import { access, constants, open, readFile } from 'node:fs/promises'
import { after, before, describe, test } from 'node:test'
import { type Static, Type } from '@sinclair/typebox'
import { Submission } from '../support/answers.ts'
import { catalogueOf } from '../support/catalogue.ts'
import { inspect } from '../support/docker.ts'
import { cleanUpOfSuite, downClass, upClass } from '../support/faults.ts'
import { skipWithoutEngine } from '../support/live.ts'
import { type Installation, install, type Service } from '../support/service.ts'
import { shaped } from '../support/shape.ts'
import { until } from '../support/until.ts'

const printer = ['sh', '-c', 'for i in $(seq 1 50); do echo line $i; done; exec sleep infinity']
const talker = ['sh', '-c', 'yes "a line of 40 bytes, printed again and again" | head -c 12600000; exec sleep infinity']
const LogPath = Type.Object({ LogPath: Type.String() })

describe('a down of sandboxes whose logs are not whole', { skip: skipWithoutEngine, timeout: 120_000 }, () => {
  const cleanUp = cleanUpOfSuite(after)
  let installation: Installation
  let service: Service

  before(async () => {
    const base = catalogueOf({ printer: ['s01', 's02'], talker: ['s01'] }, { command: printer })
    const catalogue = {
      labs: { ...base.labs, talker: { ...base.labs['shell'], command: talker, cpus: 1 } },
      subjects: { subject: { labs: ['shell', 'talker'] } },
      classes: { ...base.classes, talker: { subject: 'subject', lab: 'talker', students: ['s01'] } },
    }
    installation = await install(cleanUp, { name: 'logs', store: 'directory', subnets: '10.239.0.0/20', catalogue })
    service = await installation.start()
  })

  async function bagOf(prefix: string | null | undefined) {
    const read = (key: string) => installation.artifacts.read(`${prefix}${key}`)
    const submission: Static<typeof Submission> = shaped(
      Submission,
      JSON.parse((await read('meta/submission.json')).toString()),
    )
    const notes = submission.notes.filter((note) => !note.startsWith('Extended attributes'))
    return { notes, lines: (await read('data/logs/stdout.log')).toString().split('\n').length - 1 }
  }

  test('zero bytes over a part of a log: the bag says that output is missing; the log beside it is whole', async (t) => {
    await upClass(service, 'printer')
    const { LogPath: path } = await inspect('container', 'class-printer--s01', LogPath)
    const isHere = await access(path, constants.W_OK).then(
      () => true,
      () => false,
    )
    if (!isHere) return t.skip("the engine's files are not on this machine")
    await until('the whole output', async () => (await readFile(path, 'utf8')).includes('line 50'))
    const file = await open(path, 'r+')
    await file.write(Buffer.alloc(300), 0, 300, 1000)
    await file.close()
    const { students } = await downClass(service, 'printer')
    const damaged = await bagOf(students[0]?.bag)
    assert.match(damaged.notes.join(), /log is damaged/)
    assert.ok(damaged.lines < 50, `${damaged.lines} lines`)
    assert.deepEqual(await bagOf(students[1]?.bag), { notes: [], lines: 50 })
  })

  test('output beyond what the engine keeps: the bag says that the beginning may be gone', async () => {
    await upClass(service, 'talker')
    const { LogPath: path } = await inspect('container', 'class-talker--s01', LogPath)
    await until('the rotation', () =>
      access(`${path}.2`).then(
        () => true,
        () => false,
      ),
    )
    const { students } = await downClass(service, 'talker')
    const { notes } = await bagOf(students[0]?.bag)
    assert.match(notes.join(), /newest 20 to 30 MB .* may be gone/)
    assert.doesNotMatch(notes.join(), /damaged/)
  })
})
