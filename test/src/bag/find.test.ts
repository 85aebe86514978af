// The receipt of an earlier down, read back from the bag alone.

import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { findFinalBag } from '../../../src/bag/find.ts'
import { file } from '../../support/memory-archive.ts'
import { classId, openClass } from '../../support/memory-class.ts'

test('the newest committed bag is found with the receipt that down gave; what is not committed is none', async (t) => {
  const { up, down, runtime, store, studentFolder, record } = await openClass(t)
  const { sessionId } = await up({ students: ['SV001', 'SV002'] })
  runtime.write('SV001', file('a', '12345'), { path: 'pipe', type: 'fifo' })
  runtime.before = (event) => {
    if (event === 'inspect SV001') {
      runtime.before = () => {}
      runtime.start(runtime.container('SV001'))
      runtime.write('SV001', file('b', '678'))
    }
  }
  await down().catch(() => {})
  const { students } = await down()
  const session = await record(sessionId)
  assert.ok(session)
  const found = await findFinalBag(store, session, 'SV001')
  const { bag, files, bytes, skipped, manifestSha256 } = students[0] ?? assert.fail()
  const collectedAt = found && 'collectedAt' in found ? found.collectedAt : undefined
  assert.match(collectedAt ?? '', /^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
  assert.deepEqual(found, { collectionId: 'final-2', prefix: bag, files, bytes, skipped, manifestSha256, collectedAt })
  assert.deepEqual([files, bytes, skipped], [2, 8, 1])

  assert.equal(await findFinalBag(store, session, 'SV003'), undefined)
  const folder = (studentId: string, bagId: string, name: string) =>
    join(studentFolder(sessionId, studentId), bagId, name)
  await rm(folder('SV001', 'final', 'bagit.txt'))
  assert.deepEqual(await findFinalBag(store, session, 'SV001'), found, 'an older bag does not count')
  await rm(folder('SV001', 'final-2', 'bag-info.txt'))
  assert.deepEqual(await findFinalBag(store, session, 'SV001'), { prefix: bag, missing: 'bag-info.txt' })

  const prefix = `${classId}/${sessionId}/SV002/final/`
  await rm(folder('SV002', 'final', 'bagit.txt'))
  assert.deepEqual(await findFinalBag(store, session, 'SV002'), { prefix, missing: 'bagit.txt' })
  await rm(folder('SV002', 'final', 'tagmanifest-sha256.txt'))
  assert.equal(await findFinalBag(store, session, 'SV002'), undefined, 'a bag that was never whole is none')
})
