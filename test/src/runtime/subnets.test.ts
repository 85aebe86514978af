// Free subnets of a pool.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { freeSubnets, sandboxesPerSubnet } from '../../../src/runtime/subnets.ts'

/** 10.201.0.0/22 in networks of /24: four of them. */
const pool = { base: 10 * 2 ** 24 + 201 * 2 ** 16, prefix: 22, size: 24 }
const all = ['10.201.0.0/24', '10.201.1.0/24', '10.201.2.0/24', '10.201.3.0/24']
const free = (...taken: string[]) => [...freeSubnets(pool, taken)]

test('an untouched pool gives all its subnets, in order', () => {
  assert.deepEqual(free(), all)
})

test('what overlaps is left out: the same block, a smaller one inside, a larger one around', () => {
  assert.deepEqual(free('10.201.1.0/24'), [all[0], all[2], all[3]])
  assert.deepEqual(free('10.201.1.128/30'), [all[0], all[2], all[3]])
  assert.deepEqual(free('10.201.1.255/32', '10.201.3.0/32'), [all[0], all[2]])
  assert.deepEqual(free('10.201.2.0/23'), [all[0], all[1]])
  assert.deepEqual(free('10.201.1.77/24'), [all[0], all[2], all[3]], 'host bits do not matter')
})

test('neighbours do not overlap', () => {
  assert.deepEqual(free('10.200.255.0/24', '10.201.4.0/24', '10.202.0.0/16'), all)
})

test('a pool that is taken whole gives nothing', () => {
  assert.deepEqual(free(...all), [])
  assert.deepEqual(free('10.0.0.0/8'), [])
  assert.deepEqual(free('0.0.0.0/0'), [])
})

test('IPv6 and unreadable blocks are passed over', () => {
  assert.deepEqual(free('fd00::/8', '::ffff:10.201.0.0/120', '', 'nonsense', '10.201.0.0', '10.201.0/24'), all)
})

test('addresses above 127.255.255.255 are no negative numbers', () => {
  const high = { base: 223 * 2 ** 24 + 255 * 2 ** 16, prefix: 24, size: 25 }
  assert.deepEqual([...freeSubnets(high, ['223.255.0.128/25'])], ['223.255.0.0/25'])
})

test('a pool may be one network', () => {
  assert.deepEqual([...freeSubnets({ ...pool, prefix: 24 }, [])], ['10.201.0.0/24'])
})

test('a subnet holds its addresses but network, broadcast, gateway and proxy', () => {
  assert.equal(sandboxesPerSubnet(pool), 252)
  assert.equal(sandboxesPerSubnet({ ...pool, size: 29 }), 4)
})
