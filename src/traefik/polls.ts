// What is known of Traefik's polls: which routes it has been given, which of them it uses, and since when it was not heard of.

import { EventEmitter, once } from 'node:events'

/** Routes as Traefik was given them. */
export interface GivenRoutes {
  /** Of this content alone: Traefik shows it when it uses them. */
  readonly id: string
  /** Up to which moment of the engine they are right. */
  readonly version: number
  /** Container ids that can be visited by them. */
  readonly live: ReadonlySet<string>
}

export class Polls {
  readonly #since = performance.now()
  #lastAt: number | undefined
  #refusedAt: number | undefined
  #usedAt: number | undefined
  /** By id, the oldest first. */
  readonly #given = new Map<string, GivenRoutes>()
  #used: GivenRoutes | undefined
  readonly #uses = new EventEmitter().setMaxListeners(0)

  gave(routes: GivenRoutes): void {
    this.#lastAt = performance.now()
    // What was known before another poll was answered is no news.
    if (routes.version < (this.#given.get(routes.id)?.version ?? 0)) return
    this.#given.set(routes.id, routes)
    for (const [id] of this.#given) if (this.#given.size > givenKept) this.#given.delete(id)
  }

  /** Traefik has shown the id of the routes that it uses now. Anybody may show anything here: an unknown id says nothing. */
  uses(id: string): void {
    const routes = this.#given.get(id)
    if (!routes) return
    this.#usedAt = performance.now()
    // It comes late.
    if (routes.version < (this.#used?.version ?? 0)) return
    this.#used = routes
    for (const [older, { version }] of this.#given) if (version < routes.version) this.#given.delete(older)
    this.#uses.emit('uses')
  }

  /** Traefik ends or begins: it has no routes until it shows some again. */
  beganAnew(): void {
    this.#used = undefined
  }

  /** Somebody asked with another token. */
  refused(): void {
    this.#refusedAt = performance.now()
  }

  /** Instead of good polls: a stranger who tries tokens beside a Traefik that is well changes nothing. */
  get wasRefused(): boolean {
    const now = performance.now()
    if (this.#refusedAt === undefined || now - this.#refusedAt > silenceMs) return false
    return now - (this.#lastAt ?? this.#since) > longestPauseMs
  }

  /** No poll for longer than any poll interval that makes sense. */
  get isSilent(): boolean {
    return performance.now() - (this.#lastAt ?? this.#since) > silenceMs
  }

  /** It is given routes and does not use them. */
  get isUnused(): boolean {
    return performance.now() - (this.#usedAt ?? this.#since) > silenceMs
  }

  /** Unix milliseconds of the last one. */
  get lastPolledAt(): number | undefined {
    return this.#lastAt === undefined ? undefined : performance.timeOrigin + this.#lastAt
  }

  isLive(containerId: string): boolean {
    return this.#used?.live.has(containerId) ?? false
  }

  /** Whether Traefik used routes of this version or a later one before `signal` fired. */
  async used(version: number, signal: AbortSignal): Promise<boolean> {
    const isUsed = (): boolean => this.#used !== undefined && this.#used.version >= version
    while (!isUsed() && !signal.aborted) await once(this.#uses, 'uses', { signal }).catch(() => undefined)
    return isUsed()
  }
}

/** Traefik asks every 5 s unless it is told otherwise, and after failures every 9 s. */
const longestPauseMs = 10_000
const silenceMs = 30_000
/** Those that Traefik may still come to use: it takes them one after another, the last one within seconds. */
const givenKept = 100
