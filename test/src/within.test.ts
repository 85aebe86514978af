// A bound in time holds also where garbage is collected meanwhile.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { within } from '../../src/within.ts'

test('a signal that fires after a time fires though garbage was collected before', async () => {
  setFlagsFromString('--expose-gc')
  const collectGarbage: () => void = runInNewContext('gc')
  const caller = new AbortController()
  const signal = within(50, caller.signal)
  const patience = setTimeout(() => caller.abort(), 10_000)
  const fired = once(signal, 'abort')
  collectGarbage()
  await delay(1)
  collectGarbage()
  await fired
  clearTimeout(patience)
  assert.equal(signal.reason.name, 'TimeoutError')
})

test('it fires at once with the signal that it is made of', () => {
  const caller = new AbortController()
  const signal = within(60_000, caller.signal)
  caller.abort(new Error('enough'))
  assert.equal(signal.reason.message, 'enough')
})
