// The upload pass: the archive is read a second time, and each file goes to the store as it passes by.
// Whatever differs from the inventory fails the student: a stopped sandbox cannot change, so a difference is a fault.

import { createHash } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { type InventoryRecord, type StoredRecord, trait } from '../bag/contents.ts'
import { ObjectKeys } from '../bag/object-key.ts'
import { giveWay } from '../give-way.ts'
import type { ArchiveEntry } from '../runtime/archive.ts'
import { type Content, type Store, StoreError } from '../store/port.ts'
import { holds } from './compare.ts'
import { CollectError } from './errors.ts'
import type { Inventory } from './inventory.ts'
import { describe } from './take-inventory.ts'

/** Up to this size a file is held in memory and sent beside others; a larger one streams alone. */
const smallFileBytes = 1024 * 1024
/** With smallFileBytes the bound on memory: 16 MiB a student. */
const smallFilesAtOnce = 16

export interface UploadPass {
  readonly entries: AsyncIterable<ArchiveEntry>
  readonly inventory: Inventory
  readonly store: Store
  readonly prefix: string
  /** An earlier attempt may have left objects: ask the store before sending. */
  readonly resuming: boolean
  readonly signal: AbortSignal
  /** Once for each file of the bag. */
  onStored(bytes: number): void
}

export async function uploadPass(pass: UploadPass): Promise<void> {
  const { inventory, store, prefix } = pass
  const sending = new SendingPool(pass.signal)
  try {
    const records = inventory.records()
    const keys = new ObjectKeys()
    for await (const entry of pass.entries) {
      const { value: record } = await records.next()
      if (!record || !sameHeader(record, describe(entry))) throw changed(record?.path)
      if (record.type === 'file' && record.content) {
        const key = await inventory.keyForBytes(record, keys)
        await passFile(pass, sending, entry, { ...record, content: record.content }, key)
      }
      await giveWay()
    }
    if (!(await records.next()).done) throw changed(undefined)
    await sending.drained()

    const targetKeys = new ObjectKeys()
    for await (const { record, key } of inventory.stored(trait.hardLink)) {
      const from = await keyOfTarget(inventory, record, targetKeys)
      await sending.add(async (signal) => {
        const held = from === key || (pass.resuming && (await holds(store, prefix + key, record.content, signal)))
        if (!held) await store.copy(prefix + from, prefix + key, record.content, signal)
        pass.onStored(record.content.size)
      })
    }
    await sending.drained()
  } catch (error) {
    throw await sending.cancel(error)
  }
}

async function passFile(
  pass: UploadPass,
  sending: SendingPool,
  entry: ArchiveEntry,
  { content, skipped }: StoredRecord,
  key: string | undefined,
): Promise<void> {
  // The bytes of a skipped file that a hard link inherits are counted with that link.
  const stored = () => {
    if (skipped === undefined) pass.onStored(content.size)
  }
  if (key === undefined || (pass.resuming && (await holds(pass.store, pass.prefix + key, content, pass.signal)))) {
    for await (const _ of compared(entry, content)) {
      // Only read, so that this reading too is compared with the inventory.
    }
    stored()
    return
  }
  if (content.size <= smallFileBytes) {
    const pieces: Uint8Array[] = []
    for await (const piece of compared(entry, content)) pieces.push(piece)
    await sending.add(async (signal) => {
      await send(pass, entry, key, content, Buffer.concat(pieces), signal)
      stored()
    })
    return
  }
  await send(pass, entry, key, content, compared(entry, content), sending.signal)
  stored()
}

/** A refusal names the file: what refuses one of many, such as a proxy before the store, does so by its name or size. */
async function send(
  { store, prefix }: UploadPass,
  { path }: ArchiveEntry,
  key: string,
  content: Content,
  body: Parameters<Store['put']>[2],
  signal: AbortSignal,
): Promise<void> {
  try {
    await store.put(prefix + key, content, body, { signal })
  } catch (error) {
    if (!(error instanceof StoreError) || error.code !== 'refused') throw error
    const file = shownPath(Buffer.from(path).toString('latin1'))
    throw new StoreError('refused', error.message, error, `${error.advice} The file is '${file}'.`)
  }
}

/** The bytes of an entry; rejects after the last one when they are not those of the inventory. The store checks the MD5. */
async function* compared(entry: ArchiveEntry, content: Content): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256')
  for await (const chunk of entry.body) {
    hash.update(chunk)
    yield chunk
    await giveWay()
  }
  if (hash.digest('hex') !== content.sha256) throw changed(Buffer.from(entry.path).toString('latin1'))
}

async function keyOfTarget(inventory: Inventory, link: InventoryRecord, keys: ObjectKeys): Promise<string> {
  const first = await inventory.named(link.target ?? '')
  const key = first && (await inventory.keyForBytes(first, keys))
  if (key === undefined) throw changed(link.path)
  return key
}

function sameHeader(a: InventoryRecord, b: InventoryRecord): boolean {
  return (
    a.path === b.path &&
    a.type === b.type &&
    a.size === b.size &&
    a.mtimeMs === b.mtimeMs &&
    a.mode === b.mode &&
    a.uid === b.uid &&
    a.gid === b.gid &&
    a.target === b.target &&
    isDeepStrictEqual(a.xattrs, b.xattrs)
  )
}

const shownBytes = 200

/** As people read it: a path may have 4,000 bytes, and what tells it from others is its end. */
function shownPath(path: string): string {
  const end =
    path.length > shownBytes ? `…${Buffer.from(path.slice(-shownBytes), 'latin1')}` : Buffer.from(path, 'latin1')
  return end.toString()
}

function changed(path: string | undefined): CollectError {
  const where = path === undefined ? 'The list of files' : `'${shownPath(path)}'`
  return new CollectError(
    'changed',
    `${where} differed between two readings of the stopped sandbox. Take the class down again.`,
  )
}

/** Runs a bounded number of sends; the first failure cancels the others and comes out of add() or drained(). */
class SendingPool {
  readonly #cancelled = new AbortController()
  /** Fires with the first failure, or with the pass's own signal. */
  readonly signal: AbortSignal
  readonly #running = new Set<Promise<void>>()
  #failure: { error: unknown } | undefined

  constructor(signal: AbortSignal) {
    this.signal = AbortSignal.any([signal, this.#cancelled.signal])
  }

  async add(send: (signal: AbortSignal) => Promise<void>): Promise<void> {
    while (this.#running.size >= smallFilesAtOnce) await Promise.race(this.#running)
    this.#throwFailure()
    const running = send(this.signal)
      .catch((error: unknown) => {
        this.#failure ??= { error }
        this.#cancelled.abort(error)
      })
      .finally(() => this.#running.delete(running))
    this.#running.add(running)
  }

  async drained(): Promise<void> {
    await Promise.all(this.#running)
    this.#throwFailure()
  }

  /** Ends what still runs; resolves, when nothing does, with what failed first: `error` may only follow from it. */
  async cancel(error: unknown): Promise<unknown> {
    const cause = this.#failure?.error ?? error
    this.#cancelled.abort(cause)
    await Promise.all(this.#running)
    return cause
  }

  #throwFailure(): void {
    if (this.#failure) throw this.#failure.error
  }
}
