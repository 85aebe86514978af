// A class's network: found or created on a free subnet, with the proxy attached before any sandbox starts, so that
// a page can be reached as soon as it is there.

import { type Container, type Engine, isEngineError, type Network } from '../../../engine-api/index.ts'
import { label, networkName } from '../../names.ts'
import { RuntimeError } from '../errors.ts'
import type { ProxyState, Runtime, SessionPlan } from '../port.ts'
import { noSubnetAdvice, type Room, roomOfHost } from '../room.ts'
import { proxyEndpoint } from './address.ts'
import type { DockerContext } from './context.ts'
import { asRuntimeError, isRefusal, resent } from './errors.ts'
import { isAllocated, isRemovedNetwork, untilUnlisted } from './overlay.ts'
import { clearProof } from './prove.ts'
import { networkBody } from './sandbox-body.ts'
import { freeSubnets, subnetOfSession } from './subnets.ts'

export async function openNetwork(context: DockerContext, plan: SessionPlan): ReturnType<Runtime['openNetwork']> {
  const name = networkName(plan.classId)
  const proxy = await findProxy(context)
  if (proxy) await freeProxy(context, proxy)
  const proxyId = proxy?.Id
  const manager = context.networks.engine
  const networks = await manager.networks.list()
  const found = networks.find((network) => network.Name === name)
  if (found && (await isOurs(context, plan, found))) {
    const isThere = await connectProxy(context.engine, found, proxyId).then(() => true, isRemovedNetwork)
    if (isThere) return { id: found.Id, name, created: false }
    await untilUnlisted(manager, found.Id)
  }
  const id = await createNetwork(context, plan)
  try {
    if (proxyId !== undefined) await connectProxy(context.engine, await manager.networks.inspect(id), proxyId)
  } catch (error) {
    await manager.networks.remove(id)
    throw error
  }
  return { id, name, created: true }
}

async function connectProxy(engine: Engine, network: Network, proxyId: string | undefined): Promise<void> {
  if (proxyId === undefined) return
  try {
    await engine.networks.connect(network.Id, proxyId, { endpoint: proxyEndpoint(network) })
  } catch (error) {
    // Engines refuse what is attached already with many statuses and words.
    if (!isRefusal(error) || !membersOf(await findNetwork(engine, network.Id)).includes(proxyId)) throw error
  }
}

/** A network of ours that an ended session could not remove holds no work: it makes way. Anything else is never touched. */
async function isOurs(context: DockerContext, plan: SessionPlan, network: Network): Promise<boolean> {
  const labels = network.Labels ?? {}
  const ours = labels[label.installation] === context.installation
  if (ours && labels[label.session] === plan.sessionId) return true
  if (ours) {
    await closeNetwork(context, network.Id)
    return false
  }
  throw new RuntimeError(
    'name-taken',
    `A network named ${network.Name} exists that this service did not make. Ask the operator to remove or rename it.`,
  )
}

async function createNetwork(context: DockerContext, plan: SessionPlan): Promise<string> {
  const { networks, reservedSubnets } = context
  for (const subnet of subnetsFor(context, plan.sessionId, await takenSubnets(networks.engine))) {
    if (reservedSubnets.has(subnet)) continue
    reservedSubnets.add(subnet)
    try {
      const body = networkBody(context.installation, context.proxy, plan, subnet, networks.driver)
      const { Id } = await networks.engine.networks.create(body)
      if (networks.driver === 'bridge' || (await isAllocated(networks.engine, Id))) return Id
      // Its subnet overlaps another overlay's, which no list of this manager may show.
      await networks.engine.networks.remove(Id)
    } catch (error) {
      // The engine knows of an overlap that its list of networks does not show: the next subnet may be free.
      if (!isEngineError(error, 'forbidden')) throw error
    } finally {
      reservedSubnets.delete(subnet)
    }
  }
  throw new RuntimeError('subnets-exhausted', noSubnetAdvice)
}

/** A proxy that has not heard yet of a class's end must find nobody else at its addresses: those come last. */
function* subnetsFor(
  { subnets, givenUpSubnets }: DockerContext,
  sessionId: string,
  taken: string[],
): Generator<string> {
  const begin = subnetOfSession(subnets, sessionId)
  const isWarm = (subnet: string): boolean =>
    performance.now() < (givenUpSubnets.get(subnet) ?? Number.NEGATIVE_INFINITY) + heardWithinMs
  for (const subnet of freeSubnets(subnets, taken, begin)) if (!isWarm(subnet)) yield subnet
  for (const subnet of freeSubnets(subnets, taken, begin)) if (isWarm(subnet)) yield subnet
}

/** Longer than a proxy that works takes to get its routes. */
const heardWithinMs = 60_000

async function takenSubnets(engine: Engine): Promise<string[]> {
  const networks = await engine.networks.list()
  return networks.flatMap(({ IPAM }) => (IPAM.Config ?? []).map(({ Subnet }) => Subnet ?? ''))
}

export async function readRoom(context: DockerContext): Promise<Room> {
  const [info, isFree] = await Promise.all([context.engine.system.info(), hasFreeSubnet(context), findProxy(context)])
  return roomOfHost(Math.floor(info.MemTotal / 2 ** 20), isFree, Object.keys(info.Runtimes))
}

export async function hasFreeSubnet({ networks, subnets, reservedSubnets }: DockerContext): Promise<boolean> {
  const [free] = freeSubnets(subnets, [...(await takenSubnets(networks.engine)), ...reservedSubnets])
  return free !== undefined
}

export async function attachProxy(
  context: DockerContext,
  networkIds: readonly string[],
): Promise<ProxyState | undefined> {
  const found = await findProxy(context)
  if (!found) return undefined
  const attached = new Set(Object.values(found.NetworkSettings.Networks ?? {}).map(({ NetworkID }) => NetworkID))
  const unattached = new Map<string, unknown>()
  const freed = networkIds.length > 0 ? freeProxy(context, found) : undefined
  for (const id of networkIds) {
    try {
      await freed
      const network = attached.has(id) ? undefined : await findNetwork(context.networks.engine, id)
      if (network) await connectProxy(context.engine, network, found.Id)
    } catch (error) {
      unattached.set(id, asRuntimeError(error))
    }
  }
  const version = found.Config.Labels?.['org.opencontainers.image.version']
  return { isRunning: found.State.Running, version, unattached }
}

/** A container that does not run and was in a network that is gone cannot be started: of our networks, it is taken out. */
async function freeProxy(
  { engine, networks }: DockerContext,
  { Id, State, NetworkSettings }: Container,
): Promise<void> {
  if (State.Running) return
  const places = Object.entries(NetworkSettings.Networks ?? {}).filter(([name]) => name.startsWith(networkName('')))
  if (places.length === 0) return
  const present = new Set((await networks.engine.networks.list()).flatMap(({ Id: id, Name }) => [id, Name]))
  for (const [name, { NetworkID }] of places) {
    if (!NetworkID || present.has(NetworkID)) continue
    await engine.networks.disconnect(name, Id, { force: true }).catch((error: unknown) => {
      if (!isRefusal(error)) throw error
      throw new RuntimeError(
        'failed',
        `Traefik cannot start: it was in the network ${name}, which is gone. Ask the operator to run 'docker network disconnect --force ${name}' with Traefik's name, and to start Traefik.`,
        error,
      )
    })
  }
}

async function findProxy({ engine, proxy }: DockerContext): Promise<Container | undefined> {
  if (proxy.container === undefined) return undefined
  try {
    return await engine.containers.inspect(proxy.container)
  } catch (error) {
    if (!isEngineError(error, 'not-found')) throw error
    throw new RuntimeError(
      'proxy-missing',
      'The Traefik container that the service is set up with is not on the engine. Ask the operator to start it or to correct TRAEFIK_CONTAINER.',
      error,
    )
  }
}

/**
 * Detaches the proxy by id and removes the network by id. Already gone is fine; a foreign endpoint is an error, said by us,
 * since not every engine refuses to remove a network in use (Podman does so only by its name).
 */
export async function closeNetwork(context: DockerContext, networkId: string): Promise<void> {
  const { engine, networks, proxy, givenUpSubnets } = context
  if (proxy.container !== undefined) {
    const proxyContainer = await engine.containers.inspect(proxy.container).catch((error: unknown) => {
      if (isEngineError(error, 'not-found')) return undefined
      throw error
    })
    if (proxyContainer) {
      await resent(() => engine.networks.disconnect(networkId, proxyContainer.Id)).catch((error: unknown) => {
        // A proxy that stays attached is seen below.
        if (!isRefusal(error)) throw error
      })
    }
  }
  const network = await findNetwork(networks.engine, networkId)
  const classId = network?.Labels?.[label.class]
  if (classId) await clearProof(context, classId)
  for (const { Subnet } of network?.IPAM.Config ?? []) if (Subnet) givenUpSubnets.set(Subnet, performance.now())
  if (membersOf(network).length > 0) throw inUse()
  await resent(() => networks.engine.networks.remove(networkId)).catch((error: unknown) => {
    // Who is in it on the other nodes the manager alone knows.
    throw networks.driver === 'overlay' && isEngineError(error, 'conflict') ? inUse(error) : error
  })
  if (networks.driver === 'overlay') await untilUnlisted(networks.engine, networkId)
}

const inUse = (cause?: unknown): RuntimeError =>
  new RuntimeError(
    'failed',
    'The network is in use by a container that is not of this class. Detach that container, then repeat the call.',
    cause,
  )

/** Ids of the engine's running containers in a network; none where it is gone. A node's own place in an overlay is no container. */
const membersOf = (network: Network | undefined): string[] =>
  Object.keys(network?.Containers ?? {}).filter((id) => !id.startsWith('lb-'))

async function findNetwork(engine: Engine, networkId: string): Promise<Network | undefined> {
  try {
    return await engine.networks.inspect(networkId)
  } catch (error) {
    if (isEngineError(error, 'not-found')) return undefined
    throw error
  }
}
