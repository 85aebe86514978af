// For operators and load balancers. healthz: the process answers. readyz: engine, store and catalogue are usable, each named.
// Both ask nobody who they are: an answer says what is wrong, and only the log where, with paths and addresses.

import { setTimeout as delay } from 'node:timers/promises'
import type { FastifyBaseLogger } from 'fastify'
import type { CatalogueWatch } from '../../catalogue/catalogue.ts'
import type { Metrics } from '../../metrics.ts'
import { type Runtime, RuntimeError } from '../../runtime/port.ts'
import { type Store, StoreError, storeErrorAdvice } from '../../store/port.ts'
import type { App } from '../app-type.ts'

export interface HealthDependencies {
  readonly runtime: Runtime
  readonly store: Store
  readonly catalogue: CatalogueWatch
  readonly metrics: Metrics
}

export function registerHealth(app: App, { runtime, store, catalogue, metrics }: HealthDependencies): void {
  app.get('/healthz', async () => ({ status: 'ok' }))

  let running: Promise<Parts> | undefined
  let last: { readonly parts: Parts; readonly at: number } | undefined

  /** One check at a time for all who ask: strangers must not cost engine and store a call each. */
  async function check(log: FastifyBaseLogger): Promise<Parts> {
    if (last && performance.now() - last.at < keptMs) return last.parts
    running ??= checkParts(log).finally(() => {
      running = undefined
    })
    return await running
  }

  async function checkParts(log: FastifyBaseLogger): Promise<Parts> {
    const [engine, bags] = await Promise.all([
      state(log, 'engine', runtime.check()),
      state(log, 'store', store.check()),
    ])
    metrics.checked('engine', engine === 'ok')
    metrics.checked('store', bags === 'ok')
    const parts = { engine, bags }
    last = { parts, at: performance.now() }
    return parts
  }

  app.get('/readyz', async ({ log }, reply) => {
    const { engine, bags } = await check(log)
    const broken = catalogue.brokenEdit()
    const ready = engine === 'ok' && bags === 'ok'
    reply.code(ready ? 200 : 503)
    return { status: ready ? 'ok' : 'not-ready', engine, store: bags, catalogue: broken ?? 'ok' }
  })
}

/** Of each part `ok`, or what is wrong. */
interface Parts {
  readonly engine: string
  readonly bags: string
}

const patienceMs = 5_000
/** How old an answer may be. */
const keptMs = 1_000

/** A server that hangs must not hang the probe. */
async function state(log: FastifyBaseLogger, part: 'engine' | 'store', check: Promise<unknown>): Promise<string> {
  const timer = new AbortController()
  const late = delay(patienceMs, `did not answer within ${patienceMs / 1000} s`, { signal: timer.signal })
  try {
    return await Promise.race([check.then(() => 'ok'), late])
  } catch (error) {
    log.warn({ part, err: error }, 'not ready')
    return reasonForAll(error)
  } finally {
    timer.abort()
    late.catch(() => undefined)
  }
}

function reasonForAll(error: unknown): string {
  if (error instanceof StoreError) return storeErrorAdvice[error.code]
  return error instanceof RuntimeError ? error.message : 'It failed unexpectedly. The log has the cause.'
}
