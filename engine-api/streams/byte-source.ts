// Bytes by count from chunks of any size, with the position in the whole, and without copying what need not be copied.

import { EngineError } from '../errors.ts'

export class ByteSource {
  readonly #chunks: AsyncIterator<Uint8Array>
  #rest: Buffer = Buffer.alloc(0)
  #offset = 0
  #reading = false

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.asyncIterator]()
  }

  /** How many bytes were taken so far. */
  get offset(): number {
    return this.#offset
  }

  /** The next 1 to `limit` bytes, as they come; undefined at the end. */
  async piece(limit: number): Promise<Buffer | undefined> {
    while (this.#rest.length === 0) {
      const next = await this.#next()
      if (next === undefined) return undefined
      this.#rest = next
    }
    const piece = this.#rest.subarray(0, limit)
    this.#rest = this.#rest.subarray(piece.length)
    this.#offset += piece.length
    return piece
  }

  /** The next `count` bytes; fewer only at the end. */
  async exactly(count: number): Promise<Buffer> {
    const pieces: Buffer[] = []
    let length = 0
    while (length < count) {
      const piece = await this.piece(count - length)
      if (piece === undefined) break
      pieces.push(piece)
      length += piece.length
    }
    const [only] = pieces
    return pieces.length === 1 && only !== undefined ? only : Buffer.concat(pieces)
  }

  /** Tells the source that no more is wanted, which frees what it holds. */
  async close(): Promise<void> {
    await this.#chunks.return?.()
  }

  /** Two readers at once would each get half of the bytes: that is a mistake of the caller, and never goes unnoticed. */
  async #next(): Promise<Buffer | undefined> {
    if (this.#reading) {
      throw new EngineError('the archive is read from two places at once', {
        code: 'invalid-argument',
        endpoint: 'tar-read',
        retry: 'no',
      })
    }
    this.#reading = true
    try {
      const { done, value } = await this.#chunks.next()
      return done === true ? undefined : Buffer.from(value.buffer, value.byteOffset, value.byteLength)
    } finally {
      this.#reading = false
    }
  }
}
