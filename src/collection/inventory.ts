// What is in a sandbox, as the inventory pass found it.
// Records live in a spool, and memory holds only where each record is: some 250 bytes a file, however large it is
// and however long its path.

import { createHash } from 'node:crypto'
import {
  type BagContents,
  type InventoryRecord,
  isLeftOut,
  isStored,
  recordKey,
  type StoredRecord,
  trait,
  workspacePrefix,
} from '../bag/contents.ts'
import { ObjectKeys } from '../bag/object-key.ts'
import { giveWay } from '../give-way.ts'
import { encodeRecord, readFrame } from './record-frame.ts'
import type { Spool } from './spool.ts'

/** What is looked up together was mostly archived together: one read serves some 60 records. */
const lookUpBytes = 16 * 1024
const scanBytes = 64 * 1024

/** What stands for a path or a key in memory: as long for a long one. Whoever looks something up compares the record itself. */
const fingerprint = (text: string): string =>
  createHash('sha256').update(text, 'utf8').digest().toString('latin1', 0, 16)

export class Inventory implements BagContents {
  readonly #spool: Spool
  /** Fingerprint of the path -> offset of the record, for everything that a hard link can name, skipped files included. */
  readonly #named = new Map<string, number>()
  /** Fingerprint of the key -> offset of the record, for what is stored. */
  readonly #stored = new Map<string, number>()
  /** Fingerprint of a skipped file's path -> offset of the first stored hard link to it, which takes its bytes over. */
  readonly #heirs = new Map<string, number>()
  /** Keys in the order of the archive. */
  readonly keys = new ObjectKeys()
  /** Of what is looked up: a store lists folder by folder too. */
  readonly #foundKeys = new ObjectKeys()
  /** What was read last for a look-up. The spool only grows, so that it stays true. */
  #lookedUp: { readonly start: number; readonly bytes: Buffer } = { start: 0, bytes: Buffer.alloc(0) }
  entries = 0
  /** Files and hard links that are stored, their bytes, and everything that has a name but is not stored. */
  files = 0
  bytes = 0
  skipped = 0
  /** Of the paths, of the link targets and of extended attributes. */
  pathBytes = 0

  constructor(spool: Spool) {
    this.#spool = spool
  }

  /** Resolves with the key of what is stored. */
  async add(record: InventoryRecord): Promise<string | undefined> {
    const offset = this.#spool.size
    this.entries++
    this.pathBytes += record.path.length + (record.target?.length ?? 0) + xattrBytes(record)
    if (record.type !== 'directory') this.#named.set(fingerprint(record.path), offset)
    let key: string | undefined
    if (isStored(record)) {
      this.files++
      this.bytes += record.content.size
      key = this.keys.of(record.path)
      this.#stored.set(fingerprint(key), offset)
    } else if (isLeftOut(record)) {
      this.skipped++
    }
    await this.#spool.append(encodeRecord(record, traitsOf(record)))
    return key === undefined ? undefined : workspacePrefix + key
  }

  /** The stored file or hard link with this key, and a small number that stands for it. */
  async find(key: string): Promise<{ readonly record: StoredRecord; readonly id: number } | undefined> {
    const path = key.startsWith(workspacePrefix) ? key.slice(workspacePrefix.length) : undefined
    const id = path === undefined ? undefined : this.#stored.get(fingerprint(path))
    const record = id === undefined ? undefined : await this.#at(id)
    if (id === undefined || record === undefined || !isStored(record)) return undefined
    if (this.#foundKeys.of(record.path) !== path) return undefined
    return { record, id }
  }

  /** What has this path, skipped files included; directories are not looked up. */
  async named(path: string): Promise<InventoryRecord | undefined> {
    const offset = this.#named.get(fingerprint(path))
    const record = offset === undefined ? undefined : await this.#at(offset)
    return record?.path === path ? record : undefined
  }

  async #at(offset: number): Promise<InventoryRecord | undefined> {
    const { start, bytes } = this.#lookedUp
    const known = offset < start ? undefined : readFrame(bytes, offset - start)
    if (known) return known.record()
    for (let wanted = lookUpBytes; offset < this.#spool.size; wanted *= 2) {
      this.#lookedUp = { start: offset, bytes: await this.#spool.read(offset, wanted) }
      const frame = readFrame(this.#lookedUp.bytes, 0)
      if (frame) return frame.record()
    }
    return undefined
  }

  /** The records that have one of these traits, in the order of the archive. */
  async *records(traits: number = trait.any): AsyncGenerator<InventoryRecord> {
    let wanted = scanBytes
    for (let offset = 0; offset < this.#spool.size; ) {
      const window = await this.#spool.read(offset, wanted)
      let used = 0
      for (let frame = readFrame(window, used); frame; frame = readFrame(window, used)) {
        used = frame.end
        if ((frame.traits & traits) !== 0) yield frame.record()
        await giveWay()
      }
      offset += used
      // Not one whole record fits: look further at once.
      wanted = used === 0 ? wanted * 2 : scanBytes
    }
  }

  /** Every file and hard link whose bytes the bag must hold, or those with one trait alone, with their keys. */
  async *stored(
    traits: number = trait.stored,
  ): AsyncGenerator<{ readonly record: StoredRecord; readonly key: string }> {
    const keys = new ObjectKeys()
    for await (const record of this.records(traits)) {
      if (isStored(record)) yield { record, key: workspacePrefix + keys.of(record.path) }
    }
  }

  /** The key under which the bytes of the file `record` are stored: its own, or that of its first stored hard link. */
  async keyForBytes(record: InventoryRecord, keys = new ObjectKeys()): Promise<string | undefined> {
    if (record.skipped === undefined) return workspacePrefix + keys.of(record.path)
    const heir = this.#heirs.get(fingerprint(record.path))
    const found = heir === undefined ? undefined : await this.#at(heir)
    return found && recordKey(found.path)
  }

  /** The next record to be added takes the bytes of this skipped file over, if none did before. */
  nextIsHeirOf(skippedPath: string): void {
    const heir = fingerprint(skippedPath)
    if (!this.#heirs.has(heir)) this.#heirs.set(heir, this.#spool.size)
  }

  async close(): Promise<void> {
    await this.#spool.close()
  }
}

const xattrBytes = ({ xattrs = {} }: InventoryRecord): number => Object.entries(xattrs).join('').length

function traitsOf(record: InventoryRecord): number {
  const is = (holds: boolean, bit: number): number => (holds ? bit : 0)
  return (
    trait.any |
    is(isStored(record), trait.stored) |
    is(record.type === 'directory', trait.directory) |
    is(record.target !== undefined, trait.link) |
    is(record.type === 'hard-link', trait.hardLink) |
    is(isLeftOut(record), trait.leftOut)
  )
}
