// An engine that lacks what it had at up. One student fills its disk, by bytes or by files: the whole class is collected all the same,
// and the removal makes room again. A clean-up by night took containers and images: the volumes are read all the same. LIVE_ENGINE is set here, to an engine whose data lies on a small disk of its own.

import assert from 'node:assert/strict'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { catalogueOf, studentsOf } from '../support/catalogue.ts'
import { docker, leftovers, tryDocker } from '../support/docker.ts'
import { bagSums, cleanUpOfSuite, downClass, type Sums, upClass, work } from '../support/faults.ts'
import { type PrivateEngine, skipWithoutPrivateEngine, startPrivateEngine } from '../support/private-engine.ts'
import { type Installation, install, type Service } from '../support/service.ts'

const students = studentsOf(3)
const [greedy = ''] = students

const ways: Record<string, string> = {
  bytes: 'dd if=/dev/zero of=all bs=1M 2>/dev/null || true',
  files: 'mkdir d; i=0; while echo >d/$i; do i=$((i+1)); done 2>/dev/null || true',
}

/** What the student's own last commands gave back. */
async function fillUp(folder: string): Promise<void> {
  await mkdir(folder).catch(() => undefined)
  for (let file = 0; ; file++) {
    const isFull = await writeFile(join(folder, `${file}`), 'x').then(
      () => false,
      () => true,
    )
    if (isFull) return
  }
}

describe('an engine that lacks room or images', { skip: skipWithoutPrivateEngine, timeout: 300_000 }, () => {
  const cleanUp = cleanUpOfSuite(after)
  let engine: PrivateEngine
  let installation: Installation
  let service: Service

  before(async () => {
    engine = await startPrivateEngine(cleanUp, [], 'size=96m,nr_inodes=2400')
    process.env['LIVE_ENGINE'] = engine.host
    const catalogue = catalogueOf(
      Object.fromEntries([...Object.keys(ways), 'pruned'].map((name) => [name, students])),
      {
        stopSeconds: 1,
        // A file on a tmpfs is the memory of who wrote it.
        memoryMb: 256,
      },
    )
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
      await fillUp(join(engine.folder, '..', `rest-${way}`))
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

  test('only volumes are left and no image at all: everybody has their files', async () => {
    const { students: rows } = await upClass(service, 'pruned')
    const files = new Map<string, Sums>()
    for (const studentId of students) {
      files.set(studentId, await work(`class-pruned--${studentId}`, `mkdir d; echo ${studentId} >d/mine`))
    }
    await docker(['rm', '--force', ...rows.map(({ containerId }) => containerId ?? '')])
    await docker(['image', 'prune', '--all', '--force'])
    assert.equal((await docker(['image', 'ls', '--quiet'])).toString(), '')

    const { state, students: gone } = await downClass(service, 'pruned')
    assert.equal(state, 'down')
    for (const { studentId, bag } of gone) {
      assert.deepEqual(await bagSums(installation.artifacts, bag ?? ''), files.get(studentId), studentId)
    }
    assert.deepEqual(await leftovers(installation.label, 'class-runtime.class=pruned'), [])
  })
})
