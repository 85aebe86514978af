// The end of a sandbox: its container, then its volume.

import { setTimeout as delay } from 'node:timers/promises'
import { isEngineError } from '../../../engine-api/index.ts'
import type { DockerContext } from './context.ts'
import { isRefusal, resent } from './errors.ts'
import { asSealed } from './seal.ts'

const removalPolls = 50
const removalPollMs = 200

/** By id and never with force: that the engine refuses to remove a running container is the last fence. */
export async function removeContainer({ engine }: DockerContext, containerId: string): Promise<void> {
  for (let poll = 1; ; poll++) {
    try {
      await resent(() => engine.containers.remove(containerId))
      return
    } catch (error) {
      if (!isRefusal(error)) throw error
      const found = await engine.containers.inspect(containerId).catch((cause: unknown) => {
        if (isEngineError(cause, 'not-found')) return undefined
        throw cause
      })
      if (!found) return
      asSealed(found)
      // Not running: a conflict is another removal of it, which is waited for; anything else is said as it is.
      if (poll === removalPolls || !isEngineError(error, 'conflict')) throw error
      await delay(removalPollMs)
    }
  }
}

export async function removeVolume({ engine }: DockerContext, name: string): Promise<void> {
  await resent(() => engine.volumes.remove(name))
}
