// What the nodes of a fleet have, as far as they can be asked.

import type { NodeState } from '../port.ts'
import type { FleetNode } from './node.ts'
import type { NodeRoom } from './place.ts'
import type { NodeResources } from './ports.ts'

/** Undefined where it does not say. */
async function resourcesOf(node: FleetNode): Promise<NodeResources | undefined> {
  return await node.look((runtime) => runtime.resources()).catch(() => undefined)
}

/** Of those that can be asked: what is on one that takes nothing new counts on it all the same. */
export async function openNodes(nodes: readonly FleetNode[]): Promise<NodeRoom[]> {
  const rooms = await Promise.all(
    nodes.map(async (node): Promise<NodeRoom | undefined> => {
      const resources = await resourcesOf(node)
      const { id, state, availability } = node.member
      return resources && { id, isOpen: state === 'ready' && availability === 'active', ...resources }
    }),
  )
  return rooms.filter((room) => room !== undefined)
}

/** Undefined where it does not say. */
export async function missingImages(
  node: FleetNode,
  images: readonly string[],
): Promise<readonly string[] | undefined> {
  const looks = images.map(async (image) => {
    const found = await node.look((runtime) => runtime.image(image))
    return found ? [] : [image]
  })
  return await Promise.all(looks).then(
    (missing) => missing.flat(),
    () => undefined,
  )
}

export async function nodeState(node: FleetNode, images: readonly string[]): Promise<NodeState> {
  const [resources, missing] = await Promise.all([resourcesOf(node), missingImages(node, images)])
  const { id, name, state, availability } = node.member
  const fault = resources ? undefined : (node.fault?.message ?? 'It does not answer.')
  return { id, name, state, availability, fault, memoryMb: resources?.memoryMb, missingImages: missing }
}
