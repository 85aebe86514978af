// The upload pass: the archive is read a second time, and each file that is not in the store yet goes there as it passes by.
// Whatever differs from the inventory fails the student: a stopped sandbox cannot change, so a difference is a fault.

import { isDeepStrictEqual } from 'node:util'
import { type InventoryRecord, type StoredRecord, trait } from '../bag/contents.ts'
import { ObjectKeys } from '../bag/object-key.ts'
import { giveWay } from '../give-way.ts'
import type { ArchiveEntry } from '../runtime/archive.ts'
import { sha256Of } from '../store/content.ts'
import { type Content, type Store, WrongBody } from '../store/port.ts'
import { holds } from './compare.ts'
import { CollectError } from './errors.ts'
import type { Inventory } from './inventory.ts'
import { namingFile, SendingPool, sendFile, shownPath, smallFileBytes } from './sending-pool.ts'
import { describe } from './take-inventory.ts'

export interface UploadPass {
  readonly entries: AsyncIterable<ArchiveEntry>
  readonly inventory: Inventory
  readonly store: Store
  readonly prefix: string
  /** An earlier attempt may have left objects: ask the store before sending. */
  readonly resuming: boolean
  /** Files of this size that were sent while the inventory was read: they are only compared. */
  readonly isSent: (size: number) => boolean
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
  const path = Buffer.from(entry.path).toString('latin1')
  if (key === undefined || (await namingFile(path, isHeld(pass, key, content, skipped === undefined)))) {
    // Only read, so that this reading too is compared with the inventory.
    if ((await sha256Of(shared(entry))) !== content.sha256) throw changed(path)
    stored()
    return
  }
  const send = (body: Parameters<typeof sendFile>[4], signal: AbortSignal): Promise<unknown> =>
    sendFile(pass.store, path, pass.prefix + key, content, body, signal).catch((error: unknown) => {
      throw error instanceof WrongBody ? changed(path) : error
    })
  if (content.size <= smallFileBytes) {
    const pieces: Uint8Array[] = []
    for await (const piece of shared(entry)) pieces.push(piece)
    await sending.add(async (signal) => {
      await send(Buffer.concat(pieces), signal)
      stored()
    })
    return
  }
  await send(shared(entry), sending.signal)
  stored()
}

const isHeld = async (pass: UploadPass, key: string, content: Content, isItself: boolean): Promise<boolean> =>
  (isItself && pass.isSent(content.size)) ||
  (pass.resuming && (await holds(pass.store, pass.prefix + key, content, pass.signal)))

/** The bytes of an entry, giving way to others between two pieces. */
async function* shared({ body }: ArchiveEntry): AsyncGenerator<Uint8Array> {
  for await (const chunk of body) {
    yield chunk
    await giveWay()
  }
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

function changed(path: string | undefined): CollectError {
  const where = path === undefined ? 'The list of files' : `'${shownPath(path)}'`
  return new CollectError(
    'changed',
    `${where} differed between two readings of the stopped sandbox. Take the class down again.`,
  )
}
