// Size, MD5 and SHA-256 of bytes as they pass by. MD5 is what S3 servers check; SHA-256 is what the bag promises.

import { createHash } from 'node:crypto'
import type { Content } from './port.ts'

export class Digest {
  readonly #md5 = createHash('md5')
  readonly #sha256 = createHash('sha256')
  #size = 0

  update(bytes: Uint8Array): this {
    this.#md5.update(bytes)
    this.#sha256.update(bytes)
    this.#size += bytes.length
    return this
  }

  /** Ends the digest: call it once. */
  end(): Content {
    return { size: this.#size, md5: this.#md5.digest('hex'), sha256: this.#sha256.digest('hex') }
  }
}

export const digestOf = (bytes: Uint8Array): Content => new Digest().update(bytes).end()

export async function digestAll(chunks: AsyncIterable<Uint8Array>): Promise<Content> {
  const digest = new Digest()
  for await (const chunk of chunks) digest.update(chunk)
  return digest.end()
}

/** SHA-256 alone, as hex: MD5 is the slower of the two, and needed only where a store is to check it. */
export async function sha256Of(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of chunks) hash.update(chunk)
  return hash.digest('hex')
}

export const sameContent = (a: Content, b: Content): boolean =>
  a.size === b.size && a.md5 === b.md5 && a.sha256 === b.sha256
