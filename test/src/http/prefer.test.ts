// The Prefer header of RFC 7240.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readPrefer } from '../../../src/http/prefer.ts'

const defaultWait = { seconds: 20 }

test('without a preference a caller waits 20 seconds, and nothing is said to be applied', () => {
  for (const header of [undefined, '', 'handling=lenient', 'return=minimal, foo; bar=1']) {
    assert.deepEqual(readPrefer(header), defaultWait)
  }
})

test('wait is read in every form that RFC 7240 allows', () => {
  const ten = { seconds: 10, applied: 'wait=10' }
  const forms = [
    'wait=10',
    'WAIT=10',
    ' wait = 10 ',
    'wait="10"',
    'wait=10; foo=1',
    'return=minimal, wait=10',
    'wait=10, wait=5',
  ]
  for (const header of forms) assert.deepEqual(readPrefer(header), ten, header)
  assert.deepEqual(readPrefer(['return=minimal', 'wait=10']), ten)
})

test('a wait is at most an hour, and at least none', () => {
  assert.deepEqual(readPrefer('wait=999999'), { seconds: 3600, applied: 'wait=3600' })
  assert.deepEqual(readPrefer('wait=0'), { seconds: 0, applied: 'wait=0' })
})

test('a wait that is no number is passed over', () => {
  for (const header of ['wait', 'wait=', 'wait=soon', 'wait=-1', 'wait=1.5', 'wait=1e3', 'waiting=5', 'wait=9999999']) {
    assert.deepEqual(readPrefer(header), defaultWait, header)
  }
})

test('respond-async alone waits for nothing, with wait as long as that says', () => {
  for (const header of ['respond-async', 'Respond-Async', 'respond-async; x=1', 'respond-async, wait=soon']) {
    assert.deepEqual(readPrefer(header), { seconds: 0, applied: 'respond-async' }, header)
  }
  for (const header of ['wait=10, respond-async', 'respond-async, wait=10']) {
    assert.deepEqual(readPrefer(header), { seconds: 10, applied: 'respond-async, wait=10' }, header)
  }
})
