// The one error of the engine client. Callers branch on `code`, never on texts.
// `retry` is about the call, not about the error: it says whether sending the same call again can do harm.

/**
 * - `unreachable`: no connection, or it broke before the answer was complete
 * - `version-unsupported`: engine and client share no API version
 * - `bad-request`, `forbidden`, `not-found`, `conflict`, `server-error`: the engine refused, by its status (or by its
 *   words, where the endpoint record says that an engine's status misleads)
 * - `unexpected-status`: a status that the endpoint does not know
 * - `timeout`: the engine sent nothing for longer than the endpoint's timeouts allow
 * - `aborted`: the caller's signal fired
 * - `protocol`: the answer is not what the API promises (other shape, cut frame, error record in a 200, redirect)
 * - `archive-truncated`: the archive ended before its end mark; nothing about it can be trusted
 * - `archive-corrupt`: the archive breaks the tar format, or uses a part of it that would hide files from us
 * - `invalid-argument`: refused before anything was sent
 */
export type EngineErrorCode =
  | 'unreachable'
  | 'version-unsupported'
  | 'bad-request'
  | 'forbidden'
  | 'not-found'
  | 'conflict'
  | 'server-error'
  | 'unexpected-status'
  | 'timeout'
  | 'aborted'
  | 'protocol'
  | 'archive-truncated'
  | 'archive-corrupt'
  | 'invalid-argument'

/**
 * - `no`: the same call would fail the same way
 * - `same`: sending the same call again is safe
 * - `after-inspect`: the engine may have done it already; look first
 */
export type Retry = 'no' | 'same' | 'after-inspect'

export interface EngineErrorDetails {
  readonly code: EngineErrorCode
  /** The endpoint's name, such as `container-start`, or the codec's, such as `tar-read`. */
  readonly endpoint: string
  readonly retry: Retry
  readonly method?: string | undefined
  /** As sent: with version and query. */
  readonly path?: string | undefined
  readonly status?: number | undefined
  /** The engine's own words, unchanged but cut to a bounded length. */
  readonly engineMessage?: string | undefined
  readonly cause?: unknown
}

export class EngineError extends Error {
  override readonly name = 'EngineError'
  readonly code: EngineErrorCode
  readonly endpoint: string
  readonly retry: Retry
  readonly method: string | undefined
  readonly path: string | undefined
  readonly status: number | undefined
  readonly engineMessage: string | undefined

  /** `message` says what happened and, where it is known, what to do about it. */
  constructor(message: string, details: EngineErrorDetails) {
    super(`${details.endpoint}: ${message}`, details.cause === undefined ? undefined : { cause: details.cause })
    this.code = details.code
    this.endpoint = details.endpoint
    this.retry = details.retry
    this.method = details.method
    this.path = details.path
    this.status = details.status
    this.engineMessage = details.engineMessage
  }
}

/** True for an error of this client; with `code`, only for that kind. */
export function isEngineError(error: unknown, code?: EngineErrorCode): error is EngineError {
  return error instanceof EngineError && (code === undefined || error.code === code)
}
