// What a teacher is told of each fault.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { asCollectError, CollectError } from '../../../src/collection/errors.ts'
import { RuntimeError } from '../../../src/runtime/errors.ts'
import { StoreError } from '../../../src/store/port.ts'

const codeOf = (error: unknown): string => asCollectError(error).code

test('each fault of the engine and the store has its word for teachers', () => {
  assert.equal(codeOf(new RuntimeError('unavailable', '')), 'engine-unavailable')
  assert.equal(codeOf(new RuntimeError('archive', '')), 'archive-incomplete')
  assert.equal(codeOf(new RuntimeError('running', '')), 'changed')
  assert.equal(codeOf(new RuntimeError('gone', '')), 'failed')
  for (const code of ['unreachable', 'denied', 'no-bucket', 'full', 'refused'] as const) {
    assert.equal(codeOf(new StoreError(code, '')), 'store-unavailable')
  }
  assert.equal(codeOf(new StoreError('mismatch', '')), 'store-mismatch')
  assert.equal(codeOf(new StoreError('not-found', '')), 'store-mismatch')
  assert.equal(codeOf(new Error('other')), 'failed')
  assert.equal(codeOf('not even an error'), 'failed')
})

test('the first fault of ours in the chain of causes decides', () => {
  const cut = new RuntimeError('archive', 'The archive was cut short.')
  const wrapped = new StoreError('unreachable', 'The upload broke.', new Error('stream failed', { cause: cut }))
  assert.equal(codeOf(wrapped), 'archive-incomplete')
  const changed = new CollectError('changed', 'It differed.')
  assert.equal(asCollectError(new StoreError('mismatch', '', changed)), changed)
})

test('the original stays as the cause', () => {
  const original = new StoreError('full', 'No space.')
  assert.equal(asCollectError(original).cause, original)
})
