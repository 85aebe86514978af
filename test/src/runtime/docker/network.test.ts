// Traefik and the networks of classes. The engine's answers are hand-made.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { label } from '../../../../src/names.ts'
import { attachProxy, closeNetwork, openNetwork } from '../../../../src/runtime/docker/network.ts'
import { freeSubnets } from '../../../../src/runtime/docker/subnets.ts'
import { answerOf } from '../../../engine-api/raw-server.ts'
import { contextWith, inspectedContainer, plan } from './hand-made.ts'

const networkOf = (Id: string, Name: string, Subnet: string, Labels: object) => ({
  ...{ Id, Name, Driver: 'bridge', Internal: true, Labels },
  IPAM: { Config: [{ Subnet }] },
})
const divided = networkOf('b', 'class-b', '10.9.1.0/24', { [label.rawPackets]: 'false' })
const undivided = networkOf('c', 'class-c', '10.9.2.0/24', {})

/** What is asked for, and what is told, when Traefik is attached to these networks; it is in c already. */
async function attach(
  t: Parameters<typeof contextWith>[0],
  isRunning: boolean,
  { disconnect = answerOf(200), connect = [answerOf(200)], ids = ['b', 'c'] } = {},
) {
  const changes: string[] = []
  let inspections = 0
  const traefik = inspectedContainer('t', 'traefik')
  const stale = {
    ...traefik,
    State: { ...traefik.State, Running: isRunning },
    NetworkSettings: {
      Networks: {
        bridge: { NetworkID: 'gone' },
        'class-a': { NetworkID: 'gone' },
        'class-c': { NetworkID: 'c' },
        'class-d': { NetworkID: 'd' },
      },
    },
  }
  const { context } = await contextWith(t, (socket, { method, target, body }) => {
    if (method === 'POST') changes.push(`${target.replace(/^\/v[\d.]+/, '')} ${body}`)
    if (target.endsWith('/json')) inspections++
    const answer = target.endsWith('/json')
      ? stale
      : target.endsWith('/networks')
        ? [divided, undivided, networkOf('d', 'class-d', '10.9.3.0/24', {})]
        : divided
    socket.write(
      target.endsWith('/disconnect')
        ? disconnect
        : target.endsWith('/connect')
          ? ((connect.length > 1 ? connect.shift() : connect[0]) ?? answerOf(200))
          : answerOf(200, JSON.stringify(answer)),
    )
  })
  const state = await attachProxy({ ...context, proxy: { ...context.proxy, container: 'traefik' } }, ids)
  return { changes, inspections, unattached: [...(state?.unattached ?? [])].map(([id, error]) => `${id}: ${error}`) }
}

const attached = '/networks/b/connect {"Container":"t","EndpointConfig":{"IPAMConfig":{"IPv4Address":"10.9.1.2"}}}'

test('Traefik gets an address of its own, where the network has one for it', async (t) => {
  assert.deepEqual((await attach(t, true)).changes, [attached])
})

test('a Traefik that does not run is taken out of class networks that are gone, so that it can start', async (t) => {
  assert.deepEqual((await attach(t, false)).changes, [
    '/networks/class-a/disconnect {"Container":"t","Force":true}',
    attached,
  ])
})

test('where that is refused it is said that Traefik cannot start, and what to do', async (t) => {
  const refused = answerOf(500, JSON.stringify({ message: 'no' }))
  const { unattached } = await attach(t, false, { disconnect: refused })
  assert.match(unattached.join(), /^b: .*Traefik cannot start.*docker network disconnect --force class-a/)
})

test('a network that Traefik cannot be attached to keeps it out of no other, and one look inspects it once', async (t) => {
  const refused = answerOf(500, JSON.stringify({ message: 'no more addresses' }))
  const ids = ['b', 'c', 'e', 'f']
  const { changes, inspections, unattached } = await attach(t, true, { connect: [refused, answerOf(200)], ids })
  assert.equal(changes.length, 3)
  assert.equal(inspections, 1)
  assert.equal(unattached.length, 1)
  assert.match(unattached.join(), /^b: .*no more addresses/)
})

test('a subnet that was given up a moment ago is dealt out again only where there is no other', async (t) => {
  const networks: ReturnType<typeof networkOf>[] = []
  const { context } = await contextWith(t, (socket, { method, target, body }) => {
    const path = target.replace(/^\/v[\d.]+/, '')
    const answer = (value: unknown, status = 200) => socket.write(answerOf(status, JSON.stringify(value)))
    if (path === '/networks/create') {
      const { Name, IPAM } = JSON.parse(`${body}`)
      networks.push(networkOf(`id-${networks.length}`, Name, IPAM.Config[0].Subnet, {}))
      return answer({ Id: networks.at(-1)?.Id }, 201)
    }
    if (path === '/networks') return answer(networks)
    const found = networks.find(({ Id }) => path === `/networks/${Id}`)
    if (method === 'GET' && found) return answer(found)
    if (found) networks.splice(networks.indexOf(found), 1)
    return socket.write(answerOf(204))
  })
  const open = async () => (await openNetwork(context, plan)).id
  const subnet = () => networks.at(-1)?.IPAM.Config[0]?.Subnet
  await closeNetwork(context, await open())
  const first = [...context.givenUpSubnets.keys()][0]
  await open()
  assert.notEqual(subnet(), first)
  // All others are taken.
  networks.splice(0)
  for (const each of freeSubnets(context.subnets, [first ?? ''])) networks.push(networkOf(each, each, each, {}))
  await open()
  assert.equal(subnet(), first)
})
