// Writes meta/submission.json, one thing a line, so that a reader needs no more of it in memory either.

import { type BagContents, type InventoryRecord, trait } from './contents.ts'
import type { Listed, UnarchivedThing } from './submission.ts'
import { submissionKey, type TagFile, tagFile } from './tag-files.ts'

/**
 * meta/submission.json: `head`, then files, links, directories and skipped, in the order of the archive.
 * `path` is as the student saw it; `pathBase64` holds the raw bytes where the name is not UTF-8.
 */
export function submission(
  head: object,
  contents: BagContents,
  unarchived: readonly UnarchivedThing[],
): Promise<TagFile> {
  return tagFile(submissionKey, async function* () {
    yield JSON.stringify(head, undefined, 2).replace(/\n\}$/, '')
    yield* section('files', storedFiles(contents))
    yield* section('links', described(contents.records(trait.link), link))
    yield* section('directories', described(contents.records(trait.directory), directory))
    yield* section('skipped', skippedThings(contents, unarchived))
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

async function* storedFiles(contents: BagContents): AsyncGenerator<Listed<'files'>> {
  for await (const { key, record } of contents.stored()) {
    const { size, sha256 } = record.content
    yield { ...named(record.path), key, size, sha256, ...facts(record) }
  }
}

async function* described<Thing>(
  records: AsyncIterable<InventoryRecord>,
  describe: (record: InventoryRecord) => Thing,
): AsyncGenerator<Thing> {
  for await (const record of records) yield describe(record)
}

const directory = (record: InventoryRecord): Listed<'directories'> => ({ ...named(record.path), ...facts(record) })

function link(record: InventoryRecord): Listed<'links'> {
  return { ...named(record.path), type: record.type, ...targeted(record.target ?? ''), ...facts(record) }
}

async function* skippedThings(
  contents: BagContents,
  unarchived: readonly UnarchivedThing[],
): AsyncGenerator<Listed<'skipped'>> {
  yield* described(contents.records(trait.leftOut), skipped)
  for (const { path, type } of unarchived) yield { ...named(path), type, reason: noContent }
}

function skipped(record: InventoryRecord): Listed<'skipped'> {
  const type = record.linkedType ?? record.type
  const size = record.content === undefined ? {} : { size: record.content.size }
  return { ...named(record.path), type, ...size, reason: record.skipped ?? noContent, ...facts(record) }
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

const named = (path: string): { path: string; pathBase64?: string } => {
  const [text, base64] = textOf(path)
  return base64 === undefined ? { path: text } : { path: text, pathBase64: base64 }
}

const targeted = (target: string): { target: string; targetBase64?: string } => {
  const [text, base64] = textOf(target)
  return base64 === undefined ? { target: text } : { target: text, targetBase64: base64 }
}

/** As text, and where it is not UTF-8 its bytes as Base64 too. */
function textOf(raw: string): [text: string, base64?: string] {
  const bytes = Buffer.from(raw, 'latin1')
  const text = bytes.toString('utf8')
  return Buffer.from(text, 'utf8').equals(bytes) ? [text] : [text, bytes.toString('base64')]
}
