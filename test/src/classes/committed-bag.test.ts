// The receipt of an earlier down, read back from the bag alone.

import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { findCommittedBag } from '../../../src/classes/committed-bag.ts'
import { file } from '../../support/memory-archive.ts'
import { openClass } from '../../support/memory-class.ts'

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
  const found = await findCommittedBag(store, session, 'SV001')
  const { bag, files, bytes, skipped, manifestSha256 } = students[0] ?? assert.fail()
  assert.deepEqual(found, { collectionId: 'final-2', prefix: bag, files, bytes, skipped, manifestSha256 })
  assert.deepEqual([files, bytes, skipped], [2, 8, 1])

  await rm(join(studentFolder(sessionId, 'SV002'), 'final/bagit.txt'))
  assert.equal(await findCommittedBag(store, session, 'SV002'), undefined)
  assert.equal(await findCommittedBag(store, session, 'SV003'), undefined)
})
