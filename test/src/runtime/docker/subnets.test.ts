// Free subnets of a pool.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  addressPlan,
  freeSubnets,
  proxyAddress,
  sandboxesPerSubnet,
  seatAddress,
  subnetOfSession,
} from '../../../../src/runtime/docker/subnets.ts'

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

test('a subnet has a seat at each address but network, gateway, proxy and the block of those without a seat', () => {
  assert.equal(sandboxesPerSubnet(pool), 237)
  assert.equal(sandboxesPerSubnet({ ...pool, size: 29 }), 3)
})

test('the addresses of a subnet, in order', () => {
  assert.deepEqual(addressPlan('10.201.2.0/24'), {
    Subnet: '10.201.2.0/24',
    IPRange: '10.201.2.240/28',
    Gateway: '10.201.2.1',
  })
  assert.equal(proxyAddress('10.201.2.0/24'), '10.201.2.2')
  assert.equal(seatAddress('10.201.2.0/24', 0), '10.201.2.3')
  assert.equal(seatAddress('10.201.2.0/24', 236), '10.201.2.239')
  assert.equal(seatAddress('10.201.2.0/24', 237), undefined)
})

test('in a subnet of any size seats end where the block of those without one begins', () => {
  for (let size = 8; size <= 29; size++) {
    const subnet = `64.0.0.0/${size}`
    const seats = sandboxesPerSubnet({ base: 64 * 2 ** 24, prefix: 8, size })
    const { IPRange } = addressPlan(subnet)
    const numberOf = (address = '') => address.split('.').reduce((sum, octet) => sum * 256 + Number(octet), 0)
    const [begin, length] = IPRange.split('/')
    assert.ok(seats > 0 && Number(length) <= 31, subnet)
    assert.equal(numberOf(seatAddress(subnet, seats - 1)) + 1, numberOf(begin), subnet)
    assert.equal(numberOf(begin) + 2 ** (32 - Number(length)), 64 * 2 ** 24 + 2 ** (32 - size), subnet)
    assert.equal(seatAddress(subnet, seats), undefined)
  }
})

test('the search for a session begins at its own subnet, always the same, and goes once around', () => {
  const begin = subnetOfSession(pool, '20260102t030405678z-00ff')
  assert.equal(subnetOfSession(pool, '20260102t030405678z-00ff'), begin)
  const all = [...freeSubnets(pool, [])]
  const index = all.indexOf(begin)
  assert.ok(index >= 0)
  assert.deepEqual([...freeSubnets(pool, [], begin)], [...all.slice(index), ...all.slice(0, index)])
  const begins = Array.from({ length: 50 }, (_, each) => subnetOfSession(pool, `session ${each}`))
  assert.ok(new Set(begins).size > 1)
})
