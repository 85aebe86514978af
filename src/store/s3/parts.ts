// A body above S3's limit for one PUT, sent as parts. The parts are cut from the stream while it flows; none is ever held in memory.
import { createHash, type Hash } from 'node:crypto'
import { StoreError } from '../port.ts'

export interface PartTarget {
  begin(): Promise<string>
  /** Sends one part of exactly `size` bytes; gives its ETag. */
  sendPart(uploadId: string, part: number, size: number, body: AsyncIterable<Uint8Array>): Promise<string>
  complete(uploadId: string, parts: { part: number; etag: string }[]): Promise<void>
  abort(uploadId: string): Promise<void>
  /** Whether an ETag can be that of bytes with this MD5 (hex). */
  isEtagOf(etag: string, md5: string): boolean
}

/** Sends `size` bytes of `body` in parts of `partSize`. After any fault the upload is aborted and the fault passed on. */
export async function sendInParts(
  key: string,
  size: number,
  partSize: number,
  body: AsyncIterable<Uint8Array>,
  target: PartTarget,
): Promise<void> {
  const uploadId = await target.begin()
  try {
    const take = cutter(body)
    const parts: { part: number; etag: string }[] = []
    for (let sent = 0; sent < size; sent += partSize) {
      const part = parts.length + 1
      const hash = createHash('md5')
      const length = Math.min(partSize, size - sent)
      const etag = await target.sendPart(uploadId, part, length, hashed(take(length), hash))
      if (!target.isEtagOf(etag, hash.digest('hex'))) {
        throw new StoreError(
          'mismatch',
          `${key}: the store received other bytes than were sent in part ${part}; nothing was stored`,
        )
      }
      parts.push({ part, etag })
    }
    await target.complete(uploadId, parts)
  } catch (error) {
    // The first fault is the one to tell. What cannot be aborted now is hidden from every listing and left to the store's own cleaning.
    await target.abort(uploadId).catch(() => undefined)
    throw error
  }
}

/** Gives a function that takes the next `length` bytes off the stream, as a stream. */
function cutter(body: AsyncIterable<Uint8Array>) {
  const iterator = body[Symbol.asyncIterator]()
  let rest: Uint8Array = new Uint8Array()
  return async function* take(length: number): AsyncGenerator<Uint8Array, void, undefined> {
    for (let left = length; left > 0; ) {
      if (rest.length === 0) {
        const next = await iterator.next()
        if (next.done === true) return
        rest = next.value
      }
      const piece = rest.subarray(0, left)
      rest = rest.subarray(piece.length)
      left -= piece.length
      yield piece
    }
  }
}

async function* hashed(body: AsyncIterable<Uint8Array>, hash: Hash) {
  for await (const chunk of body) {
    hash.update(chunk)
    yield chunk
  }
}
