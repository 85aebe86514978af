// What the store really holds, compared with what it should hold. The store's own MD5 is taken where it gives one;
// otherwise the object is read back and its SHA-256 compared, so that no store is believed without a check.

import { createHash } from 'node:crypto'
import { CollectError } from '../collection/errors.ts'
import type { Inventory } from '../collection/inventory.ts'
import { sha256Of } from '../store/content.ts'
import { type Content, readText, type Store, type StoredObject, StoreError } from '../store/port.ts'
import { linesOf } from './lines.ts'
import { manifestKey, requiredTagFiles, tagManifestKey } from './tag-files.ts'

export async function holds(store: Store, key: string, content: Content, signal: AbortSignal): Promise<boolean> {
  const object = await store.stat(key, signal)
  return object !== undefined && (await matches(store, object, content, signal))
}

async function matches(store: Store, object: StoredObject, content: Content, signal: AbortSignal): Promise<boolean> {
  if (object.size !== content.size) return false
  if (object.md5 !== undefined && object.md5 === content.md5) return true
  return (await sha256Of(await store.read(object.key, signal))) === content.sha256
}

/** Keys relative to the bag. Empty lists: the store holds exactly what was expected. */
export interface Differences {
  readonly missing: string[]
  readonly differing: string[]
  readonly extra: string[]
}

export interface ExpectedBag {
  readonly inventory: Inventory
  /** What a bag holds besides the workspace: logs, and the tag files that are to be compared. */
  readonly others: ReadonlyMap<string, Content>
}

/** Lists the prefix and compares both ways. Names at most a hundred keys of each kind, all of the extra ones. */
export async function compareBag(
  store: Store,
  prefix: string,
  expected: ExpectedBag,
  signal: AbortSignal,
): Promise<Differences> {
  const differences: Differences = { missing: [], differing: [], extra: [] }
  // A listing that names an object twice must not make up for one that it leaves out.
  const found = new Set<string | number>()
  for await (const object of store.list(prefix, signal)) {
    const key = object.key.slice(prefix.length)
    const wanted = await expectedContent(expected, key)
    if (wanted === undefined) {
      differences.extra.push(key)
      continue
    }
    found.add(wanted.id)
    if (!(await matches(store, object, wanted.content, signal))) addSome(differences.differing, key)
  }
  if (found.size < expected.inventory.files + expected.others.size)
    await nameMissing(store, prefix, expected, differences, signal)
  return differences
}

async function expectedContent({ inventory, others }: ExpectedBag, key: string) {
  const other = others.get(key)
  if (other) return { id: key, content: other }
  const found = await inventory.find(key)
  return found && { id: found.id, content: found.record.content }
}

async function nameMissing(
  store: Store,
  prefix: string,
  { inventory, others }: ExpectedBag,
  { missing }: Differences,
  signal: AbortSignal,
): Promise<void> {
  for (const key of others.keys()) {
    if ((await store.stat(prefix + key, signal)) === undefined) addSome(missing, key)
  }
  for await (const { key } of inventory.stored()) {
    if ((await store.stat(prefix + key, signal)) === undefined) addSome(missing, key)
    if (missing.length >= namedAtMost) return
  }
  // A listing that lacks what a look-up finds is a store that cannot be relied on: still a difference.
  if (missing.length === 0) missing.push('(an object that the listing left out)')
}

const namedAtMost = 100

function addSome(list: string[], key: string): void {
  if (list.length < namedAtMost) list.push(key)
}

/** Whether every tag file of a committed bag is there and is what its tag manifest says: without them it is no valid bag. */
export async function tagFilesIntact(store: Store, prefix: string, signal: AbortSignal): Promise<boolean> {
  try {
    const lines = (await readText(store, prefix + tagManifestKey, signal)).trim().split('\n')
    const digests = new Map(lines.map((line) => [line.slice(66), line.slice(0, 64)]))
    if (!requiredTagFiles.every((key) => digests.has(key))) return false
    for (const [key, sha256] of digests) {
      if ((await sha256Of(await store.read(prefix + key, signal))) !== sha256) return false
    }
    return true
  } catch (error) {
    if (error instanceof StoreError && error.code === 'not-found') return false
    throw error
  }
}

/**
 * Looks again at a bag that was committed, before its sandbox goes and after: by one listing and its manifest, no payload is
 * read. Rejects with CollectError 'store-mismatch' where something is missing or `manifestSha256` is no longer that of the
 * manifest, with StoreError where the store does not let itself be looked at.
 */
export async function confirmBag(
  store: Store,
  prefix: string,
  manifestSha256: string,
  signal: AbortSignal,
): Promise<void> {
  const found = new Set<string>()
  for await (const { key } of store.list(prefix, signal)) found.add(key.slice(prefix.length))
  const missing = [...requiredTagFiles, tagManifestKey].filter((key) => !found.has(key))
  if (found.has(manifestKey)) {
    const hash = createHash('sha256')
    for await (const line of linesOf(hashed(await store.read(prefix + manifestKey, signal), hash))) {
      const key = line.slice(66)
      if (!found.has(key)) addSome(missing, key)
    }
    if (hash.digest('hex') !== manifestSha256) throw noLongerHeld(`${manifestKey} is not the one that was committed`)
  }
  if (missing[0] !== undefined) throw noLongerHeld(`${missing[0]} is missing`)
}

const noLongerHeld = (what: string) =>
  new CollectError(
    'store-mismatch',
    `The bag was committed and verified, but the store no longer holds it: ${what}. Ask the operator to look at the store.`,
  )

/** The same bytes, which `hash` has all seen when they end. */
async function* hashed(chunks: AsyncIterable<Uint8Array>, hash: { update(bytes: Uint8Array): unknown }) {
  for await (const chunk of chunks) {
    hash.update(chunk)
    yield chunk
  }
}
