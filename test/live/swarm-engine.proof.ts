// What classes on several hosts rely on, on the two nodes of a real Swarm: standalone sandboxes with addresses of their own in one
// internal overlay, and what is left of them when an engine dies, a node loses its power or its link.

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { type Engine, isEngineError } from '../../engine-api/index.ts'
import { image } from '../support/catalogue.ts'
import {
  doToNode,
  engineOfNode,
  inRoom,
  type NodeName,
  nodeAddress,
  nodeAtManager,
  nodeNames,
  routesOfNode,
  skipWithoutSwarm,
  swarmFolder,
  untilNode,
} from '../support/swarm-lab.ts'
import { until } from '../support/until.ts'

const mark = 'swarm-engine-proof'
const label = { [mark]: 'yes' }
const filters = { label: [`${mark}=yes`] }
const subnet = { Subnet: '10.218.0.0/27', IPRange: '10.218.0.28/30', Gateway: '10.218.0.1' }
/** Nobody else's, outside of the range that addresses come from unasked. */
const addressOf = { a: '10.218.0.3', b: '10.218.0.4' } as const satisfies Record<NodeName, string>
const sandbox = { a: 'student-a', b: 'student-b' } as const satisfies Record<NodeName, string>
const other = { a: 'b', b: 'a' } as const satisfies Record<NodeName, NodeName>
/** A name that is not known yet is asked for again and again, for ten seconds and more. */
const limits = { timeoutMs: 30_000, maxOutputBytes: 10_000 }

describe('two engines as nodes of a Swarm', { skip: skipWithoutSwarm, timeout: 500_000 }, () => {
  let engines: Readonly<Record<NodeName, Engine>>
  let network = ''
  const each = <Result>(work: (engine: Engine, node: NodeName) => Promise<Result>): Promise<Result[]> =>
    Promise.all(nodeNames.map((node) => work(engines[node], node)))

  /** Whether the sandbox of the other node reaches this one's by its name. */
  async function isReached(node: NodeName): Promise<boolean> {
    const command = ['ping', '-c', '1', '-w', '5', sandbox[node]]
    const from = other[node]
    return (await engines[from].exec.run(sandbox[from], { command, ...limits })).exitCode === 0
  }

  const stateOf = async (node: NodeName): Promise<string> =>
    (await engines[node].containers.inspect(sandbox[node])).State.Status

  async function startedAgain(node: NodeName): Promise<void> {
    await until(`${node} to be started`, () =>
      engines[node].containers.start(sandbox[node]).then(
        () => true,
        (error) => (isEngineError(error) ? false : assert.fail(String(error))),
      ),
    )
    const { NetworkSettings } = await engines[node].containers.inspect(sandbox[node])
    assert.equal(NetworkSettings.Networks?.[mark]?.IPAddress, addressOf[node], 'with the address that it had')
  }

  before(async () => {
    engines = { a: engineOfNode('a'), b: engineOfNode('b') }
    const { Id } = await engines.a.networks.create({
      Name: mark,
      Driver: 'overlay',
      Attachable: true,
      Internal: true,
      Labels: label,
      IPAM: { Config: [subnet] },
    })
    network = Id
    await until('the network to be allocated', async () => (await engines.a.networks.inspect(Id)).Driver !== '')
    for (const node of nodeNames) await make(node, sandbox[node], addressOf[node])
    await each((engine, node) => engine.containers.start(sandbox[node]))
  })

  const make = (node: NodeName, name: string, address: string) =>
    engines[node].containers.create({
      name,
      body: {
        Image: image,
        Cmd: ['sleep', 'infinity'],
        Labels: label,
        HostConfig: { NetworkMode: network, Init: true, RestartPolicy: { Name: 'unless-stopped' } },
        NetworkingConfig: { EndpointsConfig: { [network]: { IPAMConfig: { IPv4Address: address } } } },
      },
    })

  after(async () => {
    await each(async (engine) => {
      for (const { Id } of await engine.containers.list({ all: true, filters })) {
        await engine.containers.stop(Id, { graceSeconds: 0 })
        await engine.containers.remove(Id)
      }
    })
    await engines.a.networks.remove(network)
    await each((engine) => engine.close())
  })

  test('each node is reached by mutual TLS at the address that the manager lists, and says the id that is listed', async () => {
    const nodes = await engines.a.nodes.list()
    assert.deepEqual(nodes.map(({ Status }) => Status.Addr).sort(), Object.values(nodeAddress))
    const client = join(swarmFolder(), 'tls/client')
    const certificate = ['--cert', join(client, 'cert.pem'), '--key', join(client, 'key.pem')]
    for (const { ID, Status } of nodes) {
      const info = `https://${Status.Addr}:2376/info`
      const told = await inRoom('curl', '--silent', '--cacert', join(client, 'ca.pem'), ...certificate, info)
      assert.match(told, new RegExp(`"Swarm":\\{"NodeID":"${ID}"`))
      await assert.rejects(inRoom('curl', '--silent', '--insecure', info), 'without a certificate')
    }
  })

  test('the sandboxes have their addresses, reach each other by name, and their node cannot reach them', async () => {
    await each(async (engine, node) => {
      const { NetworkSettings } = await engine.containers.inspect(sandbox[node])
      assert.deepEqual(Object.keys(NetworkSettings.Networks ?? {}), [mark])
      assert.equal(NetworkSettings.Networks?.[mark]?.IPAddress, addressOf[node])
    })
    assert.deepEqual([await isReached('b'), await isReached('a')], [true, true])
    for (const address of [...Object.values(addressOf), nodeAddress.a]) {
      const { exitCode } = await engines.a.exec.run(sandbox.a, {
        command: ['ping', '-c', '1', '-w', '2', address],
        ...limits,
      })
      assert.equal(exitCode === 0, address !== nodeAddress.a, address)
    }
    // In the node's own network there is no way to the overlay's addresses, so that not even a packet is sent.
    assert.doesNotMatch(await routesOfNode('a'), /10\.218\.|default/)
  })

  test('an address that somebody of the network has is refused at the start, and free when they stop', async () => {
    await make('b', 'late', addressOf.a)
    await assert.rejects(engines.b.containers.start('late'), (error) => isEngineError(error, 'server-error'))
    assert.equal((await engines.b.containers.inspect('late')).State.Status, 'created')
    await engines.a.containers.stop(sandbox.a, { graceSeconds: 1 })
    assert.equal(await engines.b.containers.start('late'), 'started')
    await engines.b.containers.stop('late', { graceSeconds: 1 })
    await engines.b.containers.remove('late')
    await startedAgain('a')
  })

  for (const node of nodeNames) {
    test(`when the engine of ${node} alone dies, its sandbox stays ended until somebody starts it`, async () => {
      await doToNode('crash', node)
      await until('the engine to answer', () =>
        engines[node].system.ping().then(
          () => true,
          () => false,
        ),
      )
      await until('the sandbox to be seen ended', async () => (await stateOf(node)) === 'exited')
      await untilNode(engines.a, node, 'ready')
      await untilNode(engines.a, 'b', 'ready')
      assert.equal(await stateOf(node), 'exited')
      await startedAgain(node)
      await until('the other to reach it', () => isReached(node))
    })
  }

  test('a node without power is down at the manager within seconds; with power it starts its sandboxes itself', async () => {
    await doToNode('kill', 'b')
    await untilNode(engines.a, 'b', 'down')
    await assert.rejects(engines.b.system.ping(), { code: 'unreachable' })
    await doToNode('start', 'b')
    await untilNode(engines.a, 'b', 'ready')
    await startedAgain('b')
    await until('the other to reach it', () => isReached('b'))
  })

  test('a node whose link is cut is down, runs on, lets its work be read, starts nothing, and holds the network', async () => {
    await doToNode('cut', 'b')
    await untilNode(engines.a, 'b', 'down')
    assert.equal((await nodeAtManager(engines.a, 'b'))?.Status.Message, 'heartbeat failure')
    assert.equal(await stateOf('b'), 'running')
    for await (const { name } of engines.b.containers.archive(sandbox.b, '/etc')) assert.ok(name.length > 0)
    await engines.b.containers.stop(sandbox.b, { graceSeconds: 1 })
    await assert.rejects(engines.b.containers.start(sandbox.b), (error) => isEngineError(error, 'server-error'))
    await engines.a.containers.stop(sandbox.a, { graceSeconds: 1 })
    await assert.rejects(engines.a.networks.remove(network), (error) => isEngineError(error, 'conflict'))
    await doToNode('join', 'b')
    await untilNode(engines.a, 'b', 'ready')
    await startedAgain('a')
    await startedAgain('b')
    await until('the other to reach it', () => isReached('b'))
  })

  test('a drained node keeps what runs there', async () => {
    const availability = async (Availability: 'active' | 'drain'): Promise<void> => {
      const node = (await nodeAtManager(engines.a, 'b')) ?? assert.fail('b is not listed')
      assert.equal(await engines.a.nodes.update(node, { Availability }), 'updated')
    }
    await availability('drain')
    await until(
      'the manager to say so',
      async () => (await nodeAtManager(engines.a, 'b'))?.Spec.Availability === 'drain',
    )
    assert.deepEqual([await stateOf('b'), await isReached('b')], ['running', true])
    await availability('active')
  })
})
