// PAX extended headers: records that replace fields of the headers after them. Values stay bytes, since Docker puts
// every name that is not ASCII here exactly as it is on disk, valid UTF-8 or not.
//
//   record = length of the whole record in decimal, space, key, '=', value, line feed

import { checkOwner, corruptArchive, type TarHeader } from './header.ts'

/** Fields of a header that an extended header replaces. */
export type TarOverrides = Partial<Pick<TarHeader, 'name' | 'linkName' | 'size' | 'uid' | 'gid' | 'mtimeMs'>> & {
  /** Extended attributes by their names, raw. Docker gives `security.capability` and no others. */
  readonly xattrs?: ReadonlyMap<string, Buffer>
}

const xattrPrefix = 'SCHILY.xattr.'
const SPACE = 0x20
const EQUALS = 0x3d
const LINE_FEED = 0x0a

/**
 * The overrides in the body of an extended header that starts at byte `at`. Throws EngineError `archive-corrupt` for
 * records that break the format, and for sparse files, whose names and sizes would not be the real ones.
 */
export function decodePax(body: Buffer, at: number): TarOverrides {
  let overrides: TarOverrides = {}
  const xattrs = new Map<string, Buffer>()
  for (let start = 0; start < body.length; ) {
    const offset = at + start
    const space = body.indexOf(SPACE, start)
    const digits = body.toString('latin1', start, space)
    const end = start + Number(digits)
    const equals = body.indexOf(EQUALS, space)
    const framed = /^[1-9]\d*$/.test(digits) && equals > space + 1 && equals < end && end <= body.length
    if (!framed || body.readUInt8(end - 1) !== LINE_FEED) throw corruptArchive(offset, 'a PAX record is malformed')
    const key = body.toString('latin1', space + 1, equals)
    const value = body.subarray(equals + 1, end - 1)
    if (key.startsWith(xattrPrefix)) xattrs.set(key.slice(xattrPrefix.length), Buffer.from(value))
    overrides = { ...overrides, ...decodeRecord(key, value, offset) }
    start = end
  }
  return xattrs.size === 0 ? overrides : { ...overrides, xattrs }
}

function decodeRecord(key: string, value: Buffer, at: number): TarOverrides {
  if (key.includes('\0')) throw corruptArchive(at, 'a PAX key holds a zero byte')
  if (key.startsWith('GNU.sparse.')) throw corruptArchive(at, 'sparse files are not supported')
  switch (key) {
    case 'path':
      return { name: decodeName(value, at) }
    case 'linkpath':
      return { linkName: decodeName(value, at) }
    case 'size':
      return { size: decodeInteger(value, at) }
    case 'uid':
      return { uid: checkOwner(decodeInteger(value, at), at) }
    case 'gid':
      return { gid: checkOwner(decodeInteger(value, at), at) }
    case 'mtime':
      return { mtimeMs: decodeTime(value, at) }
    default:
      return {}
  }
}

function decodeName(value: Buffer, at: number): Buffer {
  if (value.length === 0 || value.includes(0)) throw corruptArchive(at, 'a PAX name is empty or holds a zero byte')
  return Buffer.from(value)
}

function decodeInteger(value: Buffer, at: number): number {
  const text = value.toString('latin1')
  const number = Number(text)
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(number)) throw corruptArchive(at, 'a PAX number is invalid')
  return number
}

/** The last instant that a Date holds, in milliseconds from 1970; the first is as far before. */
const lastTimeMs = 8.64e15

/**
 * Seconds with any number of decimals, to whole milliseconds. Some file systems keep any time of 64 bits: one that no Date
 * holds is given as the nearest that it does, since a student can set it and must not make the archive unreadable by it.
 */
function decodeTime(value: Buffer, at: number): number {
  const [, sign, seconds = '', decimals = ''] = /^(-?)(\d+)(?:\.(\d*))?$/.exec(value.toString('latin1')) ?? []
  if (seconds === '') throw corruptArchive(at, 'a PAX time is invalid')
  const exact = Number(seconds) * 1000 + Number(decimals.slice(0, 3).padEnd(3, '0'))
  const milliseconds = Math.min(exact, lastTimeMs)
  return sign === '-' ? -milliseconds : milliseconds
}
