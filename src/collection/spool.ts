// A temporary file without a name: it is unlinked as soon as it is open, so that even a killed process leaves nothing.
// Inventories and logs go here, so that a collection's memory does not grow with what a student wrote.

import { randomUUID } from 'node:crypto'
import { type FileHandle, open, unlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const writeBehind = 64 * 1024

export class Spool {
  readonly #file: FileHandle
  #size = 0
  #pending: Uint8Array[] = []
  #pendingBytes = 0
  /** Writes follow one another: each flush waits for the one before it. */
  #written: Promise<void> = Promise.resolve()

  private constructor(file: FileHandle) {
    this.#file = file
  }

  static async open(): Promise<Spool> {
    const path = join(tmpdir(), `class-runtime-${randomUUID()}`)
    const file = await open(path, 'wx+', 0o600)
    await unlink(path)
    return new Spool(file)
  }

  /** Bytes appended so far, and so the offset of what is appended next. */
  get size(): number {
    return this.#size
  }

  async append(bytes: Uint8Array): Promise<void> {
    this.#pending.push(bytes)
    this.#pendingBytes += bytes.length
    this.#size += bytes.length
    if (this.#pendingBytes >= writeBehind) await this.#flush()
  }

  #flush(): Promise<void> {
    const bytes = Buffer.concat(this.#pending)
    const position = this.#size - bytes.length
    this.#pending = []
    this.#pendingBytes = 0
    this.#written = this.#written.then(() => this.#write(bytes, position))
    return this.#written
  }

  async #write(bytes: Buffer, position: number): Promise<void> {
    for (let done = 0; done < bytes.length; ) {
      const { bytesWritten } = await this.#file.write(bytes, done, bytes.length - done, position + done)
      done += bytesWritten
    }
  }

  /** The bytes from `offset` on: `length` of them, or fewer where the spool ends. */
  async read(offset: number, length: number): Promise<Buffer> {
    await this.#flush()
    const bytes = Buffer.alloc(Math.min(length, Math.max(0, this.#size - offset)))
    for (let done = 0; done < bytes.length; ) {
      const { bytesRead } = await this.#file.read(bytes, done, bytes.length - done, offset + done)
      if (bytesRead === 0) throw new Error('a temporary file ended early')
      done += bytesRead
    }
    return bytes
  }

  async *stream(): AsyncGenerator<Uint8Array> {
    for (let offset = 0; offset < this.size; ) {
      const chunk = await this.read(offset, writeBehind)
      offset += chunk.length
      yield chunk
    }
  }

  async close(): Promise<void> {
    await this.#file.close()
  }
}
