// What a sandbox reaches, by the network it is in. That the words are true is test/live/sandbox-reach.proof.ts.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isolationOf } from '../../../src/runtime/isolation.ts'

const isolation = (internal: boolean, hasHost: boolean, rawPackets = false) =>
  isolationOf({ id: 'id', name: 'class-a', subnet: undefined, internal, hasHost, rawPackets })

test('in an internal network without the host a sandbox reaches its class alone', () => {
  assert.deepEqual(isolation(true, false), {
    classmates: 'reachable',
    otherClasses: 'blocked',
    host: 'blocked',
    engine: 'blocked',
    store: 'blocked',
    cloudMetadata: 'blocked',
    internet: 'blocked',
  })
})

test('a host in the network is reachable, and with it what may be there: engine, store, metadata', () => {
  assert.deepEqual(isolation(true, true), {
    ...isolation(true, false),
    host: 'reachable',
    engine: 'reachable',
    store: 'reachable',
    cloudMetadata: 'reachable',
  })
})

test('who makes packets by hand reaches a host that has no address in the network', () => {
  assert.deepEqual(isolation(true, false, true), isolation(true, true))
})

test('a network that leads out blocks nothing', () => {
  for (const hasHost of [true, false]) {
    assert.deepEqual(new Set(Object.values(isolation(false, hasHost))), new Set(['reachable']))
  }
})
