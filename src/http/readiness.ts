// Whether engine, store and Traefik can be used: one check at a time for all who ask, since strangers must not cost them a call each.

import { setTimeout as delay } from 'node:timers/promises'
import type { FastifyBaseLogger } from 'fastify'
import type { ClassContext } from '../classes/context.ts'
import type { Metrics } from '../metrics.ts'
import { RuntimeError } from '../runtime/errors.ts'
import type { Runtime } from '../runtime/port.ts'
import { type Store, StoreError } from '../store/port.ts'

/** Of each part `ok`, or what is wrong. Everybody may read it: only the log says where, with paths and addresses. */
export interface Parts {
  readonly engine: string
  readonly store: string
  /** Absent where the service is set up without one. */
  readonly traefik?: string
}

const timeoutMs = 5_000
/** How old an answer may be. */
const keptMs = 1_000

export class Readiness {
  readonly #runtime: Runtime
  readonly #store: Store
  readonly #traefik: ClassContext['traefik']
  readonly #metrics: Metrics
  #running: Promise<Parts> | undefined
  #last: { readonly parts: Parts; readonly at: number } | undefined

  constructor({ runtime, store, traefik }: ClassContext, metrics: Metrics) {
    this.#runtime = runtime
    this.#store = store
    this.#traefik = traefik
    this.#metrics = metrics
  }

  async check(log: FastifyBaseLogger): Promise<Parts> {
    if (this.#last && performance.now() - this.#last.at < keptMs) return this.#last.parts
    this.#running ??= this.#checkParts(log).finally(() => {
      this.#running = undefined
    })
    return await this.#running
  }

  async #checkParts(log: FastifyBaseLogger): Promise<Parts> {
    const [engine, store] = await Promise.all([
      state(log, 'engine', this.#runtime.check()),
      state(log, 'store', this.#store.check()),
    ])
    this.#metrics.checked('engine', engine === 'ok')
    this.#metrics.checked('store', store === 'ok')
    const trouble = this.#traefik && (this.#traefik.trouble()?.detail ?? 'ok')
    const parts = { engine, store, ...(trouble === undefined ? {} : { traefik: trouble }) }
    this.#last = { parts, at: performance.now() }
    return parts
  }
}

/** A server that hangs must not hang the probe. */
async function state(log: FastifyBaseLogger, part: 'engine' | 'store', check: Promise<unknown>): Promise<string> {
  const timer = new AbortController()
  const late = delay(timeoutMs, `did not answer within ${timeoutMs / 1000} s`, { signal: timer.signal })
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
  if (error instanceof StoreError) return error.advice
  return error instanceof RuntimeError ? error.message : 'It failed unexpectedly. The log has the cause.'
}
