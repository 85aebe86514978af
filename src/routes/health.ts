// For operators and load balancers. healthz: the process answers. readyz: engine, store and catalogue are usable, each named.

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

const state = (check: Promise<unknown>): Promise<string> =>
  check.then(
    () => 'ok',
    (error: unknown) => (error instanceof Error ? error.message : 'failed'),
  )
