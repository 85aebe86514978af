// The files of a bag that describe its payload: bag-info, manifests and meta/submission.json (BagIt 1.0, RFC 8493).
// They are generated from the inventory each time they are read, so that none is ever whole in memory.

import type { Inventory, InventoryRecord } from '../collection/inventory.ts'
import { trait } from '../collection/record-frame.ts'
import { giveWay } from '../give-way.ts'
import { digestAll, digestOf } from '../store/content.ts'
import type { Content } from '../store/port.ts'

export interface TagFile {
  readonly key: string
  readonly content: Content
  stream(): AsyncIterable<Uint8Array>
}

export const bagDeclarationKey = 'bagit.txt'
export const manifestKey = 'manifest-sha256.txt'
export const bagInfoKey = 'bag-info.txt'
export const tagManifestKey = 'tagmanifest-sha256.txt'
export const submissionKey = 'meta/submission.json'

/** What the tag manifest of a bag must name. */
export const requiredTagFiles = [bagDeclarationKey, bagInfoKey, manifestKey, submissionKey]

/** Our own labels in bag-info.txt that are read back: of the workspace alone, logs not counted. */
export const bagInfoLabel = {
  files: 'Class-Runtime-Files',
  bytes: 'Class-Runtime-Bytes',
  skipped: 'Class-Runtime-Skipped',
  manifestSha256: 'Class-Runtime-Manifest-SHA256',
  collectedAt: 'Class-Runtime-Collected-At',
} as const

/** The commit mark: its bytes are the same in every bag. */
export const bagDeclaration = Buffer.from('BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n')

type Payload = readonly { readonly key: string; readonly content: Content }[]

/** One line a payload file. Keys hold no CR, LF or '%' (object-key.ts), so that none needs BagIt's escaping. */
export function manifest(inventory: Inventory, logs: Payload): Promise<TagFile> {
  return tagFile(manifestKey, async function* () {
    for await (const { key, record } of inventory.stored()) yield `${record.content.sha256}  ${key}\n`
    for (const { key, content } of logs) yield `${content.sha256}  ${key}\n`
  })
}

export function bagInfo(labels: readonly (readonly [string, string])[]): Promise<TagFile> {
  return tagFile(bagInfoKey, async function* () {
    for (const [name, value] of labels) yield `${name}: ${value.replace(/[\r\n]+/g, ' ')}\n`
  })
}

export function tagManifest(others: readonly TagFile[]): Promise<TagFile> {
  return tagFile(tagManifestKey, async function* () {
    yield `${digestOf(bagDeclaration).sha256}  ${bagDeclarationKey}\n`
    for (const { key, content } of others) yield `${content.sha256}  ${key}\n`
  })
}

/** What cannot be archived at all: sockets, found by looking inside the sandbox before it stopped. */
export interface UnarchivedThing {
  /** Relative to the workspace, one character a byte. */
  readonly path: string
  readonly type: 'socket'
}

/**
 * meta/submission.json: `head`, then files, links, directories and skipped, in the order of the archive.
 * `path` is as the student saw it; `pathBase64` holds the raw bytes where the name is not UTF-8.
 */
export function submission(
  head: object,
  inventory: Inventory,
  unarchived: readonly UnarchivedThing[],
): Promise<TagFile> {
  return tagFile(submissionKey, async function* () {
    yield JSON.stringify(head, undefined, 2).replace(/\n\}$/, '')
    yield* section('files', storedFiles(inventory))
    yield* section('links', described(inventory.records(trait.link), link))
    yield* section('directories', described(inventory.records(trait.directory), directory))
    yield* section('skipped', skippedThings(inventory, unarchived))
    yield '\n}\n'
  })
}

const noContent = 'has no content that could be stored'

async function* section(title: string, things: AsyncIterable<object>): AsyncGenerator<string> {
  let separator = `,\n  "${title}": [\n    `
  const first = separator
  for await (const thing of things) {
    yield separator + JSON.stringify(thing)
    separator = ',\n    '
  }
  yield separator === first ? `,\n  "${title}": []` : '\n  ]'
}

async function* storedFiles(inventory: Inventory): AsyncGenerator<object> {
  for await (const { key, record } of inventory.stored()) {
    const { size, sha256 } = record.content
    yield { ...name(record.path), key, size, sha256, ...facts(record) }
  }
}

async function* described(
  records: AsyncIterable<InventoryRecord>,
  describe: (record: InventoryRecord) => object,
): AsyncGenerator<object> {
  for await (const record of records) yield describe(record)
}

const directory = (record: InventoryRecord): object => ({ ...name(record.path), ...facts(record) })

function link(record: InventoryRecord): object {
  return { ...name(record.path), type: record.type, ...name(record.target ?? '', 'target'), ...facts(record) }
}

async function* skippedThings(inventory: Inventory, unarchived: readonly UnarchivedThing[]): AsyncGenerator<object> {
  yield* described(inventory.records(trait.leftOut), skipped)
  for (const { path, type } of unarchived) yield { ...name(path), type, reason: noContent }
}

function skipped(record: InventoryRecord): object {
  const type = record.linkedType ?? record.type
  const size = record.content?.size
  return { ...name(record.path), type, size, reason: record.skipped ?? noContent, ...facts(record) }
}

const facts = ({ mode, mtimeMs, uid, gid, xattrs }: InventoryRecord) => ({
  mode: `0${(mode & 0o7777).toString(8)}`,
  mtime: isoTime(mtimeMs),
  uid,
  gid,
  ...(xattrs === undefined ? {} : { xattrs }),
})

/** Some file systems keep times that no calendar date of JavaScript can hold: then seconds since 1970. */
function isoTime(milliseconds: number): string {
  const date = new Date(milliseconds)
  return Number.isNaN(date.getTime()) ? `${Math.floor(milliseconds / 1000)}` : date.toISOString()
}

function name(path: string, member = 'path'): Record<string, string> {
  const bytes = Buffer.from(path, 'latin1')
  const text = bytes.toString('utf8')
  return Buffer.from(text, 'utf8').equals(bytes)
    ? { [member]: text }
    : { [member]: text, [`${member}Base64`]: bytes.toString('base64') }
}

async function tagFile(key: string, generate: () => AsyncIterable<string>): Promise<TagFile> {
  async function* stream(): AsyncGenerator<Uint8Array> {
    for await (const text of generate()) {
      yield Buffer.from(text)
      await giveWay()
    }
  }
  return { key, stream, content: await digestAll(stream()) }
}
