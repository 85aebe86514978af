// The engine's events as one sequence over any number of connections: it resumes where it was and leaves out repeats.
// Events are a hint and lists are the truth. Whatever a broken connection, a restarted engine or a slow reader
// lost is gone without a sign, so each `gap` asks the caller to list anew.

import { setTimeout as sleep } from 'node:timers/promises'
import { type EngineEvent, openEvents } from './endpoints/system/events.ts'
import { type EngineError, isEngineError } from './errors.ts'
import type { CallOptions, Transport } from './transport/call.ts'
import type { Filters } from './transport/request-path.ts'

export interface EventsOptions extends CallOptions {
  /** Unix seconds with up to 9 decimals, or the `cursor` of an event. Default: from now on. */
  readonly since?: string
  /** Unix seconds; the sequence ends there. Default: never. */
  readonly until?: string
  readonly filters?: Filters
}

export type EventsItem =
  | {
      readonly kind: 'event'
      readonly event: EngineEvent
      /** Resumes here when given as `since`, also in another process; the last events may then come once more. */
      readonly cursor: string
    }
  | {
      /**
       * From here on the engine is watched, and what was before may be incomplete: list now. It is the first item too, so
       * that a caller who lists at each gap misses nothing.
       */
      readonly kind: 'gap'
      /** Why the connection before this one ended; absent at the first, and where the engine just ended it. */
      readonly cause?: EngineError
    }

const FIRST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 5_000
/** Resuming begins so much earlier, since event times are rounded; what then comes again is known by its key. */
const OVERLAP_NANOSECONDS = 1_000_000

/**
 * Watches until `until`, the signal or the end of the loop. Where the engine cannot be reached it tries again and again,
 * at most 5 seconds apart; refusals and unreadable records are thrown.
 */
export async function* followEvents(
  transport: Transport,
  options: EventsOptions = {},
): AsyncGenerator<EventsItem, void, undefined> {
  const { until, filters, signal } = options
  const seen = new RecentEvents()
  let since = options.since
  let cause: EngineError | undefined
  let pause = FIRST_PAUSE_MS
  for (;;) {
    // Ends the connection when the loop is left between its opening and its first event.
    const connection = new AbortController()
    const joined = signal === undefined ? connection.signal : AbortSignal.any([signal, connection.signal])
    try {
      const events = await openEvents(transport, { since, until, filters, signal: joined })
      yield { kind: 'gap', ...(cause === undefined ? {} : { cause }) }
      cause = undefined
      for await (const event of events) {
        if (!seen.add(event)) continue
        pause = FIRST_PAUSE_MS
        since = seen.resumeAt
        yield { kind: 'event', event, cursor: since }
      }
      if (until !== undefined) return
    } catch (error) {
      if (!isTemporary(error)) throw error
      cause = error
    } finally {
      connection.abort()
    }
    // Where the signal ends the sleep, the next call says so in the client's own words.
    await sleep(pause, undefined, signal === undefined ? {} : { signal }).catch(() => undefined)
    pause = Math.min(pause * 2, LONGEST_PAUSE_MS)
  }
}

function isTemporary(error: unknown): error is EngineError {
  return isEngineError(error, 'unreachable') || isEngineError(error, 'timeout') || isEngineError(error, 'server-error')
}

/** The events that a resumed connection may give again. */
class RecentEvents {
  readonly #times = new Map<string, number>()
  #newest = 0

  /** False for an event that was added before. */
  add(event: EngineEvent): boolean {
    const { Type, Action, Actor, timeNano } = event
    const key = JSON.stringify([timeNano, Type, Action, Actor.ID])
    if (this.#times.has(key)) return false
    this.#times.set(key, timeNano)
    this.#newest = Math.max(this.#newest, timeNano)
    for (const [old, time] of this.#times) {
      if (time < this.#newest - 2 * OVERLAP_NANOSECONDS) this.#times.delete(old)
    }
    return true
  }

  get resumeAt(): string {
    const digits = (BigInt(this.#newest) - BigInt(OVERLAP_NANOSECONDS)).toString().padStart(10, '0')
    return `${digits.slice(0, -9)}.${digits.slice(-9)}`
  }
}
