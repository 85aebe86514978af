// A signal that also fires after a time.

/**
 * Fires with `signal`, or after so many milliseconds. Node 20 may collect an AbortSignal.timeout() that only an AbortSignal.any()
 * knows, which then never fires: here the timer holds what it ends.
 */
export function within(milliseconds: number, signal: AbortSignal): AbortSignal {
  const late = new AbortController()
  setTimeout(() => late.abort(new DOMException('The time is over.', 'TimeoutError')), milliseconds).unref()
  return AbortSignal.any([signal, late.signal])
}
