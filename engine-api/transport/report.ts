// What is told of each exchange with the engine, for logs.

import type { Endpoint } from '../endpoint.ts'
import type { Sent } from './payload.ts'

/** One exchange with the engine. A repeated call, and the question for the version, are exchanges of their own. */
export interface CallReport {
  readonly endpoint: string
  readonly method: string
  /** As sent, with the version and without the query. */
  readonly path: string
  readonly query?: string
  /** What was sent beside the path. Unlike the rest it may hold secrets: `curlLine` shows it with those masked. */
  readonly sent: Sent
  readonly status?: number
  /** Until the head of the answer, or the failure. */
  readonly durationMs: number
  readonly error?: unknown
}

/** Tells `onCall` the end of one exchange that begins now. */
export function reporter(
  onCall: ((report: CallReport) => void) | undefined,
  { name, method }: Endpoint,
  target: string,
  sent: Sent,
): (end: Pick<CallReport, 'status' | 'error'>) => void {
  const startedAt = performance.now()
  const [path = '', query] = target.split('?', 2)
  return (end) => {
    const durationMs = performance.now() - startedAt
    const asked = { endpoint: name, method, path, ...(query === undefined ? {} : { query }), sent }
    onCall?.({ ...asked, ...end, durationMs })
  }
}
