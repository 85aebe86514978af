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

/** Undefined in a session or a network of the time before sandboxes had addresses of their own. */
export async function fixedAddress(
  { engine }: DockerContext,
  plan: SessionPlan,
  studentId: string,
): Promise<string | undefined> {
  const seat = findSeat(plan.seats, studentId)
  if (!seat) return undefined
  const subnet = dividedSubnet(await engine.networks.inspect(networkName(plan.classId)))
  if (subnet === undefined) return undefined
  const address = seatAddress(subnet, seat.number)
  if (address !== undefined) return address
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
  const endpoint = endpointSettings(await fixedAddress(context, plan, studentId))
  await namingTakenAddress(context.engine.networks.connect(networkName(plan.classId), containerId, { endpoint }))
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
