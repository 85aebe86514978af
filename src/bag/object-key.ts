// How a student's file name becomes part of an object's key: readable where it can be, acceptable to every store, and never one key for two names.
// Names are bytes, not text: Linux allows any byte but NUL and '/', so two names may differ only in bytes that are no UTF-8.
import { isUtf8 } from 'node:buffer'
import { createHash } from 'node:crypto'

/** MinIO and Linux file systems end a segment at 255 bytes. */
const longestSegment = 200
/** S3 ends a key at 1,024 bytes; the rest is for the prefix: class, session, student and collection. */
const longestKey = 800

/**
 * What no key may hold as it is: control, format (so also bidirectional), private, unassigned and separator characters, our escape sign '=',
 * '\' (MinIO takes it for a separator) and '%' (proxies and browsers decode it twice).
 */
const unsafe = /[\p{C}\p{Zl}\p{Zp}=\\%]/u
/** Go's and therefore MinIO's idea of a blank: it trims these before it looks for '.' and '..'. */
const blank = /^\p{White_Space}$/u
const blankEdge = /^\p{White_Space}|\p{White_Space}$/u
/** MinIO marks a folder by this ending on its disks, and would list a file so named as a folder. */
const folderMark = '__XLDIR__'

/** One character of a name, or one byte that belongs to no valid character (`text` is undefined). */
interface Character {
  readonly bytes: Uint8Array
  readonly text: string | undefined
}

/**
 * The key of a file below its collect root, from its path as the archive gives it: relative, '/'-separated, raw bytes.
 *
 * Each byte that cannot stay becomes `=HH`. A segment of more than 200 bytes becomes its beginning + `=~` + SHA-256 of the raw segment;
 * a key of more than 800 bytes becomes its first segments + `/=~` + SHA-256 of the raw path. The result has at most 800 bytes.
 *
 * Two paths never share a key, as far as SHA-256 never repeats itself:
 * - '=' itself is always escaped, so in a segment without `=~` every `=HH` can be turned back: such segments give back the raw bytes;
 * - `=~` stands only in shortened segments and gives away their kind: something before it = the segment's hash, nothing before it = the
 *   whole path's hash. Same kind and same key means same hash, so same raw bytes; a different kind means a different key.
 * A key is never the folder of another one: that would need a file that is also a folder, or a segment `=~…` inside a path.
 */
export const objectKey = (path: Uint8Array): string => new ObjectKeys().of(Buffer.from(path).toString('latin1'))

/**
 * Object keys of many paths. An archive comes folder by folder, so the segments that a path shares with the one before it are
 * not worked out again: what an entry costs is its own name, however deep it lies.
 */
export class ObjectKeys {
  /** Of the path before: its segments, raw, and the key of each. */
  #raw: string[] = []
  #keys: string[] = []
  /** How many segments were worked out so far. */
  segments = 0

  /** The object key of a path that has one character a byte (latin1). */
  of(path: string): string {
    const raw = path.split('/')
    const differing = raw.findIndex((segment, at) => segment !== this.#raw[at])
    const shared = differing === -1 ? raw.length : differing
    const keys = this.#keys.slice(0, shared)
    for (const segment of raw.slice(shared)) keys.push(segmentKey(Buffer.from(segment, 'latin1')))
    this.segments += raw.length - shared
    this.#raw = raw
    this.#keys = keys

    const key = keys.join('/')
    if (Buffer.byteLength(key) <= longestKey) return key
    const ending = hashEnding(Buffer.from(path, 'latin1'))
    return takeWhileFits(keys, longestKey - ending.length, '/') + ending
  }
}

function segmentKey(segment: Buffer): string {
  // An archive has no empty segment ('a//b'); should one come, a slash is what no honest segment can hold.
  if (segment.length === 0) return '=2F'
  return plainKey(segment) ?? escapedKey(segment)
}

/** The key of a segment that stays as it is, as nearly all do; else undefined. */
function plainKey(segment: Buffer): string | undefined {
  if (segment.length > longestSegment || !isUtf8(segment)) return undefined
  const text = segment.toString()
  const isPlain =
    !unsafe.test(text) &&
    !blankEdge.test(text) &&
    text !== '.' &&
    text !== '..' &&
    !text.endsWith(folderMark) &&
    isComposed(text)
  return isPlain ? text : undefined
}

function escapedKey(segment: Buffer): string {
  const characters = splitCharacters(segment)
  const isSolid = ({ text }: Character) => text === undefined || !blank.test(text)
  const first = characters.findIndex(isSolid)
  const last = characters.findLastIndex(isSolid)
  const trimmed = characters.slice(first, last + 1).map(({ text }) => text)
  const isDots = trimmed.every((text) => text === '.') && trimmed.length <= 2
  const endsInFolderMark = trimmed.slice(-folderMark.length).join('') === folderMark

  const encode = (asciiOnly: boolean) =>
    characters.map(({ bytes, text }, at) => {
      const isEdge = at < first || at > last
      const mustGo = isEdge || isDots || (endsInFolderMark && at === last) || (asciiOnly && bytes.length > 1)
      return text === undefined || mustGo || unsafe.test(text) ? escapeBytes(bytes) : text
    })
  const readable = encode(false)
  const pieces = isComposed(readable.join('')) ? readable : encode(true)
  const key = pieces.join('')
  if (Buffer.byteLength(key) <= longestSegment) return key

  const ending = hashEnding(segment)
  return takeWhileFits(pieces, longestSegment - ending.length) + ending
}

/**
 * Two names that differ only in their Unicode normal form look the same to some file systems and BagIt validators: one
 * composed form (NFC) stays readable, any other is escaped.
 */
const isComposed = (key: string): boolean => key === key.normalize('NFC')

function splitCharacters(segment: Uint8Array): Character[] {
  const characters: Character[] = []
  for (let at = 0; at < segment.length; ) {
    const bytes = segment.subarray(at, at + characterLength(segment[at] ?? 0))
    const character = isUtf8(bytes)
      ? { bytes, text: Buffer.from(bytes).toString() }
      : { bytes: bytes.subarray(0, 1), text: undefined }
    characters.push(character)
    at += character.bytes.length
  }
  return characters
}

/** The bytes that a UTF-8 character has by its first byte; whether they are there and right is for `isUtf8` to say. */
function characterLength(first: number): number {
  if (first >= 0xf0) return 4
  if (first >= 0xe0) return 3
  return first >= 0xc0 ? 2 : 1
}

function escapeBytes(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => `=${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('')
}

function hashEnding(raw: Uint8Array): string {
  return `=~${createHash('sha256').update(raw).digest('hex')}`
}

/** The first pieces, whole ones only and each with `end` behind it, that together have at most `limit` bytes. */
function takeWhileFits(pieces: readonly string[], limit: number, end = ''): string {
  let taken = ''
  let left = limit
  for (const piece of pieces) {
    left -= Buffer.byteLength(piece) + end.length
    if (left < 0) break
    taken += piece + end
  }
  return taken
}
