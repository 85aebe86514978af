// Where a sandbox stands in its class's network: at one address for the whole session, so that no restart, in whatever order,
// gives a student the address under which Traefik still shows somebody else's page.

import type { Network } from '../../../engine-api/index.ts'
import { label, networkName } from '../../names.ts'
import { RuntimeError } from '../errors.ts'
import type { SessionPlan } from '../port.ts'
import { findSeat } from '../seats.ts'
import type { DockerContext } from './context.ts'
import { isRefusal } from './errors.ts'
import { endpointSettings } from './sandbox-body.ts'
import { proxyAddress, seatAddress } from './subnets.ts'

export interface Place {
  /** By what the engine knows it. */
  readonly network: string
  /** Undefined in a session or a network of the time before sandboxes had addresses of their own. */
  readonly address: string | undefined
}

export async function placeOf({ networks }: DockerContext, plan: SessionPlan, studentId: string): Promise<Place> {
  const name = networkName(plan.classId)
  const seat = findSeat(plan.seats, studentId)
  if (!seat && networks.driver === 'bridge') return { network: name, address: undefined }
  const found = await networks.engine.networks.inspect(name)
  const network = networks.driver === 'bridge' ? name : found.Id
  const subnet = dividedSubnet(found)
  if (!seat || subnet === undefined) return { network, address: undefined }
  const address = seatAddress(subnet, seat.number)
  if (address !== undefined) return { network, address }
  throw new RuntimeError(
    'failed',
    "Every address of the class's network is a student's already. Take the class down, and ask the operator for a larger CLASS_SUBNET_SIZE.",
  )
}

export function proxyEndpoint(network: Network) {
  const subnet = dividedSubnet(network)
  return subnet === undefined ? undefined : endpointSettings(proxyAddress(subnet))
}

/**
 * The subnet, where a part of it is kept for whoever has no address of their own. Podman does not tell that part; the label came
 * with it.
 */
function dividedSubnet({ IPAM, Labels }: Network): string | undefined {
  return Labels?.[label.rawPackets] === undefined ? undefined : IPAM.Config?.[0]?.Subnet
}

/** A container that runs goes on; one that does not is started after this. */
export async function rejoinNetwork(
  context: DockerContext,
  plan: SessionPlan,
  studentId: string,
  containerId: string,
): Promise<void> {
  const { network, address } = await placeOf(context, plan, studentId)
  const endpoint = endpointSettings(address)
  if (context.networks.driver === 'overlay') await leaveAll(context, containerId)
  await namingTakenAddress(context.engine.networks.connect(network, containerId, { endpoint }))
}

/** One that does not run is asked to go back to the overlay that is gone, whose id it has, beside the new one. */
async function leaveAll({ engine }: DockerContext, containerId: string): Promise<void> {
  const { State, NetworkSettings } = await engine.containers.inspect(containerId)
  if (State.Running) return
  for (const name of Object.keys(NetworkSettings.Networks ?? {})) {
    await engine.networks.disconnect(name, containerId, { force: true }).catch((error: unknown) => {
      if (!isRefusal(error)) throw error
    })
  }
}

export async function namingTakenAddress<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    if (!isRefusal(error) || !/address already in use|already allocated/i.test(error.engineMessage ?? error.message))
      throw error
    throw new RuntimeError(
      'failed',
      "This sandbox's address in the class's network was taken by a container of another hand. Ask the operator to detach that container from the network, then repeat the call.",
      error,
    )
  }
}

/** In an overlay each start is an attachment that the manager has to make. */
export async function namingDetachment<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    const isIt =
      isRefusal(error) && /could not attach to network|attaching to network failed/i.test(error.engineMessage ?? '')
    if (!isIt) throw error
    throw new RuntimeError(
      'failed',
      "The Swarm did not attach this sandbox to its class's network in time: its node is drained or paused, cut off from the manager, or the network has no address left. Ask the operator to look at the node, then repeat the call.",
      error,
    )
  }
}
