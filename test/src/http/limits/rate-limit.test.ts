// How fast one address may call.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { limit, TokenBuckets } from '../../../../src/http/limits/rate-limit.ts'
import { openService, problemOf } from '../../../support/memory-service.ts'

const small = { perSecond: 2, burst: 3 }

/** How many of so many calls at one moment are let through. */
const letThrough = (buckets: TokenBuckets, calls: number, now: number, key = 'a'): number =>
  Array.from({ length: calls }, () => buckets.take(key, now)).filter((outcome) => outcome === 'taken').length

test('a burst is let through, then so many a second; what was not used does not pile up', () => {
  const buckets = new TokenBuckets(small)
  assert.equal(letThrough(buckets, 5, 0), 3)
  assert.equal(letThrough(buckets, 5, 500), 1)
  assert.equal(letThrough(buckets, 5, 1500), 2)
  assert.equal(letThrough(buckets, 5, 1_000_000), 3)
})

test('a refusal takes nothing, and says when the next call is let through', () => {
  const buckets = new TokenBuckets({ perSecond: 0.1, burst: 1 })
  assert.equal(buckets.take('a', 0), 'taken')
  assert.deepEqual(buckets.take('a', 0), { retryAfterSeconds: 10 })
  assert.deepEqual(buckets.take('a', 7_000), { retryAfterSeconds: 3 })
  assert.equal(buckets.take('a', 10_000), 'taken')
})

test('one address does not slow another down', () => {
  const buckets = new TokenBuckets(small)
  assert.equal(letThrough(buckets, 5, 0, 'a'), 3)
  assert.equal(letThrough(buckets, 5, 0, 'b'), 3)
})

test('addresses that have been quiet are forgotten', () => {
  const buckets = new TokenBuckets(small)
  for (let address = 0; address < 5_000; address++) buckets.take(`${address}`, address * 1000)
  assert.ok(buckets.size < 1_100, `${buckets.size}`)
})

test('50 classes polled twice a second pass for as long as they like, beside streams of events', async () => {
  const buckets = new TokenBuckets(limit)
  for (let second = 0; second < 600; second++) assert.equal(letThrough(buckets, 100, second * 1000), 100)
})

test('a client that loops is refused on every route, told when to come again; others are not', async (t) => {
  const { app, get } = await openService(t)
  const refused = await untilRefused(() => get('/healthz'))
  assert.equal(refused.statusCode, 429)
  assert.match(refused.headers['retry-after']?.toString() ?? '', /^[1-9]\d*$/)
  assert.equal(problemOf(refused).code, 'too-many-requests')
  for (const url of ['/room/classes', '/no-such-call', '/room/operations/none/events', '/%zz']) {
    const { statusCode, headers } = await untilRefused(() => get(url))
    assert.equal(statusCode, 429, url)
    assert.match(headers['retry-after']?.toString() ?? '', /^[1-9]\d*$/, url)
  }
  const other = await app.inject({ method: 'GET', url: '/healthz', remoteAddress: '10.0.0.9' })
  assert.equal(other.statusCode, 200)
})

/** The bucket fills while the calls are made, so their number is not known. */
async function untilRefused<Answer extends { readonly statusCode: number }>(call: () => Promise<Answer>) {
  for (let calls = 0; calls < 20_000; calls++) {
    const answer = await call()
    if (answer.statusCode === 429) return answer
  }
  assert.fail('nothing is refused')
}
