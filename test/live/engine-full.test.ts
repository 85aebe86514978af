// One student fills the disk of the engine, by bytes or by files: the whole class is collected all the same, and the removal makes
// room again. LIVE_ENGINE is set here, to an engine whose data lies on a small disk of its own.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { catalogueOf, studentsOf } from '../support/catalogue.ts'
import { docker, leftovers, tryDocker } from '../support/docker.ts'
import { bagSums, cleanUpOfSuite, downClass, type Sums, upClass, work } from '../support/faults.ts'
import { skipWithoutPrivateEngine, startPrivateEngine } from '../support/private-engine.ts'
import { type Installation, install, type Service } from '../support/service.ts'

const students = studentsOf(3)
const [greedy = ''] = students

const ways: Record<string, string> = {
  bytes: 'dd if=/dev/zero of=all bs=1M 2>/dev/null || true',
  files: 'mkdir d; i=0; while echo >d/$i; do i=$((i+1)); done 2>/dev/null || true',
}

describe('an engine whose disk is full', { skip: skipWithoutPrivateEngine, timeout: 300_000 }, () => {
  const cleanUp = cleanUpOfSuite(after)
  let installation: Installation
  let service: Service

  before(async () => {
    const engine = await startPrivateEngine(cleanUp, [], 'size=96m,nr_inodes=4000')
    process.env['LIVE_ENGINE'] = engine.host
    const catalogue = catalogueOf(Object.fromEntries(Object.keys(ways).map((way) => [way, students])), {
      stopSeconds: 1,
      // A file on a tmpfs is the memory of who wrote it.
      memoryMb: 256,
    })
    installation = await install(cleanUp, { name: 'full', store: 'directory', subnets: '10.235.0.0/20', catalogue })
    service = await installation.start()
  })

  for (const [way, script] of Object.entries(ways)) {
    test(`no room for more ${way}: everybody's bag holds every file, nothing is left, and the next class goes up`, async () => {
      await upClass(service, way)
      const files = new Map<string, Sums>()
      for (const studentId of students.slice(1)) {
        files.set(studentId, await work(`class-${way}--${studentId}`, `echo ${studentId} >mine`))
      }
      files.set(greedy, await work(`class-${way}--${greedy}`, script))
      const policy = await tryDocker(['update', '--restart', 'no', `class-${way}--${greedy}`])
      assert.match(policy.stderr, /no space left on device/, 'the engine has room')

      const { state, students: rows } = await downClass(service, way)
      assert.equal(state, 'down')
      for (const { studentId, bag } of rows) {
        assert.deepEqual(await bagSums(installation.artifacts, bag ?? ''), files.get(studentId), studentId)
      }
      assert.deepEqual(await leftovers(installation.label, `class-runtime.class=${way}`), [])
      await docker(['info'])
      await upClass(service, way)
      assert.equal((await downClass(service, way)).state, 'down')
    })
  }
})
