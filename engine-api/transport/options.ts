// What a client is made with: its engine, how long it waits, and who is told of each exchange.

import type { TimeoutClass } from '../endpoint.ts'
import type { HostOptions } from './host.ts'
import type { CallReport } from './report.ts'

/** Of one class of endpoints, in milliseconds; 0 means no limit. */
export interface Timeouts {
  /** From the end of the request to the headers of the answer. */
  readonly headersMs: number
  /** Between two pieces of the answer's body. */
  readonly idleMs: number
}

export const defaultTimeouts: Readonly<Record<TimeoutClass, Timeouts>> = {
  quick: { headersMs: 30_000, idleMs: 30_000 },
  slow: { headersMs: 300_000, idleMs: 60_000 },
  unbounded: { headersMs: 0, idleMs: 0 },
}

export interface EngineOptions extends HostOptions {
  /** Default: `defaultTimeouts`. */
  readonly timeouts?: Readonly<Record<TimeoutClass, Timeouts>> | undefined
  /** Called after each exchange. Must not throw. */
  readonly onCall?: ((report: CallReport) => void) | undefined
}
