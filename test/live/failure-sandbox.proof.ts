// Downs of sandboxes to which students, the kernel or other hands did their worst: every one of them ends in a bag.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type Static, Type } from '@sinclair/typebox'
import { StudentDetails } from '../../src/http/answers.ts'
import { Submission } from '../support/answers.ts'
import { catalogueOf } from '../support/catalogue.ts'
import { docker, inspect, leftovers, tryDocker } from '../support/docker.ts'
import {
  assertSafe,
  bagSums,
  cleanUpOfSuite,
  downClass,
  FailedDown,
  problemOf,
  randomFiles,
  upClass,
  work,
} from '../support/faults.ts'
import { skipWithoutEngine } from '../support/live.ts'
import { type Installation, install, type Service } from '../support/service.ts'
import { shaped } from '../support/shape.ts'
import { until } from '../support/until.ts'

const labs = {
  hasty: { collect: { beforeCollect: { command: ['sleep', '60'], timeoutSeconds: 1 } } },
  tight: { pids: 24, tmpMb: 1, cpus: 1 },
  // Its main process waits for a word from the student, then takes more memory than there is.
  greedy: {
    command: ['sh', '-c', 'until [ -e /home/student/go ]; do sleep 0.1; done; exec tail /dev/zero'],
    memoryMb: 16,
  },
}

function catalogue() {
  const { labs: base } = catalogueOf({})
  const shellLab = base['shell'] ?? {}
  const variants = Object.entries(labs).map(([name, change]) => [name, { ...shellLab, ...change }])
  const inLab = (lab: string) => ({ subject: 'subject', lab, students: ['s01', 's02'] })
  return {
    labs: { ...base, ...Object.fromEntries(variants) },
    subjects: { subject: { labs: ['shell', ...Object.keys(labs)] } },
    classes: {
      ...Object.fromEntries(['orphan', 'paused', 'stopped', 'emptied'].map((name) => [name, inLab('shell')])),
      hasty: inLab('hasty'),
      greedy: inLab('greedy'),
      full: inLab('tight'),
    },
  }
}

const State = Type.Object({ State: Type.Object({ OOMKilled: Type.Boolean() }) })
const wasKilledForMemory = async (container: string) => (await inspect('container', container, State)).State.OOMKilled

describe('a down of ill-treated sandboxes', { skip: skipWithoutEngine, timeout: 180_000 }, () => {
  const cleanUp = cleanUpOfSuite(after)
  let installation: Installation
  let service: Service

  before(async () => {
    const options = { name: 'sandbox', store: 'directory', subnets: '10.238.0.0/20' } as const
    installation = await install(cleanUp, { ...options, catalogue: catalogue() })
    service = await installation.start()
  })

  const thingsOf = (classId: string) => leftovers(installation.label, `class-runtime.class=${classId}`)

  async function submissionOf(bag: string | null | undefined): Promise<Static<typeof Submission>> {
    const bytes = await installation.artifacts.read(`${bag}meta/submission.json`)
    return shaped(Submission, JSON.parse(bytes.toString()))
  }

  test('a container removed by hand: its files are collected from the volume', async () => {
    await upClass(service, 'orphan')
    const files = await work('class-orphan--s01', randomFiles(5, 1000))
    await docker(['rm', '--force', 'class-orphan--s01'])
    const { state, students } = await downClass(service, 'orphan')
    assert.equal(state, 'down')
    assert.deepEqual(await bagSums(installation.artifacts, students[0]?.bag ?? ''), files)
    const { notes } = await submissionOf(students[0]?.bag)
    assert.ok(notes.some((note) => /removed by another hand/.test(note)))
    assert.deepEqual(await thingsOf('orphan'), [])
  })

  test('a container paused by hand is collected, or kept with a reason until it is resumed', async () => {
    const { sessionId } = await upClass(service, 'paused')
    const files = await work('class-paused--s01', 'echo paused >file')
    await docker(['pause', 'class-paused--s01'])
    const answer = await service.post('/room/down-class', { classId: 'paused' })
    if (answer.status !== 200) {
      const { students } = problemOf(answer, [502, 'collect-failed'], FailedDown)
      assert.match(students[0]?.error?.detail ?? '', /pause/)
      await docker(['unpause', 'class-paused--s01'])
      await downClass(service, 'paused')
    }
    await assertSafe(installation.artifacts, `paused/${sessionId}/s01/`, files)
    assert.deepEqual(await thingsOf('paused'), [])
  })

  test('containers stopped or killed by hand are collected as they are', async () => {
    await upClass(service, 'stopped')
    const first = await work('class-stopped--s01', 'echo one >file')
    const second = await work('class-stopped--s02', 'echo two >file')
    await docker(['stop', '--time', '0', 'class-stopped--s01'])
    await docker(['kill', 'class-stopped--s02'])
    const { students } = await downClass(service, 'stopped')
    assert.deepEqual(await bagSums(installation.artifacts, students[0]?.bag ?? ''), first)
    assert.deepEqual(await bagSums(installation.artifacts, students[1]?.bag ?? ''), second)
  })

  test('a sandbox that the kernel kills for its memory, again and again, is collected', async () => {
    await upClass(service, 'greedy')
    const files = await work('class-greedy--s01', 'echo before >file; touch go')
    await until('the sandbox to be killed', () => wasKilledForMemory('class-greedy--s01'))
    await until('the service to say so', async () => {
      const { life } = shaped(StudentDetails, (await service.get('/room/classes/greedy/students/s01')).body)
      return life?.lastDeath?.outOfMemory === true && life.restarts >= 2
    })
    const { state, students } = await downClass(service, 'greedy')
    assert.equal(state, 'down')
    assert.deepEqual(await bagSums(installation.artifacts, students[0]?.bag ?? ''), files)
    assert.deepEqual(await thingsOf('greedy'), [])
  })

  test('a student who deleted everything has an empty, valid bag', async () => {
    await upClass(service, 'emptied')
    await work('class-emptied--s01', 'echo x >file; mkdir folder; rm -rf /home/student/* /home/student/.[!.]* || true')
    const { students } = await downClass(service, 'emptied')
    assert.deepEqual([students[0]?.files, students[0]?.bytes, students[0]?.skipped], [0, 0, 0])
    assert.deepEqual(await bagSums(installation.artifacts, students[0]?.bag ?? ''), new Map())
    assert.deepEqual((await submissionOf(students[0]?.bag)).files, [])
  })

  test('no byte of /tmp left in the sandbox: it goes down all the same', async () => {
    await upClass(service, 'full')
    const files = await work('class-full--s01', randomFiles(5, 1000))
    await tryDocker(['exec', 'class-full--s01', 'sh', '-c', 'cat /dev/zero >/tmp/fill'])
    await assertGoesDown(files)
  })

  test('no process left in the sandbox: it goes down all the same', async () => {
    await upClass(service, 'full')
    const files = await work('class-full--s01', randomFiles(5, 1000))
    // The loop ends when it can start nothing more; then one by one, until not even that can be started.
    await tryDocker(['exec', 'class-full--s01', 'sh', '-c', 'while sleep 1000 >/dev/null 2>&1 & do :; done'])
    await until('the limit of processes', async () => {
      const { exitCode } = await tryDocker(['exec', '--detach', 'class-full--s01', 'sleep', '1000'])
      // Where the command line tool tells no failure, the kernel's count does: an exec needs more than one place.
      return (
        exitCode !== 0 ||
        Number(await docker(['stats', '--no-stream', '--format', '{{.PIDs}}', 'class-full--s01'])) >=
          labs.tight.pids - 1
      )
    })
    await assertGoesDown(files)
  })

  async function assertGoesDown(files: Awaited<ReturnType<typeof work>>): Promise<void> {
    const { state, students } = await downClass(service, 'full')
    assert.equal(state, 'down')
    assert.deepEqual(await bagSums(installation.artifacts, students[0]?.bag ?? ''), files)
    assert.deepEqual(await thingsOf('full'), [])
  }

  test('a beforeCollect that does not end is noted and stops nothing', async () => {
    await upClass(service, 'hasty')
    const files = await work('class-hasty--s01', 'echo x >file')
    const { state, students } = await downClass(service, 'hasty')
    assert.equal(state, 'down')
    assert.deepEqual(await bagSums(installation.artifacts, students[0]?.bag ?? ''), files)
    const { notes } = await submissionOf(students[0]?.bag)
    assert.ok(
      notes.some((note) => /^beforeCollect: .*(end|time)/.test(note)),
      notes.join('\n'),
    )
  })
})
