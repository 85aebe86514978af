// Tar header blocks: bytes to values, without any I/O. Names stay bytes, since they need not be UTF-8.
// A number can be octal text or, with the top bit set, a binary number; and old writers summed signed bytes.
//
//   header = name 100, mode 8, uid 8, gid 8, size 12, mtime 12, checksum 8, type 1, link name 100, magic 6, version 2,
//            user 32, group 32, major 8, minor 8, prefix 155, zero bytes to 512

import { EngineError } from '../errors.ts'

export const BLOCK = 512

export interface TarHeader {
  readonly typeFlag: string
  /** With the prefix in front, where the format has one. */
  readonly name: Buffer
  readonly linkName: Buffer
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly size: number
  readonly mtimeMs: number
}

/** `at` is the byte offset of what is wrong. */
export function corruptArchive(at: number, message: string): EngineError {
  return new EngineError(`${message}, at byte ${at}`, { code: 'archive-corrupt', endpoint: 'tar-read', retry: 'no' })
}

/** Decodes one header block that starts at byte `at`. Throws EngineError `archive-corrupt`. */
export function decodeHeader(block: Buffer, at: number): TarHeader {
  if (!checksumFits(block, readNumber(block, 148, 8, at))) throw corruptArchive(at, 'a header has the wrong checksum')
  const name = text(block, 0, 100)
  const prefix = text(block, 345, 155)
  if (prefix.length > 0 && block.toString('latin1', 257, 263) !== 'ustar\0') {
    throw corruptArchive(at, 'a header that is not ustar has a prefix, which readers understand in different ways')
  }
  const size = readNumber(block, 124, 12, at)
  if (size < 0) throw corruptArchive(at, 'a header has a negative size')
  return {
    typeFlag: block.toString('latin1', 156, 157),
    name: prefix.length === 0 ? name : Buffer.concat([prefix, Buffer.from('/'), name]),
    linkName: text(block, 157, 100),
    mode: readNumber(block, 100, 8, at) & 0o7777,
    uid: checkOwner(readNumber(block, 108, 8, at), at),
    gid: checkOwner(readNumber(block, 116, 8, at), at),
    size,
    mtimeMs: readNumber(block, 136, 12, at) * 1000,
  }
}

/** User and group ids have 32 bits on Linux. */
export function checkOwner(id: number, at: number): number {
  if (id < 0 || id > 0xffff_ffff) throw corruptArchive(at, 'an owner is out of range')
  return id
}

/** The stored sum is that of all bytes with the checksum field as blanks. */
function checksumFits(block: Buffer, stored: number): boolean {
  let unsigned = 0
  let negative = 0
  const count = (bytes: Buffer): void => {
    for (const byte of bytes) {
      unsigned += byte
      if (byte > 0x7f) negative += 0x100
    }
  }
  count(block.subarray(0, 148))
  count(block.subarray(156))
  unsigned += 8 * 0x20
  return stored === unsigned || stored === unsigned - negative
}

/** A field up to its first zero byte. A copy: the block's memory belongs to a larger chunk. */
function text(block: Buffer, start: number, length: number): Buffer {
  const field = block.subarray(start, start + length)
  const end = field.indexOf(0)
  return Buffer.from(end === -1 ? field : field.subarray(0, end))
}

function readNumber(block: Buffer, start: number, length: number, at: number): number {
  const field = block.subarray(start, start + length)
  const value = field.readUInt8(0) >= 0x80 ? readBinary(field) : readOctal(field)
  if (value === undefined || !Number.isSafeInteger(value)) throw corruptArchive(at, 'a header has an invalid number')
  return value
}

/** Digits with blanks before them, and blanks or zero bytes after them; an empty field is zero. */
function readOctal(field: Buffer): number | undefined {
  const digits = /^ *([0-7]*)[ \0]*$/.exec(field.toString('latin1'))?.[1]
  if (digits === undefined) return undefined
  return digits === '' ? 0 : Number.parseInt(digits, 8)
}

/** GNU's base-256: big-endian after the first byte, which is 0x80 for positive and 0xff for negative numbers. */
function readBinary(field: Buffer): number | undefined {
  const first = field.readUInt8(0)
  if (first !== 0x80 && first !== 0xff) return undefined
  let value = first === 0xff ? -1n : 0n
  for (const byte of field.subarray(1)) value = value * 256n + BigInt(byte)
  return Number(value)
}
