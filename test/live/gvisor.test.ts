// Classes on gVisor, where scripts/parts has built it: all that students wrote in it is in the bags, and on a gVisor that keeps
// what they write in memory no class begins. LIVE_ENGINE is set here, to an engine that has both.

import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { Type } from '@sinclair/typebox'
import { StudentDetails } from '../../src/http/answers.ts'
import { catalogueOf, studentsOf } from '../support/catalogue.ts'
import { docker, leftovers, shell, tryDocker } from '../support/docker.ts'
import { bagSums, cleanUpOfSuite, downClass, problemOf, type Sums, upClass, work } from '../support/faults.ts'
import { skipWithoutPrivateEngine, startPrivateEngine } from '../support/private-engine.ts'
import { type Installation, install, type Service } from '../support/service.ts'
import { shaped } from '../support/shape.ts'
import { until } from '../support/until.ts'

const runsc = join(process.env['PARTS_DIR'] ?? resolve(import.meta.dirname, '../../.local/parts'), 'runsc')
const skip =
  skipWithoutPrivateEngine || (existsSync(runsc) ? false : `${runsc} is absent: scripts/parts runsc builds it`)

const students = studentsOf(3)
const gvisor = { cpus: 0.5, memoryMb: 256, pids: 256 }

const Bagged = Type.Object({ studentId: Type.String(), bag: Type.String() })
const Collected = Type.Object({ students: Type.Array(Bagged) })
const Reset = Type.Object({ collected: Bagged, restored: Type.String() })

const Skipped = Type.Object({
  skipped: Type.Array(Type.Object({ path: Type.String(), type: Type.String(), reason: Type.String() })),
})

const odd = `mkdir -p src/deep empty; echo 'int main;' >src/main.c; chmod 640 src/main.c; ln src/main.c again; ln -s src/main.c link
i=0; while [ $i -lt 200 ]; do echo $i >src/deep/$i; i=$((i+1)); done
printf x >'đề bài'; printf y >'+plus & "quotes"'; : >none; head -c 5000000 /dev/urandom >large
touch -d '2001-02-03 04:05:06' src/main.c`

describe('gVisor', { skip, timeout: 300_000 }, () => {
  const cleanUp = cleanUpOfSuite(after)
  let installation: Installation
  let service: Service

  before(async () => {
    const folder = await mkdtemp(join(tmpdir(), 'runsc-'))
    cleanUp.after(() => rm(folder, { recursive: true }))
    const forgetful = join(folder, 'forgetful')
    await writeFile(forgetful, `#!/bin/sh\nexec ${runsc} --overlay2=all:memory "$@"\n`)
    await chmod(forgetful, 0o755)
    // A catalogue knows two runtimes by name: the second name stands for the gVisor that forgets.
    const engine = await startPrivateEngine(cleanUp, ['--add-runtime', `sysbox-runc=${forgetful}`])
    process.env['LIVE_ENGINE'] = engine.host
    const catalogue = catalogueOf(
      { safe: students, lost: students, hungry: studentsOf(1) },
      { ...gvisor, runtime: 'runsc' },
    )
    const { shell: lab } = catalogue.labs
    installation = await install(cleanUp, {
      name: 'gvisor',
      store: 'directory',
      subnets: '10.246.16.0/20',
      catalogue: {
        labs: { ...catalogue.labs, forgetful: { ...lab, runtime: 'sysbox-runc' } },
        subjects: { subject: { labs: ['shell', 'forgetful'] } },
        classes: {
          ...catalogue.classes,
          lost: { subject: 'subject', lab: 'forgetful', students: [...students] },
        },
      },
    })
    service = await installation.start()
  })

  test('a class of three: what is written inside and what was put back is in a snapshot, outlives a reset, and comes down, every byte', async () => {
    const up = await upClass(service, 'safe')
    assert.deepEqual(
      up.students.map(({ state }) => state),
      students.map(() => 'running'),
    )
    const [mine = '', ...others] = students.map((studentId) => `class-safe--${studentId}`)
    assert.match((await tryDocker(['exec', mine, 'dmesg'])).stdout.toString(), /Starting gVisor/)
    // What the answer says of names, as a student sees it: a classmate is there, and has no name.
    assert.equal(up.resolvesNames, false)
    const neighbour = (await shell('class-safe--s02', 'hostname -i')).toString().trim()
    await docker(['exec', '-d', 'class-safe--s02', 'sh', '-c', 'echo hello | nc -l -p 8080'])
    await until('a word of the classmate', async () => {
      const { stdout } = await tryDocker(['exec', mine, 'nc', '-w', '2', neighbour, '8080'])
      return stdout.toString() === 'hello\n'
    })
    assert.notEqual((await tryDocker(['exec', mine, 'nslookup', 'class-safe--s02'])).exitCode, 0)

    const first = await work(mine, odd)
    const sums = new Map<string, Sums>([['s01', first]])
    for (const container of others) sums.set(container.slice(-3), await work(container, odd))

    const snapshot = shaped(Collected, (await service.post('/room/collect-class', { classId: 'safe' })).body)
    for (const { studentId, bag } of snapshot.students) {
      assert.deepEqual(await bagSums(installation.artifacts, bag), sums.get(studentId), studentId)
    }
    assert.equal((await shell(mine, 'echo goes on')).toString(), 'goes on\n')

    await work(mine, 'rm -rf ./*; echo mistake >mistake')
    const restore = snapshot.students[0]?.bag.split('/').at(-2)
    const reset = await service.post('/room/reset-student', { classId: 'safe', studentId: 's01', restore })
    assert.equal(reset.status, 200, JSON.stringify(reset.body))
    assert.equal(shaped(Reset, reset.body).restored, restore)
    assert.deepEqual(await work(mine, ':'), first, 'what was put back through the archive')
    sums.set('s01', await work(mine, "echo more >>src/main.c; rm 'đề bài'"))

    await shell(mine, 'mkfifo /home/student/pipe')
    const down = await downClass(service, 'safe')
    assert.deepEqual([down.state, down.leaked, await leftovers(installation.label)], ['down', [], []])
    for (const { studentId, bag } of down.students) {
      assert.deepEqual(await bagSums(installation.artifacts, bag ?? ''), sums.get(studentId), studentId)
    }
    const mineDown = down.students.find(({ studentId }) => studentId === 's01')
    const { skipped } = shaped(
      Skipped,
      JSON.parse((await installation.artifacts.read(`${mineDown?.bag}meta/submission.json`)).toString()),
    )
    assert.deepEqual(
      skipped,
      [{ path: 'pipe', type: 'fifo', reason: skipped[0]?.reason }],
      'it exists inside alone, and is named',
    )
  })

  test('an out-of-memory, which ends all programs of a student, is told of them, and their files stay', async () => {
    await upClass(service, 'hungry')
    const files = await work('class-hungry--s01', 'echo before >file')
    const life = async () =>
      shaped(StudentDetails, (await service.get('/room/classes/hungry/students/s01')).body).life ?? assert.fail()
    assert.deepEqual([(await life()).restarts, (await life()).lastDeath], [0, null])
    await tryDocker(['exec', 'class-hungry--s01', 'tail', '/dev/zero'])
    await until('it to be started again', async () => (await life()).restarts === 1)
    assert.equal((await life()).lastDeath?.outOfMemory, true)
    const { students: down } = await downClass(service, 'hungry')
    assert.deepEqual(await bagSums(installation.artifacts, down[0]?.bag ?? ''), files)
  })

  test('where gVisor keeps what is written in memory no class begins, and it is said what to do', async () => {
    const { detail } = problemOf(await service.post('/room/up-class', { classId: 'lost' }), [409, 'lab-runtime-unfit'])
    assert.match(detail, /'sysbox-runc'.*work would be lost.*operator.*--overlay2/)
    assert.deepEqual(await leftovers(installation.label), [])
    assert.deepEqual(
      [...(await installation.artifacts.list('lost/')).keys()].filter((key) => !/lease/.test(key)),
      [],
    )
  })
})
