// A small tar writer: directories, files and symbolic links, for preparing a workspace and making images.
// What a plain header cannot hold goes in GNU tar's way, which every engine reads: long names in an entry of their own, large numbers in binary.

import { EngineError } from '../errors.ts'
import { BLOCK } from './header.ts'

export interface TarInput {
  /** Path in the archive, without a leading slash; raw bytes where it need not be UTF-8. */
  readonly name: string | Uint8Array
  readonly type: 'file' | 'directory' | 'symbolic-link'
  /** Permission, set-id and sticky bits. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly mtimeMs: number
  /** Where a symbolic link points to. */
  readonly linkName?: Uint8Array
  /** A file's content; empty when absent. A stream must give exactly `size` bytes. */
  readonly body?: Uint8Array | { readonly size: number; readonly bytes: AsyncIterable<Uint8Array> }
}

const longestInHeader = 100

/** An archive of the entries, in their order. Throws EngineError `invalid-argument` for an entry that no archive can hold. */
export async function* packTar(
  entries: Iterable<TarInput> | AsyncIterable<TarInput>,
): AsyncGenerator<Buffer, void, undefined> {
  for await (const entry of entries) {
    const { size, bytes } = bodyOf(entry)
    const name = nameOf(entry)
    const link = Buffer.from(entry.linkName ?? [])
    if (link.length > longestInHeader) yield* longText('K', link)
    if (name.length > longestInHeader) yield* longText('L', name)
    yield encodeHeader(typeFlags[entry.type], name, link, size, entry)
    yield* paddedBody(entry, size, bytes)
  }
  yield Buffer.alloc(2 * BLOCK)
}

const typeFlags = { file: '0', 'symbolic-link': '2', directory: '5' } as const

function bodyOf(entry: TarInput): { size: number; bytes: Iterable<Uint8Array> | AsyncIterable<Uint8Array> } {
  const { body = Buffer.alloc(0), type } = entry
  const { size, bytes } = body instanceof Uint8Array ? { size: body.length, bytes: [body] } : body
  if (type !== 'file' && size > 0) throw unfit(entry, `a ${type} has no body`)
  return { size, bytes: type === 'file' ? bytes : [] }
}

function nameOf(entry: TarInput): Buffer {
  const name = Buffer.from(entry.name)
  if (name.length === 0 || name.at(0) === 0x2f || name.includes(0)) {
    throw unfit(entry, 'the name is empty, absolute or holds a zero byte')
  }
  if (entry.type === 'symbolic-link' && !entry.linkName?.length) throw unfit(entry, 'a symbolic link needs a target')
  return entry.type === 'directory' && name.at(-1) !== 0x2f ? Buffer.concat([name, Buffer.from('/')]) : name
}

async function* paddedBody(
  entry: TarInput,
  size: number,
  bytes: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): AsyncGenerator<Buffer> {
  let sent = 0
  for await (const chunk of bytes) {
    sent += chunk.length
    if (sent > size) break
    if (chunk.length > 0) yield Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length)
  }
  if (sent !== size) throw unfit(entry, `${size} bytes were promised, and its body has ${sent > size ? 'more' : sent}`)
  if (size % BLOCK > 0) yield Buffer.alloc(BLOCK - (size % BLOCK))
}

/** GNU tar's entry that carries the name (L) or the link target (K) of the next one. */
function* longText(typeFlag: 'K' | 'L', text: Buffer): Generator<Buffer> {
  const bytes = Buffer.concat([text, Buffer.alloc(1)])
  const name = Buffer.from('././@LongLink')
  yield encodeHeader(typeFlag, name, Buffer.alloc(0), bytes.length, { name, mode: 0, uid: 0, gid: 0, mtimeMs: 0 })
  yield Buffer.concat([bytes, Buffer.alloc((BLOCK - (bytes.length % BLOCK)) % BLOCK)])
}

function encodeHeader(
  typeFlag: string,
  name: Buffer,
  link: Buffer,
  size: number,
  entry: Pick<TarInput, 'name' | 'mode' | 'uid' | 'gid' | 'mtimeMs'>,
): Buffer {
  const block = Buffer.alloc(BLOCK)
  name.copy(block, 0, 0, longestInHeader)
  link.copy(block, 157, 0, longestInHeader)
  const number = (value: number, start: number, length: number): void => {
    if (!Number.isSafeInteger(value) || value < 0) throw unfit(entry, `${value} does not fit`)
    const digits = value.toString(8).padStart(length - 1, '0')
    if (digits.length < length) block.write(digits, start, 'latin1')
    else writeBinary(block, value, start, length)
  }
  number(entry.mode, 100, 8)
  number(entry.uid, 108, 8)
  number(entry.gid, 116, 8)
  number(size, 124, 12)
  number(Math.floor(entry.mtimeMs / 1000), 136, 12)
  block.write(typeFlag, 156, 'latin1')
  block.write('ustar\x0000', 257, 'latin1')
  number(0, 329, 8)
  number(0, 337, 8)
  block.fill(' ', 148, 156)
  number(
    block.reduce((sum, byte) => sum + byte, 0),
    148,
    7,
  )
  block.writeUInt8(0, 154)
  return block
}

/** The top bit says binary; a safe integer has 53 bits and leaves the bytes before it zero. */
function writeBinary(block: Buffer, value: number, start: number, length: number): void {
  block.writeUInt8(0x80, start)
  block.writeUIntBE(Math.floor(value / 2 ** 32), start + length - 8 + 1, 3)
  block.writeUInt32BE(value % 2 ** 32, start + length - 4)
}

function unfit({ name }: Pick<TarInput, 'name'>, reason: string): EngineError {
  return new EngineError(`${JSON.stringify(Buffer.from(name).toString())} cannot be packed: ${reason}`, {
    code: 'invalid-argument',
    endpoint: 'tar-write',
    retry: 'no',
  })
}
