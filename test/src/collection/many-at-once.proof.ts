// A whole class collected at once, with one signal for all of it: every call takes its listeners off again, and none is warned of.

import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { type TestContext, test } from 'node:test'
import type { Store } from '../../../src/store/port.ts'
import { createS3Store } from '../../../src/store/s3/bucket.ts'
import { file } from '../../support/memory-archive.ts'
import { stoppedSandbox } from '../../support/memory-sandbox.ts'
import { startHandMadeS3 } from '../store/s3/hand-made-s3.ts'

const files = Array.from({ length: 30 }, (_, index) => file(`f${index}`, `${index}`))

/** Collects forty students' sandboxes at once; answers what Node.js warned of meanwhile. */
async function collectForty(t: TestContext, through?: Store): Promise<string[]> {
  const warnings: string[] = []
  const onWarning = (warning: Error) => void warnings.push(`${warning}`)
  process.on('warning', onWarning)
  t.after(() => process.off('warning', onWarning))
  const sandbox = await stoppedSandbox(t, files)
  const { signal } = new AbortController()
  const students = Array.from({ length: 40 }, (_, index) => `SV${index}`)
  const bags = await Promise.all(students.map((studentId) => sandbox.collect({ studentId }, signal, through)))
  assert.deepEqual(new Set(bags.map((bag) => bag.files)), new Set([30]))
  assert.deepEqual(getEventListeners(signal, 'abort'), [])
  // Warnings are told after the work that caused them.
  await new Promise((resolve) => setImmediate(resolve))
  return warnings
}

test('forty students collected at once into a folder cause no warning', async (t) => {
  assert.deepEqual(await collectForty(t), [])
})

test('forty students collected at once into a bucket cause no warning', async (t) => {
  const { endpoint } = await startHandMadeS3(t)
  const store = createS3Store({ endpoint, accessKey: 'a', secretKey: 's', bucket: 'bucket', region: 'us-east-1' })
  t.after(() => store.close())
  assert.deepEqual(await collectForty(t, store), [])
})
