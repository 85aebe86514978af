// How fast one address may call, on every route: a bucket of tokens that fills up again, asked before anything else is done
// for a request. It keeps a client that loops off engine and store; a flood from many addresses is a proxy's to stop.
// Over a Unix socket there are no addresses, and all callers are one.

import type { FastifyRequest } from 'fastify'
import { Problem } from '../../problems.ts'
import type { App } from '../app-type.ts'
import { callOf } from '../define-call.ts'
import { callerAddress } from './address.ts'

/**
 * One portal speaks for all its teachers: 50 classes polled twice a second are 100 requests a second, and twice that may
 * last. The burst is the full hour, when many classes start at once and every page is loaded anew.
 */
export const limit = { perSecond: 200, burst: 1_000 }

/** Full buckets are as good as none; more than this are looked through for them. */
const bucketsKept = 1_000

export class TokenBuckets {
  readonly #limit: typeof limit
  readonly #buckets = new Map<string, { tokens: number; at: number }>()

  constructor(of: typeof limit) {
    this.#limit = of
  }

  /** Takes one token at the time `now` (milliseconds of a clock that never goes back), or says in how many seconds there is one. */
  take(key: string, now: number): 'taken' | { readonly retryAfterSeconds: number } {
    const tokens = this.#tokensOf(key, now)
    if (tokens < 1) return { retryAfterSeconds: Math.ceil((1 - tokens) / this.#limit.perSecond) }
    this.#buckets.set(key, { tokens: tokens - 1, at: now })
    if (this.#buckets.size > bucketsKept) this.#dropFull(now)
    return 'taken'
  }

  get size(): number {
    return this.#buckets.size
  }

  #tokensOf(key: string, now: number): number {
    const { perSecond, burst } = this.#limit
    const { tokens, at } = this.#buckets.get(key) ?? { tokens: burst, at: now }
    return Math.min(burst, tokens + ((now - at) / 1000) * perSecond)
  }

  #dropFull(now: number): void {
    for (const key of [...this.#buckets.keys()]) {
      if (this.#tokensOf(key, now) >= this.#limit.burst) this.#buckets.delete(key)
    }
  }
}

/** Counts a call, and says with how many seconds to wait where it is one too many. */
export function overLimit(
  buckets: TokenBuckets,
  { ip = '' }: Pick<FastifyRequest, 'ip'>,
): { readonly problem: Problem; readonly retryAfterSeconds: number } | undefined {
  const outcome = buckets.take(callerAddress(ip), performance.now())
  if (outcome === 'taken') return undefined
  const { retryAfterSeconds } = outcome
  const problem = new Problem(
    'too-many-requests',
    `More than ${limit.perSecond} requests a second come from this address. Wait ${retryAfterSeconds} s, and poll less often: GET /room/operations/:operationId/events needs no polling.`,
  )
  return { problem, retryAfterSeconds }
}

/** `buckets`: those that what Fastify refuses before its hooks takes from too. */
export function registerRateLimit(app: App, buckets: TokenBuckets): void {
  app.addHook('onRequest', async (request, reply) => {
    // The visitors of all classes come from Traefik's one address, and a page costs nothing.
    if (callOf(request)?.everyMethod) return
    const refused = overLimit(buckets, request)
    if (!refused) return
    reply.header('retry-after', String(refused.retryAfterSeconds))
    throw refused.problem
  })
}
