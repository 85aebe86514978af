// What is different on the nodes of a Swarm: its manager has the networks, which are overlays. The engine's answers are hand-made,
// after those of a real Swarm.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { containerName, label, networkName, volumeName } from '../../../../src/names.ts'
import { rejoinNetwork } from '../../../../src/runtime/docker/address.ts'
import type { DockerContext } from '../../../../src/runtime/docker/context.ts'
import { closeNetwork, openNetwork } from '../../../../src/runtime/docker/network.ts'
import { reviveContainers } from '../../../../src/runtime/docker/revive.ts'
import { sessionLabels } from '../../../../src/runtime/docker/sandbox-body.ts'
import { startSandbox } from '../../../../src/runtime/docker/start.ts'
import { surveyDocker, surveyNetworks } from '../../../../src/runtime/docker/survey.ts'
import { inspectedContainer, installation, isError, json, plan, serve, studentId } from './hand-made.ts'

const name = networkName(plan.classId)
const seated = { ...plan, seats: [{ studentId, number: 0 }] }
const sessionOf = { ...sessionLabels(installation, plan), [label.rawPackets]: 'false' }
const overlay = {
  ...{ Id: 'swarm-id', Name: name, Driver: 'overlay', Internal: true, Labels: sessionOf },
  IPAM: { Config: [{ Subnet: '10.0.0.0/28' }] },
  Containers: { [`lb-${name}`]: { Name: `${name}-endpoint`, IPv4Address: '10.0.0.14/28' } },
}
const stored = { ...overlay, Driver: '', IPAM: { Config: null } }

const onSwarm = (context: DockerContext): DockerContext => ({
  ...context,
  networks: { engine: context.engine, driver: 'overlay' },
})

test('an overlay is made attachable, and is there once it is allocated', async (t) => {
  const { context, requests } = await serve(t, {
    'GET /networks': json(200, []),
    'POST /networks/create': json(201, { Id: 'swarm-id', Warning: '' }),
    'GET /networks/swarm-id': [json(200, stored), json(200, stored), json(200, overlay)],
  })
  assert.deepEqual(await openNetwork(onSwarm(context), seated), { id: 'swarm-id', name, created: true })
  const created = requests.find(({ target }) => target.endsWith('/networks/create'))
  const { Driver, Attachable, Internal, Options } = JSON.parse(created?.body.toString() ?? '')
  assert.deepEqual([Driver, Attachable, Internal, Options], ['overlay', true, true, undefined])
  assert.equal(requests.filter(({ target }) => target.endsWith('/networks/swarm-id')).length, 3)
})

test('an overlay that is not allocated in time is removed, and the next subnet is taken', async (t) => {
  const { context, requests } = await serve(t, {
    'GET /networks': json(200, []),
    'POST /networks/create': [json(201, { Id: 'never', Warning: '' }), json(201, { Id: 'swarm-id', Warning: '' })],
    'GET /networks/never': json(200, stored),
    'DELETE /networks/never': json(204, {}),
    'GET /networks/swarm-id': json(200, overlay),
  })
  assert.equal((await openNetwork(onSwarm(context), seated)).id, 'swarm-id')
  const subnets = requests.flatMap(({ target, body }) =>
    target.endsWith('/create') ? [JSON.parse(body.toString()).IPAM.Config[0].Subnet] : [],
  )
  assert.equal(new Set(subnets).size, 2)
})

test('a node’s own place keeps no overlay, and a task in it is a network in use', async (t) => {
  const refusal = { message: `rpc error: code = FailedPrecondition desc = network ${name} is in use by task x` }
  const { context, calls } = await serve(t, {
    // Listed for a moment after it was removed.
    'GET /networks/swarm-id': [...Array(3).fill(json(200, overlay)), json(404, { message: 'network not found' })],
    'DELETE /networks/swarm-id': [json(400, refusal), json(204, {})],
  })
  await assert.rejects(closeNetwork(onSwarm(context), 'swarm-id'), (error) => {
    assert.match(`${error}`, /in use by a container that is not of this class/)
    return isError('failed')(error)
  })
  await closeNetwork(onSwarm(context), 'swarm-id')
  assert.equal(calls().filter((call) => call === 'GET /networks/swarm-id').length, 4)
})

test('a network that was removed a moment ago is not taken for the class’s', async (t) => {
  const gone = 'Could not attach to network old: rpc error: code = NotFound desc = network old not found'
  const { context } = await serve(t, {
    'GET /containers/traefik/json': json(200, inspectedContainer('t', 'traefik')),
    'GET /networks': json(200, [{ ...overlay, Id: 'old' }]),
    'POST /networks/old/connect': json(500, { message: gone }),
    'GET /networks/old': [json(200, { ...overlay, Id: 'old' }), json(404, { message: 'network old not found' })],
    'POST /networks/create': json(201, { Id: 'swarm-id', Warning: '' }),
    'GET /networks/swarm-id': json(200, overlay),
    'POST /networks/swarm-id/connect': json(200, {}),
  })
  const swarm = { ...onSwarm(context), proxy: { ...context.proxy, container: 'traefik' } }
  assert.deepEqual(await openNetwork(swarm, seated), { id: 'swarm-id', name, created: true })
})

test('a sandbox is made in its overlay by the id of that, and one that is not attached says so', async (t) => {
  const volume = volumeName(plan.classId, studentId, plan.sessionId)
  const volumeLabels = { [label.installation]: installation, [label.session]: plan.sessionId }
  const late = 'Could not attach to network swarm-id: context deadline exceeded'
  const { context, requests } = await serve(t, {
    [`GET /networks/${name}`]: json(200, overlay),
    'POST /volumes/create': json(201, { Name: volume, Labels: volumeLabels, Driver: 'local', CreatedAt: '' }),
    'POST /containers/create': json(201, { Id: 'made', Warnings: [] }),
    'PUT /containers/made/archive': json(200, {}),
    'POST /containers/made/start': json(500, { message: late }),
  })
  const { fault } = await startSandbox(onSwarm(context), seated, studentId, undefined)
  assert.ok(isError('failed')(fault), `${fault}`)
  assert.match(`${fault}`, /did not attach this sandbox/)
  const created = requests.find(({ target }) => target.includes('/containers/create'))
  const { HostConfig, NetworkingConfig } = JSON.parse(created?.body.toString() ?? '')
  assert.equal(HostConfig.NetworkMode, 'swarm-id')
  assert.deepEqual(NetworkingConfig.EndpointsConfig, { 'swarm-id': { IPAMConfig: { IPv4Address: '10.0.0.3' } } })
})

test('a stopped sandbox leaves the overlay that is gone before it comes into the new one', async (t) => {
  const stopped = inspectedContainer('made', containerName(plan.classId, studentId))
  const Networks = { [name]: { NetworkID: 'old', IPAddress: '' } }
  const { context, calls } = await serve(t, {
    [`GET /networks/${name}`]: json(200, overlay),
    'GET /containers/made/json': json(200, { ...stopped, NetworkSettings: { Networks } }),
    [`POST /networks/${name}/disconnect`]: json(200, {}),
    'POST /networks/swarm-id/connect': json(200, {}),
  })
  await rejoinNetwork(onSwarm(context), seated, studentId, 'made')
  const changes = calls().filter((call) => call.startsWith('POST'))
  assert.deepEqual(changes, [`POST /networks/${name}/disconnect`, 'POST /networks/swarm-id/connect'])
})

test('what is on a node is told with the networks that the manager has', async (t) => {
  const labels = { ...sessionLabels(installation, plan), [label.student]: studentId, [label.port]: '8080' }
  const listed = (State: string, Networks: object) => ({
    ...{ Id: 'made', Names: [`/${containerName(plan.classId, studentId)}`], Image: 'i', ImageID: 'i', Labels: labels },
    ...{ Created: 1, State, Status: '', NetworkSettings: { Networks } },
  })
  const unstarted = { 'swarm-id': { NetworkID: '', IPAddress: '' } }
  const running = { [name]: { NetworkID: 'swarm-id', IPAddress: '10.0.0.3' } }
  const { context, calls } = await serve(t, {
    'GET /networks': json(200, [overlay]),
    'GET /containers/json': [json(200, [listed('created', unstarted)]), json(200, [listed('running', running)])],
    'GET /volumes': json(200, { Volumes: [], Warnings: null }),
  })
  const swarm = onSwarm(context)
  const sessions = await surveyNetworks(swarm, undefined)
  const sandboxes = []
  for (const _ of [1, 2]) {
    const [session] = await surveyDocker(swarm, undefined, sessions)
    assert.deepEqual([session?.network?.id, session?.network?.hasHost], ['swarm-id', false])
    sandboxes.push(...(session?.sandboxes ?? []))
  }
  assert.deepEqual(
    sandboxes.map(({ isDetached, server }) => [isDetached, server]),
    [
      [false, undefined],
      [false, 'http://10.0.0.3:8080'],
    ],
  )
  assert.equal(calls().filter((call) => call === 'GET /networks').length, 1)
})

test('only what ran and was not stopped for good is started again, and one that fails stops no other', async (t) => {
  const ended = (id: string, more: object = {}, policy = 'unless-stopped') => {
    const container = inspectedContainer(id, id)
    const State = { ...container.State, Status: 'exited', StartedAt: '2026-01-01T00:00:00Z', ...more }
    return json(200, { ...container, State, HostConfig: { ...container.HostConfig, RestartPolicy: { Name: policy } } })
  }
  const { context, calls } = await serve(t, {
    'GET /containers/fails/json': ended('fails'),
    'POST /containers/fails/start': json(500, { message: 'no' }),
    'GET /containers/ended/json': ended('ended'),
    'POST /containers/ended/start': json(204, {}),
    'GET /containers/sealed/json': ended('sealed', {}, 'no'),
    'GET /containers/fresh/json': ended('fresh', { StartedAt: '0001-01-01T00:00:00Z' }),
    'GET /containers/runs/json': ended('runs', { Running: true }),
  })
  await assert.rejects(reviveContainers(context, ['fails', 'ended', 'sealed', 'fresh', 'runs']))
  assert.deepEqual(
    calls().filter((call) => call.startsWith('POST')),
    ['POST /containers/fails/start', 'POST /containers/ended/start'],
  )
})
