// When a fault strikes.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Strike, StrikePlan } from './strike.ts'

const requests = [
  ['GET', '/a'],
  ['GET', '/b'],
  ['PUT', '/a'],
  ['GET', '/a'],
  ['GET', '/a'],
] as const

const struckBy = (strike: Omit<Strike<'fault'>, 'fault'> | undefined): number[] => {
  const plan = new StrikePlan<'fault'>()
  plan.set(strike && { fault: 'fault', ...strike })
  const struck = requests.flatMap(([method, url], index) => (plan.take(method, url) === 'fault' ? [index] : []))
  assert.equal(plan.hits, struck.length)
  return struck
}

test('a fault strikes the nth matching request, or all from there on', () => {
  assert.deepEqual(struckBy(undefined), [])
  assert.deepEqual(struckBy({ method: 'GET', url: /a/, nth: 2 }), [3])
  assert.deepEqual(struckBy({ method: 'GET', url: /a/, nth: 2, standing: true }), [3, 4])
  assert.deepEqual(struckBy({ url: /a/, nth: 2 }), [2])
  assert.deepEqual(struckBy({ method: 'GET', url: /a/, nth: 4 }), [])
})

test('a new fault counts from its own beginning', () => {
  const plan = new StrikePlan<'first' | 'second'>()
  plan.set({ fault: 'first', url: /a/, nth: 1 })
  assert.equal(plan.take('GET', '/a'), 'first')
  plan.set({ fault: 'second', url: /a/, nth: 1 })
  assert.equal(plan.hits, 0)
  assert.equal(plan.take('GET', '/a'), 'second')
})
