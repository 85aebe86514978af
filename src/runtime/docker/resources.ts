// What an engine's host has: memory, container runtimes, images.

import type { NodeResources } from '../fleet/ports.ts'
import type { NodeState } from '../port.ts'
import type { DockerContext } from './context.ts'

export async function readResources({ engine }: DockerContext): Promise<NodeResources> {
  const [info, images] = await Promise.all([engine.system.info(), engine.images.list()])
  const names = images.flatMap(({ Id, RepoTags, RepoDigests }) => [Id, ...(RepoTags ?? []), ...(RepoDigests ?? [])])
  return { memoryMb: Math.floor(info.MemTotal / 2 ** 20), runtimes: Object.keys(info.Runtimes), images: new Set(names) }
}

/** The one node that there is without a fleet; `lacks` tells of an image whether it is not there. */
export async function readHost(
  { engine }: DockerContext,
  images: readonly string[],
  lacks: (reference: string) => Promise<boolean>,
): Promise<NodeState> {
  const { Name: name = '', MemTotal } = await engine.system.info()
  const missing = await Promise.all(images.map(async (image) => ((await lacks(image)) ? [image] : [])))
  return {
    ...{ id: undefined, name, state: 'ready', availability: 'active', fault: undefined },
    ...{ memoryMb: Math.floor(MemTotal / 2 ** 20), missingImages: missing.flat() },
  }
}
