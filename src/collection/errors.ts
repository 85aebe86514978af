// Why one student's sandbox could not be collected. Whatever the reason, the sandbox is kept.

import { BagError } from '../bag/errors.ts'
import { RuntimeError } from '../runtime/errors.ts'
import { StoreError } from '../store/port.ts'

/**
 * - `over-limit`: more bytes or files than the lab allows
 * - `archive-incomplete`: the engine's archive was cut short, or is not sound
 * - `changed`: two readings differed, or the container ran again meanwhile
 * - `store-mismatch`: the store does not hold what was sent
 * - `store-unavailable`, `engine-unavailable`: no answer, no permission, or no room on the engine's disk
 * - `engine-unreachable`: its node, one of several, cannot be asked
 * - `failed`: anything else; the message says what
 */
export type CollectErrorCode =
  | 'over-limit'
  | 'archive-incomplete'
  | 'changed'
  | 'store-mismatch'
  | 'store-unavailable'
  | 'engine-unavailable'
  | 'engine-unreachable'
  | 'failed'

export class CollectError extends Error {
  override readonly name = 'CollectError'
  readonly code: CollectErrorCode

  constructor(code: CollectErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
  }
}

/** The kind of fault decides what a teacher is told; the first of ours in the chain of causes knows it best. */
export function asCollectError(error: unknown): CollectError {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof CollectError) return cause
    if (cause instanceof BagError) return new CollectError('store-mismatch', cause.message, cause)
    if (cause instanceof RuntimeError) return fromRuntime(cause)
  }
  if (error instanceof StoreError) {
    const unusable = error.code !== 'mismatch' && error.code !== 'not-found'
    return new CollectError(unusable ? 'store-unavailable' : 'store-mismatch', error.advice, error)
  }
  return new CollectError('failed', 'The service failed on this sandbox; its log says why.', error)
}

function fromRuntime(error: RuntimeError): CollectError {
  if (error.code === 'unavailable' || error.code === 'full')
    return new CollectError('engine-unavailable', error.message, error)
  if (error.code === 'unreachable') return new CollectError('engine-unreachable', error.message, error)
  if (error.code === 'archive') return new CollectError('archive-incomplete', error.message, error)
  if (error.code === 'running') return new CollectError('changed', error.message, error)
  return new CollectError('failed', error.message, error)
}
