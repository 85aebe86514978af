// Engines that remap their users (userns-remap): root in a container is another user of the host.

import type { SystemInfo } from '../../engine-api/index.ts'

/** The host's id of the containers' root, from which archives count owners; such an engine names its folder `UID.GID` by it. */
export function rootIdOf({ SecurityOptions, DockerRootDir = '' }: SystemInfo): number {
  if (!SecurityOptions?.includes('name=userns')) return 0
  return Number(/\/(\d+)\.\d+$/.exec(DockerRootDir)?.[1])
}
