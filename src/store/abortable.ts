// Waiting that ends at an abort, for promises that know nothing of AbortSignal.

/**
 * As `promise`, but rejects with the signal's reason as soon as it is aborted. What `promise` stands for goes on; its late outcome is ignored.
 */
export function abortable<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason)
    if (signal.aborted) onAbort()
    else signal.addEventListener('abort', onAbort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}
