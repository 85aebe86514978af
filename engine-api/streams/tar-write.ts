// A small tar writer: files and directories with names of at most 100 bytes, for preparing a workspace and making images.

import { EngineError } from '../errors.ts'
import { BLOCK } from './tar-header.ts'

export interface TarInput {
  /** Path in the archive, without a leading slash; at most 100 bytes, with a directory's trailing slash. */
  readonly name: string
  readonly type: 'file' | 'directory'
  /** Permission, set-id and sticky bits. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly mtimeMs: number
  /** A file's content; empty when absent. */
  readonly body?: Uint8Array
}

/** An archive of the entries, in their order. Throws EngineError `invalid-argument` for what does not fit a plain header. */
export async function* packTar(
  entries: Iterable<TarInput> | AsyncIterable<TarInput>,
): AsyncGenerator<Buffer, void, undefined> {
  for await (const entry of entries) {
    const body = Buffer.from(entry.body ?? [])
    if (entry.type === 'directory' && body.length > 0) throw unfit(entry, 'a directory has no body')
    yield encodeHeader(entry, body.length)
    if (body.length > 0) yield body
    if (body.length % BLOCK > 0) yield Buffer.alloc(BLOCK - (body.length % BLOCK))
  }
  yield Buffer.alloc(2 * BLOCK)
}

function encodeHeader(entry: TarInput, size: number): Buffer {
  const block = Buffer.alloc(BLOCK)
  const name = Buffer.from(entry.type === 'directory' && !entry.name.endsWith('/') ? `${entry.name}/` : entry.name)
  if (entry.name === '' || entry.name.startsWith('/') || name.length > 100 || name.includes(0)) {
    throw unfit(entry, 'the name is empty, absolute, longer than 100 bytes or holds a zero byte')
  }
  name.copy(block, 0)
  const octal = (value: number, start: number, length: number): void => {
    const digits = value.toString(8).padStart(length - 1, '0')
    if (!Number.isInteger(value) || value < 0 || digits.length > length - 1) throw unfit(entry, `${value} does not fit`)
    block.write(digits, start, 'latin1')
  }
  octal(entry.mode, 100, 8)
  octal(entry.uid, 108, 8)
  octal(entry.gid, 116, 8)
  octal(size, 124, 12)
  octal(Math.floor(entry.mtimeMs / 1000), 136, 12)
  block.write(entry.type === 'directory' ? '5' : '0', 156, 'latin1')
  block.write('ustar\x0000', 257, 'latin1')
  octal(0, 329, 8)
  octal(0, 337, 8)
  block.fill(' ', 148, 156)
  octal(
    block.reduce((sum, byte) => sum + byte, 0),
    148,
    7,
  )
  block.writeUInt8(0, 154)
  return block
}

function unfit(entry: TarInput, reason: string): EngineError {
  return new EngineError(`${JSON.stringify(entry.name)} cannot be packed: ${reason}`, {
    code: 'invalid-argument',
    operation: 'tar-write',
    retry: 'no',
  })
}
