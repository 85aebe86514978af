// What happens to sandboxes and the proxy, by the engine's events. Those of health checks' own commands are passed over.

import { setTimeout as delay } from 'node:timers/promises'
import type { EngineEvent } from '../../../engine-api/index.ts'
import { label } from '../../names.ts'
import type { Runtime } from '../port.ts'
import type { DockerContext } from './context.ts'

/** Docker's words and Podman's. */
const changes = /^(?:start|die|died|stop|pause|unpause|destroy|remove|rename|health_status)\b/

const retryMs = 5_000

export async function watchEngine(
  { engine, installation, proxy }: DockerContext,
  signal: AbortSignal,
  changed: Parameters<Runtime['watch']>[1],
): Promise<void> {
  const isProxy = ({ Actor: { ID, Attributes } }: EngineEvent): boolean =>
    proxy.container !== undefined && (Attributes?.['name'] === proxy.container || ID.startsWith(proxy.container))
  while (!signal.aborted) {
    try {
      for await (const item of engine.system.events({ filters: { type: ['container'] }, signal })) {
        if (item.kind === 'gap') {
          changed('missed')
          continue
        }
        const { event } = item
        if (!changes.test(event.Action)) continue
        if (isProxy(event)) changed('proxy')
        else if (event.Actor.Attributes?.[label.installation] === installation) changed('sandboxes')
      }
    } catch {
      // What the client does not try again by itself, such as a record that it cannot read: what was missed is told.
      changed('missed')
      await delay(retryMs, undefined, { signal }).catch(() => undefined)
    }
  }
}
