// What is known of Traefik's polls: which routes it has been given, and since when it was not heard of.

import { EventEmitter, once } from 'node:events'

export class Polls {
  readonly #since = performance.now()
  #lastAt: number | undefined
  #refusedAt: number | undefined
  #given = -1
  #live: ReadonlySet<string> = new Set()
  readonly #gave = new EventEmitter().setMaxListeners(0)

  /** Traefik was given the routes of this version, in which these container ids can be visited. */
  gave(version: number, live: ReadonlySet<string>): void {
    this.#lastAt = performance.now()
    if (version < this.#given) return
    this.#given = version
    this.#live = live
    this.#gave.emit('gave')
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

  /** Unix milliseconds of the last one. */
  get lastPolledAt(): number | undefined {
    return this.#lastAt === undefined ? undefined : performance.timeOrigin + this.#lastAt
  }

  isLive(containerId: string): boolean {
    return this.#live.has(containerId)
  }

  /** Whether Traefik was given this version or a later one before `signal` fired. */
  async given(version: number, signal: AbortSignal): Promise<boolean> {
    while (this.#given < version && !signal.aborted) {
      await once(this.#gave, 'gave', { signal }).catch(() => undefined)
    }
    return this.#given >= version
  }
}

/** Traefik asks every 5 s unless it is told otherwise, and after failures every 9 s. */
const longestPauseMs = 10_000
const silenceMs = 30_000
