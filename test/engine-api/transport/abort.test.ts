// What waits for an abort: any number of calls at once with one signal.

import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { test } from 'node:test'
import { untilAborted } from '../../../engine-api/transport/abort.ts'

test('many calls that share one signal cause no warning, and none of them stays on it', async (t) => {
  const warnings: string[] = []
  const onWarning = (warning: Error) => void warnings.push(`${warning}`)
  process.on('warning', onWarning)
  t.after(() => process.off('warning', onWarning))
  const { signal } = new AbortController()
  const answers = Array.from({ length: 40 }, () => new Promise((resolve) => setImmediate(resolve)))
  await Promise.all(answers.map((answer) => untilAborted(answer, signal)))
  await new Promise((resolve) => setImmediate(resolve))
  assert.deepEqual(getEventListeners(signal, 'abort'), [])
  assert.deepEqual(warnings, [])
})
