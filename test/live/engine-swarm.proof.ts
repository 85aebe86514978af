// One real engine into a Swarm of its own and out again. Two of them are in test/live/swarm-engine.proof.ts.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { createEngine, type Engine } from '../../engine-api/index.ts'
import { cleanUpOfSuite } from '../support/faults.ts'
import { skipWithoutPrivateEngine, startPrivateEngine } from '../support/private-engine.ts'

/** Its loopback, which nobody else is in. */
const addresses = { ListenAddr: '127.0.0.1:2377', AdvertiseAddr: '127.0.0.1:2377' }

describe('a Swarm of one', { skip: skipWithoutPrivateEngine, timeout: 120_000 }, () => {
  const cleanUp = cleanUpOfSuite(after)
  let engine: Engine

  before(async () => {
    const { host } = await startPrivateEngine(cleanUp)
    engine = createEngine({ host })
    cleanUp.after(() => engine.close())
  })

  test('it is made, lists its one node, gives tokens to join by, and is left', async () => {
    assert.equal(await engine.swarm.leave(), 'not-in-one')
    const id = await engine.swarm.init(addresses)
    const { Swarm } = await engine.system.info()
    assert.deepEqual([Swarm?.NodeID, Swarm?.LocalNodeState, Swarm?.ControlAvailable], [id, 'active', true])
    const nodes = await engine.nodes.list()
    assert.deepEqual(
      nodes.map(({ ID, Spec }) => [ID, Spec.Role, Spec.Availability]),
      [[id, 'manager', 'active']],
    )
    const { ID, JoinTokens } = await engine.swarm.inspect()
    assert.equal(ID, Swarm?.Cluster?.ID)
    const invitation = { RemoteAddrs: [addresses.ListenAddr], JoinToken: JoinTokens.Worker }
    await assert.rejects(engine.swarm.join({ ...addresses, ...invitation }), { code: 'conflict' })
    await assert.rejects(engine.swarm.leave(), { code: 'server-error' })
    assert.equal(await engine.swarm.leave({ force: true }), 'left')
    await assert.rejects(engine.nodes.list(), { code: 'server-error' })
    assert.equal((await engine.system.info()).Swarm?.LocalNodeState, 'inactive')
  })
})
