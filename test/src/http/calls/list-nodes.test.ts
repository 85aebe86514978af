// The hosts that sandboxes are on.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { placementsOf } from '../../../../src/sessions/placements.ts'
import { openFleet } from '../../../support/memory-fleet.ts'
import { openService } from '../../../support/memory-service.ts'

test('one host is the one node that there is', async (t) => {
  const { get, ofClass } = await openService(t)
  await ofClass.up()
  ofClass.runtime.images.clear()
  assert.deepEqual((await get('/room/nodes')).json(), {
    nodes: [
      {
        ...{ id: null, name: 'host', state: 'ready', availability: 'active', reachable: true, reason: null },
        ...{ memoryMb: 65_536, usedMb: 384, sandboxes: 3, missingImages: ['busybox:1.36'] },
      },
    ],
  })
})

test('of several each is told with what is placed on it, also the one that cannot be asked', async (t) => {
  let seatsOf: Parameters<typeof openFleet>[3] = async () => []
  const fleet = openFleet(t, ['a', 'b'], '/nowhere', (...session) => seatsOf(...session))
  const { get, post, ofClass } = await openService(t, {}, { kind: 'off' }, fleet.runtime)
  seatsOf = (...session) => placementsOf(ofClass.store, ...session)
  const [a, b] = fleet.nodes
  assert.ok(a && b)
  for (const node of [a, b]) node.host.memoryMb = 300
  assert.equal((await post('/room/up-class', { classId: 'os101-a' })).statusCode, 200)
  a.member = { ...a.member, availability: 'drain' }
  b.fallSilent()
  const { nodes } = (await get('/room/nodes')).json()
  const [first, { reason, ...second }] = nodes
  const onA = { id: 'a', name: 'node-a', state: 'ready', availability: 'drain', reachable: true, reason: null }
  assert.deepEqual(first, { ...onA, memoryMb: 300, usedMb: 256, sandboxes: 2, missingImages: [] })
  const onB = { id: 'b', name: 'node-b', state: 'down', availability: 'active', reachable: false }
  assert.deepEqual(second, { ...onB, memoryMb: null, usedMb: 128, sandboxes: 1, missingImages: null })
  assert.match(reason, /cannot be asked/)
})
