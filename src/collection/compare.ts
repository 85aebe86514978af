// What the store really holds, compared with what it should hold. The store's own MD5 is taken where it gives one;
// otherwise the object is read back and its SHA-256 compared, so that no store is believed without a check.

import { sha256Of } from '../store/content.ts'
import type { Content, Store, StoredObject } from '../store/port.ts'
import type { Inventory } from './inventory.ts'

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
  /** Objects that are there and that the store's list leaves out: none of them can be told from one that is lost. */
  readonly unlisted: number
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
  const differences: Omit<Differences, 'unlisted'> = { missing: [], differing: [], extra: [] }
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
  const absent = expected.inventory.files + expected.others.size - found.size
  if (absent > 0) await nameMissing(store, prefix, expected, differences.missing, signal)
  return { ...differences, unlisted: differences.missing.length === 0 ? absent : 0 }
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
  missing: string[],
  signal: AbortSignal,
): Promise<void> {
  for (const key of others.keys()) {
    if ((await store.stat(prefix + key, signal)) === undefined) addSome(missing, key)
  }
  for await (const { key } of inventory.stored()) {
    if ((await store.stat(prefix + key, signal)) === undefined) addSome(missing, key)
    if (missing.length >= namedAtMost) return
  }
}

const namedAtMost = 100

function addSome(list: string[], key: string): void {
  if (list.length < namedAtMost) list.push(key)
}
