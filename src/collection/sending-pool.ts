// Sends of small files, a bounded number at once, and what a send says of a refusal.

import { type Content, CutTransfer, type Store, StoreError } from '../store/port.ts'

/** Up to this size a file is held in memory and sent beside others. */
export const smallFileBytes = 1024 * 1024
/** With smallFileBytes the bound on memory: 16 MiB a student. */
const smallFilesAtOnce = 16

/** Runs a bounded number of sends; the first failure cancels the others and comes out of add() or drained(). */
export class SendingPool {
  readonly #cancelled = new AbortController()
  /** Fires with the first failure, or with the signal that was given. */
  readonly signal: AbortSignal
  readonly #running = new Set<Promise<void>>()
  #failure: { error: unknown } | undefined

  constructor(signal: AbortSignal) {
    this.signal = AbortSignal.any([signal, this.#cancelled.signal])
  }

  async add(send: (signal: AbortSignal) => Promise<unknown>): Promise<void> {
    while (this.#running.size >= smallFilesAtOnce) await Promise.race(this.#running)
    this.#throwFailure()
    const running = send(this.signal)
      .then(() => undefined)
      .catch((error: unknown) => {
        this.#failure ??= { error }
        this.#cancelled.abort(error)
      })
      .finally(() => this.#running.delete(running))
    this.#running.add(running)
  }

  async drained(): Promise<void> {
    await Promise.all(this.#running)
    this.#throwFailure()
  }

  /** Ends what still runs; resolves, when nothing does, with what failed first: `error` may only follow from it. */
  async cancel(error: unknown): Promise<unknown> {
    const cause = this.#failure?.error ?? error
    this.#cancelled.abort(cause)
    await Promise.all(this.#running)
    return cause
  }

  #throwFailure(): void {
    if (this.#failure) throw this.#failure.error
  }
}

export const sendFile = (
  store: Store,
  path: string,
  key: string,
  content: Content,
  body: Parameters<Store['put']>[2],
  signal: AbortSignal,
): Promise<unknown> => namingFile(path, store.put(key, content, body, { settledLater: true, signal }))

/** `path` has one character a byte. A refusal names the file: what refuses one of many, such as a proxy, does so by its name or size. */
export async function namingFile<Result>(path: string, call: Promise<Result>): Promise<Result> {
  try {
    return await call
  } catch (error) {
    if (!(error instanceof StoreError) || !(error.code === 'refused' || error instanceof CutTransfer)) throw error
    throw new StoreError(error.code, error.message, error, `${error.advice} The file is '${shownPath(path)}'.`)
  }
}

const shownBytes = 200

/** As people read it: a path may have 4,000 bytes, and what tells it from others is its end. */
export function shownPath(path: string): string {
  const end =
    path.length > shownBytes ? `…${Buffer.from(path.slice(-shownBytes), 'latin1')}` : Buffer.from(path, 'latin1')
  return end.toString()
}
