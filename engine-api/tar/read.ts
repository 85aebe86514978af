// A strict tar reader: ustar, v7, GNU long names and numbers, PAX. It ends normally only after a complete archive.
// What other readers forgive is an error here (a missing end mark, bytes after it, types that would hide files),
// because an engine cuts archives silently and whoever reads them deletes the original afterwards.

import { EngineError } from '../errors.ts'
import { ByteSource } from '../streams/byte-source.ts'
import { BLOCK, corruptArchive, decodeHeader, type TarHeader } from './header.ts'
import { decodePax, type TarOverrides } from './pax.ts'

export type TarEntryType =
  | 'file'
  | 'hard-link'
  | 'symbolic-link'
  | 'character-device'
  | 'block-device'
  | 'directory'
  | 'fifo'

export interface TarEntry {
  /** Raw bytes as archived, without a directory's trailing slashes. Chosen by a student: treat as data. */
  readonly name: Buffer
  readonly type: TarEntryType
  /** Bytes of the body; 0 for all but files. */
  readonly size: number
  /** Permission, set-id and sticky bits, 0 to 0o7777. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly mtimeMs: number
  /** Raw bytes: where a link points to, empty for other types. A hard link names an earlier entry. */
  readonly linkName: Buffer
  /** Extended attributes by their names, where the archive has some. */
  readonly xattrs?: ReadonlyMap<string, Buffer>
  /** Exactly `size` bytes, or it throws. Iterate it before the next entry is asked for; what is unread then is skipped. */
  readonly body: AsyncIterable<Buffer>
}

const types: Readonly<Record<string, TarEntryType>> = {
  '0': 'file',
  '\0': 'file',
  '7': 'file',
  '1': 'hard-link',
  '2': 'symbolic-link',
  '3': 'character-device',
  '4': 'block-device',
  '5': 'directory',
  '6': 'fifo',
}

const EXTENSION_LIMIT = 1024 * 1024
const SLASH = 0x2f
const zeroBlock = Buffer.alloc(BLOCK)

/**
 * The entries of an archive, in order and one at a time; memory does not grow with the archive.
 * Throws EngineError `archive-truncated` where bytes are missing and `archive-corrupt` where they are wrong, with the
 * offset. Leaving the loop early ends `chunks`.
 */
export async function* readTar(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<TarEntry, void, undefined> {
  const source = new ByteSource(chunks)
  try {
    let globals: TarOverrides = {}
    for (;;) {
      const next = await readHeader(source, globals)
      globals = next.globals
      if (next.header === undefined) break
      const body = new EntryBody(source, next.header.size)
      yield { ...next.header, body }
      await body.skip()
    }
    await readEnd(source)
  } finally {
    await source.close()
  }
}

/** Up to and with the header of the next entry; none at the end mark. */
async function readHeader(
  source: ByteSource,
  inherited: TarOverrides,
): Promise<{ header: Omit<TarEntry, 'body'> | undefined; globals: TarOverrides }> {
  let globals = inherited
  let own: TarOverrides = {}
  const seen = new Set<string>()
  for (;;) {
    const at = source.offset
    const block = await source.exactly(BLOCK)
    if (block.length < BLOCK) {
      throw truncatedArchive(source, block.length === 0 ? 'without its end mark' : 'inside a header')
    }
    if (block.equals(zeroBlock)) {
      if (seen.size > 0) throw corruptArchive(at, 'an extended header has no entry after it')
      return { header: undefined, globals }
    }
    const header = decodeHeader(block, at)
    const { typeFlag } = header
    if (typeFlag === 'g') {
      if (seen.size > 0) throw corruptArchive(at, 'a global header stands between an extended header and its entry')
      const overrides = decodePax(await readExtension(source, header, at), at + BLOCK)
      if (['name', 'linkName', 'size', 'xattrs'].some((field) => field in overrides)) {
        throw corruptArchive(at, 'a global header gives all entries one name, size or attribute')
      }
      globals = { ...globals, ...overrides }
      continue
    }
    if (typeFlag !== 'x' && typeFlag !== 'L' && typeFlag !== 'K') {
      return { header: finish(header, { ...globals, ...own }, at), globals }
    }
    if (seen.has(typeFlag)) throw corruptArchive(at, 'an entry has two extended headers of one kind')
    seen.add(typeFlag)
    const body = await readExtension(source, header, at)
    const overrides = typeFlag === 'x' ? decodePax(body, at + BLOCK) : decodeLongName(typeFlag, body, at + BLOCK)
    if (Object.keys(overrides).some((field) => field in own)) {
      throw corruptArchive(at, 'GNU and PAX headers name the same field of an entry')
    }
    own = { ...own, ...overrides }
  }
}

/** The body of an extended header, without its padding. */
async function readExtension(source: ByteSource, header: TarHeader, at: number): Promise<Buffer> {
  if (header.size > EXTENSION_LIMIT)
    throw corruptArchive(at, `an extended header is longer than ${EXTENSION_LIMIT} bytes`)
  const padded = header.size + paddingOf(header.size)
  const body = await source.exactly(padded)
  if (body.length < padded) throw truncatedArchive(source, 'inside an extended header')
  return body.subarray(0, header.size)
}

/** GNU's long name (L) or link name (K): text, then one zero byte or more. */
function decodeLongName(typeFlag: string, body: Buffer, at: number): TarOverrides {
  const value = Buffer.from(body.subarray(0, body.indexOf(0)))
  if (value.length === 0 || body.at(-1) !== 0 || body.subarray(value.length).some((byte) => byte !== 0)) {
    throw corruptArchive(at, 'a GNU long name is empty, has no end or holds a zero byte')
  }
  return typeFlag === 'L' ? { name: value } : { linkName: value }
}

/** A header with its overrides as an entry, where it makes sense as one. */
function finish(header: TarHeader, overrides: TarOverrides, at: number): Omit<TarEntry, 'body'> {
  const { typeFlag, size, name, linkName, ...rest } = { ...header, ...overrides }
  const endsInSlash = name.at(-1) === SLASH
  const type = typeFlag === '\0' && endsInSlash ? 'directory' : types[typeFlag]
  if (type === undefined) throw corruptArchive(at, `an entry has the unsupported type ${JSON.stringify(typeFlag)}`)
  if (name.length === 0) throw corruptArchive(at, 'an entry has no name')
  if (endsInSlash && type !== 'directory') throw corruptArchive(at, `the name of a ${type} ends in a slash`)
  // Some writers put the size of its file into the header of a hard link; no reader then expects a body.
  const bodySize = type === 'hard-link' ? (overrides.size ?? 0) : size
  if (type !== 'file' && bodySize > 0) throw corruptArchive(at, `a ${type} has a body`)
  const isLink = type === 'hard-link' || type === 'symbolic-link'
  if (isLink && linkName.length === 0) throw corruptArchive(at, `a ${type} points nowhere`)
  return {
    ...rest,
    type,
    size: bodySize,
    name: type === 'directory' ? withoutTrailingSlashes(name) : name,
    linkName: isLink ? linkName : Buffer.alloc(0),
  }
}

/** The root alone stays a slash. */
function withoutTrailingSlashes(name: Buffer): Buffer {
  let end = name.length
  while (end > 1 && name.at(end - 1) === SLASH) end -= 1
  return name.subarray(0, end)
}

/** After the first block of the end mark: the second, then nothing but zeros. */
async function readEnd(source: ByteSource): Promise<void> {
  for (let blocks = 1; ; blocks += 1) {
    const at = source.offset
    const block = await source.exactly(BLOCK)
    if (blocks === 1 && block.length < BLOCK) throw truncatedArchive(source, 'inside its end mark')
    if (!block.equals(zeroBlock.subarray(0, block.length))) throw corruptArchive(at, 'bytes follow the end mark')
    if (block.length < BLOCK) return
  }
}

function paddingOf(size: number): number {
  return (BLOCK - (size % BLOCK)) % BLOCK
}

function truncatedArchive(source: ByteSource, where: string): EngineError {
  return new EngineError(`the archive ends ${where}, at byte ${source.offset}`, {
    code: 'archive-truncated',
    endpoint: 'tar-read',
    retry: 'same',
  })
}

/** The body of one entry, which stands in the source until it is iterated or skipped. */
class EntryBody implements AsyncIterable<Buffer> {
  readonly #source: ByteSource
  readonly #padding: number
  #remaining: number
  #taken = false
  #skipped = false

  constructor(source: ByteSource, size: number) {
    this.#source = source
    this.#remaining = size
    this.#padding = paddingOf(size)
  }

  /** Only the first iteration, ended before the next entry is asked for, can have the bytes; any other throws. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer, void, undefined> {
    if (this.#taken) throw bodyMisused()
    this.#taken = true
    while (this.#remaining > 0) yield await this.#take()
    if (this.#skipped) throw bodyMisused()
  }

  async skip(): Promise<void> {
    this.#taken = true
    this.#skipped = this.#remaining > 0
    while (this.#remaining > 0) await this.#take()
    const padding = await this.#source.exactly(this.#padding)
    if (padding.length < this.#padding) throw truncatedArchive(this.#source, 'after the body of an entry')
  }

  async #take(): Promise<Buffer> {
    const piece = await this.#source.piece(this.#remaining)
    if (piece === undefined) throw truncatedArchive(this.#source, 'inside the body of an entry')
    this.#remaining -= piece.length
    return piece
  }
}

function bodyMisused(): EngineError {
  return new EngineError('the body of an entry is read twice, or after the next entry was asked for', {
    code: 'invalid-argument',
    endpoint: 'tar-read',
    retry: 'no',
  })
}
