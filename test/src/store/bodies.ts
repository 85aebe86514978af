// Bodies for tests of stores: what a store reads from, and how its content is described.
import { digestOf } from '../../../src/store/content.ts'
import type { Content } from '../../../src/store/port.ts'

export { digestOf }

/** The same pseudo-random bytes for the same seed (xorshift32). */
export function seededBytes(size: number, seed: number): Buffer {
  const bytes = Buffer.alloc(size)
  let state = seed | 1
  for (let at = 0; at < size; at += 1) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    bytes[at] = state
  }
  return bytes
}

/** What a source saw of its reader. */
export interface Source extends AsyncIterable<Uint8Array> {
  readonly ended: boolean
  readonly chunksTaken: number
}

/** Streams `bytes` in chunks of an odd size; then calls `atEnd`, which may throw or hang. */
export function streamOf(bytes: Uint8Array, atEnd: () => unknown = () => undefined, chunkBytes = 70_001): Source {
  const seen = { ended: false, chunksTaken: 0 }
  async function* chunks() {
    try {
      for (let at = 0; at < bytes.length; at += chunkBytes) {
        seen.chunksTaken += 1
        yield bytes.subarray(at, at + chunkBytes)
      }
      await atEnd()
    } finally {
      seen.ended = true
    }
  }
  const iterator = chunks()
  return {
    [Symbol.asyncIterator]: () => iterator,
    get ended() {
      return seen.ended
    },
    get chunksTaken() {
      return seen.chunksTaken
    },
  }
}

export async function gather(body: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of body) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/** As `digestOf(bytes)`, with another SHA-256 than the bytes have. */
export function wrongContentOf(bytes: Uint8Array): Content {
  return { ...digestOf(bytes), sha256: '0123456789abcdef'.repeat(4) }
}
