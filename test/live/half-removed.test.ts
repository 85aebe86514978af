// A real engine that cannot finish a removal: one file of the workspace is immutable to it, or one of the container's layer.
// The bag that was committed before is the answer each time, and the next down finishes as soon as the obstacle is gone.
// LIVE_ENGINE is set here, to the engine into whose files these tests reach.

import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { catalogueOf, studentsOf } from '../support/catalogue.ts'
import { docker, leftovers } from '../support/docker.ts'
import { bagSums, cleanUpOfSuite, downClass, randomFiles, type Sums, upClass, work } from '../support/faults.ts'
import { type PrivateEngine, skipWithoutPrivateEngine, startPrivateEngine } from '../support/private-engine.ts'
import { type Installation, install, type Service } from '../support/service.ts'

const students = studentsOf(2)
const [broken = ''] = students
const hasChattr = spawnSync('sh', ['-c', 'command -v chattr']).status === 0

describe('a removal that the engine cannot finish', {
  skip: skipWithoutPrivateEngine || (hasChattr ? false : 'needs chattr'),
  timeout: 120_000,
}, () => {
  const cleanUp = cleanUpOfSuite(after)
  let engine: PrivateEngine
  let installation: Installation
  let service: Service

  before(async () => {
    engine = await startPrivateEngine(cleanUp)
    process.env['LIVE_ENGINE'] = engine.host
    installation = await install(cleanUp, {
      name: 'half',
      store: 'directory',
      subnets: '10.232.0.0/20',
      catalogue: catalogueOf({ volume: students, layer: students }, { writableRoot: true }),
      env: { SWEEP_SECONDS: '3600' },
    })
    service = await installation.start()
  })

  /** Such an engine lets a container go, and leaves its layer to containerd. */
  const hasContainerdImages = async (): Promise<boolean> =>
    (await docker(['info', '--format', '{{.DriverStatus}}'])).includes('io.containerd.snapshotter')

  /** The one path of the engine's files that ends so, where it really is. */
  function find(ending: string): string {
    const data = join(engine.folder, 'data')
    const found = readdirSync(data, { recursive: true, encoding: 'utf8' }).filter(
      (path) => path.endsWith(ending) && !path.includes('/merged/'),
    )
    assert.equal(found.length, 1, `${found}`)
    return join(data, found[0] ?? '')
  }

  for (const [classId, ending, kind] of [
    ['volume', '/data/30', 'volume'],
    ['layer', '/diff/stays', 'sandbox'],
  ] as const) {
    test(`an immutable file in the ${classId}: all files are in the bag that is named, before and after`, async (t) => {
      if (classId === 'layer' && (await hasContainerdImages())) return t.skip('containerd removes a layer when it can')
      await upClass(service, classId)
      const sums = new Map<string, Sums>()
      const script = `${randomFiles(30, 100)}`
      for (const studentId of students) {
        const isBroken = studentId === broken
        sums.set(studentId, await work(`class-${classId}--${studentId}`, isBroken ? script : randomFiles(2, 10)))
      }
      await docker(['exec', '-u', '0', `class-${classId}--${broken}`, 'touch', '/stays'])
      const file = find(ending)
      execFileSync('chattr', ['+i', file])
      const free = () => spawnSync('chattr', ['-i', file])
      t.after(free)

      for (let call = 1; call <= 2; call++) {
        const { students: rows, leaked } = await downClass(service, classId)
        const row = rows.find(({ studentId }) => studentId === broken)
        assert.deepEqual([row?.state, row?.bag?.endsWith('/final/'), row?.files], ['collected', true, 30])
        assert.deepEqual(
          leaked.map((each) => each.kind),
          [kind],
        )
        assert.ok(!leaked[0]?.reason.includes(engine.folder), leaked[0]?.reason)
      }
      free()
      const answer = await downClass(service, classId)
      assert.deepEqual([answer.state, answer.leaked], ['down', []])
      for (const { studentId, state, bag } of answer.students) {
        assert.deepEqual([state, bag?.endsWith('/final/')], ['removed', true])
        assert.deepEqual(await bagSums(installation.artifacts, bag ?? ''), sums.get(studentId), studentId)
      }
      assert.deepEqual(await leftovers(installation.label, `class-runtime.class=${classId}`), [])
    })
  }
})
