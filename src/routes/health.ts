// For operators and load balancers. healthz: the process answers. readyz: engine, store and catalogue are usable, each named.

import { setTimeout as delay } from 'node:timers/promises'
import type { CatalogueWatch } from '../catalogue.ts'
import type { Runtime } from '../runtime/port.ts'
import type { Store } from '../store/port.ts'
import type { App } from './app-type.ts'

export interface HealthDependencies {
  readonly runtime: Runtime
  readonly store: Store
  readonly catalogue: CatalogueWatch
}

export function registerHealth(app: App, { runtime, store, catalogue }: HealthDependencies): void {
  app.get('/healthz', async () => ({ status: 'ok' }))

  app.get('/readyz', async (_request, reply) => {
    const [engine, bags] = await Promise.all([state(runtime.check()), state(store.check())])
    const broken = catalogue.brokenEdit()
    const ready = engine === 'ok' && bags === 'ok'
    reply.code(ready ? 200 : 503)
    return { status: ready ? 'ok' : 'not-ready', engine, store: bags, catalogue: broken ?? 'ok' }
  })
}

const patienceMs = 5_000

/** A server that hangs must not hang the probe. */
async function state(check: Promise<unknown>): Promise<string> {
  const timer = new AbortController()
  const late = delay(patienceMs, `did not answer within ${patienceMs / 1000} s`, { signal: timer.signal })
  try {
    return await Promise.race([check.then(() => 'ok'), late])
  } catch (error) {
    return error instanceof Error ? error.message : 'failed'
  } finally {
    timer.abort()
    late.catch(() => undefined)
  }
}
