// Asking again after a fault that passes: with growing, random pauses, so that many clients do not come back all at once.
import { setTimeout as pause } from 'node:timers/promises'
import { shared } from '../abortable.ts'
import { StoreError } from '../port.ts'
import type { RetryLimits } from './limits.ts'

/** Runs `call` until it does not reject with StoreError 'unreachable', within `limits`; then with its last error. */
export async function retry<T>(
  limits: RetryLimits,
  signal: AbortSignal | undefined,
  call: () => Promise<T>,
): Promise<T> {
  const deadline = performance.now() + limits.totalMilliseconds
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await call()
    } catch (error) {
      const milliseconds = limits.firstPauseMilliseconds * 2 ** (attempt - 1) * (0.5 + Math.random() / 2)
      const passes = error instanceof StoreError && error.code === 'unreachable'
      if (!passes || attempt >= limits.attempts || performance.now() + milliseconds > deadline) throw error
      await pause(milliseconds, undefined, { signal: shared(signal) }).catch(() => signal?.throwIfAborted())
    }
  }
}
