// What an engine that died has left stopped: in an overlay it starts nothing again by itself, or tries it once.

import { createGate } from '../../gate.ts'
import type { DockerContext } from './context.ts'
import { neverRan } from './life.ts'

const startsAtOnce = 4

/** Starts those of these containers that ran and that nobody stopped for good. All are tried; rejects with the first fault. */
export async function reviveContainers({ engine }: DockerContext, ids: readonly string[]): Promise<void> {
  const gate = createGate(startsAtOnce)
  const revivals = ids.map((id) =>
    gate(async () => {
      const container = await engine.containers.inspect(id)
      const shouldRun = container.HostConfig.RestartPolicy?.Name === 'unless-stopped' && !neverRan(container)
      if (shouldRun && !container.State.Running) await engine.containers.start(id)
    }),
  )
  const failed = (await Promise.allSettled(revivals)).find((each) => each.status === 'rejected')
  if (failed) throw failed.reason
}
