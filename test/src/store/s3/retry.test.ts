import assert from 'node:assert/strict'
import { test } from 'node:test'
import { StoreError } from '../../../../src/store/port.ts'
import { retry } from '../../../../src/store/s3/retry.ts'

const limits = { attempts: 4, firstPauseMilliseconds: 1, totalMilliseconds: 60_000 }
const busy = () => new StoreError('unreachable', 'busy')

/** A call that rejects with each of `errors` in turn, then resolves to the number of its attempts. */
function failing(...errors: readonly Error[]) {
  let attempts = 0
  const call = async () => {
    const error = errors[attempts]
    attempts += 1
    if (error !== undefined) throw error
    return attempts
  }
  return { call, count: () => attempts }
}

test('a fault that passes is tried again until it has passed', async () => {
  assert.equal(await retry(limits, undefined, failing(busy(), busy(), busy()).call), 4)
})

test('the last fault is told when the attempts are used up', async () => {
  const last = busy()
  const { call, count } = failing(busy(), busy(), busy(), last)
  await assert.rejects(retry(limits, undefined, call), (error) => error === last)
  assert.equal(count(), 4)
})

test('any other fault is told at once', async () => {
  for (const fault of [new StoreError('denied', 'no'), new Error('else')]) {
    const { call, count } = failing(fault)
    await assert.rejects(retry(limits, undefined, call), (error) => error === fault)
    assert.equal(count(), 1)
  }
})

test('no attempt starts after the total time', async () => {
  const { call, count } = failing(busy())
  await assert.rejects(
    retry({ ...limits, firstPauseMilliseconds: 10_000, totalMilliseconds: 1 }, undefined, call),
    StoreError,
  )
  assert.equal(count(), 1)
})

test('an abort ends the pause between attempts with its reason', async () => {
  const abort = new AbortController()
  const call = async () => {
    setImmediate(() => abort.abort(new Error('enough')))
    throw busy()
  }
  const slow = { attempts: 2, firstPauseMilliseconds: 1_000_000, totalMilliseconds: 10_000_000 }
  await assert.rejects(retry(slow, abort.signal, call), /enough/)
})
