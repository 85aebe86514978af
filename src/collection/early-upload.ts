// Small files go to the store while the inventory is read: their bytes are in memory then. It commits nothing: the second reading
// compares every file with the inventory, and where a send failed it sends again what the store lacks.

import { isCommitted } from '../bag/find.ts'
import type { Content, Store } from '../store/port.ts'
import { SendingPool, sendFile, smallFileBytes } from './sending-pool.ts'

export class EarlyUpload {
  readonly #store: Store
  readonly #prefix: string
  readonly #pool: SendingPool
  #hasFailed = false

  private constructor(store: Store, prefix: string, signal: AbortSignal) {
    this.#store = store
    this.#prefix = prefix
    this.#pool = new SendingPool(signal)
  }

  /**
   * Undefined where there is something below the prefix already: what an earlier attempt left may stand in the way of a name of now,
   * and a committed bag is compared, not written again.
   */
  static async begin(store: Store, prefix: string, signal: AbortSignal): Promise<EarlyUpload | undefined> {
    for await (const _ of store.list(prefix, signal)) return undefined
    if (await isCommitted(store, prefix, signal)) return undefined
    return new EarlyUpload(store, prefix, signal)
  }

  /** Whether the bytes of a file of this size are wanted: a larger one is streamed by the second reading. */
  takes(size: number): boolean {
    return size <= smallFileBytes && !this.#hasFailed
  }

  /** `path` has one character a byte; `key` is relative to the bag. Never rejects, and waits where many are under way. */
  async take(path: string, key: string, content: Content, bytes: Uint8Array): Promise<void> {
    const sent = this.#pool.add((signal) => sendFile(this.#store, path, this.#prefix + key, content, bytes, signal))
    await sent.catch(() => this.#fail())
  }

  /** Resolves when nothing is under way any more: whether each file that was taken is in the store. */
  async isComplete(): Promise<boolean> {
    await this.#pool.drained().catch(() => this.#fail())
    return !this.#hasFailed
  }

  /** Ends what is under way; resolves when nothing is. */
  async end(): Promise<void> {
    await this.#pool.cancel(new Error('the collection has ended'))
  }

  /** Removes what was sent, of a workspace that will not become a bag as it is. */
  async takeBack(): Promise<void> {
    await this.end()
    for await (const { key } of this.#store.list(this.#prefix)) {
      if (await isCommitted(this.#store, this.#prefix)) return
      await this.#store.remove(key)
    }
  }

  #fail(): void {
    this.#hasFailed = true
  }
}
