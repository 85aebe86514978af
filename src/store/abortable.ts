// Waiting that ends at an abort, for promises that know nothing of AbortSignal.
import { setMaxListeners } from 'node:events'

/** Says of a signal that any number of calls may wait for it: each takes its listener off at its end, so that many are no leak to warn of. */
export function shared<Signal extends AbortSignal | undefined>(signal: Signal): Signal {
  if (signal !== undefined) setMaxListeners(0, signal)
  return signal
}

/**
 * As `promise`, but rejects with the signal's reason as soon as it is aborted. What `promise` stands for goes on; its late outcome is ignored.
 */
export function abortable<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise
  shared(signal)
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason)
    if (signal.aborted) onAbort()
    else signal.addEventListener('abort', onAbort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}
