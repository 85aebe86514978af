// Abort that holds at once, also for what cannot be cancelled: a call waiting for a free connection, or for the version
// that another call is asking for.

import { setMaxListeners } from 'node:events'
import type { Endpoint } from '../endpoint.ts'
import { EngineError } from '../errors.ts'

/** As `pending`, but rejects with the signal's reason as soon as it fires. What `pending` does after that is ignored. */
export function untilAborted<Value>(pending: Promise<Value>, signal: AbortSignal | undefined): Promise<Value> {
  if (signal === undefined) return pending
  // Any number of calls may share a signal. Each takes its listeners off at its end, so that many are no leak to warn of.
  setMaxListeners(0, signal)
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason)
    if (signal.aborted) onAbort()
    signal.addEventListener('abort', onAbort, { once: true })
    pending.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}

export function abortedError(endpoint: Endpoint, path: string, signal: AbortSignal): EngineError {
  return new EngineError('aborted by the caller', {
    code: 'aborted',
    endpoint: endpoint.name,
    method: endpoint.method,
    path,
    retry: endpoint.retry,
    cause: signal.reason,
  })
}
