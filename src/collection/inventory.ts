// What is in a sandbox, as the inventory pass found it.
// Records live in a spool, and memory holds only where each record is: some 150 bytes a file, whatever its size.

import type { ArchiveEntryType } from '../runtime/port.ts'
import type { Content } from '../store/port.ts'
import { objectKey } from './object-key.ts'
import type { Spool } from './spool.ts'

/** Where the workspace lies in a bag. */
export const workspacePrefix = 'data/workspace/'

/** One thing in the workspace. Paths hold one character a byte (latin1): the only form that keeps every name apart. */
export interface InventoryRecord {
  readonly type: ArchiveEntryType
  readonly path: string
  readonly size: number
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly mtimeMs: number
  /** Target of a hard or symbolic link, one character a byte. */
  readonly target?: string
  /** Content of a file, or of the file that a hard link names. */
  readonly content?: Content
  /** What a hard link names, where that is not a file: any inode but a directory can have a second name. */
  readonly linkedType?: ArchiveEntryType
  /** Why a file or hard link is not stored, though it could be. */
  readonly skipped?: string
}

export const isStored = (record: InventoryRecord): record is InventoryRecord & { content: Content } =>
  record.content !== undefined && record.skipped === undefined

/** Neither stored nor fully described by its name: it is counted and named as skipped. */
export const isLeftOut = (record: InventoryRecord): boolean =>
  !isStored(record) && !['directory', 'symbolic-link'].includes(record.linkedType ?? record.type)

export const recordKey = (path: string): string => workspacePrefix + objectKey(Buffer.from(path, 'latin1'))

const lookUpBytes = 1024
const scanBytes = 64 * 1024

/** Length of the JSON as 32 bits, then the JSON. Undefined where the buffer ends before the record does. */
function readFrame(bytes: Buffer, at: number): { record: InventoryRecord; end: number } | undefined {
  if (at + 4 > bytes.length) return undefined
  const end = at + 4 + bytes.readUInt32LE(at)
  if (end > bytes.length) return undefined
  // The spool has no name and only Inventory writes it: what is read is what add() wrote.
  const record: InventoryRecord = JSON.parse(bytes.toString('utf8', at + 4, end))
  return { record, end }
}

export class Inventory {
  readonly #spool: Spool
  /** Key -> offset of the record, for everything that a hard link can name, skipped files included. */
  readonly #offsets = new Map<string, number>()
  /** Key of a skipped file -> key of the first stored hard link to it, which takes its bytes over. */
  readonly #heirs = new Map<string, string>()
  entries = 0
  /** Files and hard links that are stored, their bytes, and everything that has a name but is not stored. */
  files = 0
  bytes = 0
  skipped = 0

  constructor(spool: Spool) {
    this.#spool = spool
  }

  async add(record: InventoryRecord): Promise<void> {
    this.entries++
    if (record.type !== 'directory') this.#offsets.set(recordKey(record.path), this.#spool.size)
    if (isStored(record)) {
      this.files++
      this.bytes += record.content.size
    } else if (isLeftOut(record)) {
      this.skipped++
    }
    const json = Buffer.from(JSON.stringify(record))
    const frame = Buffer.alloc(4 + json.length)
    frame.writeUInt32LE(json.length)
    json.copy(frame, 4)
    await this.#spool.append(frame)
  }

  /** Where the record with this key is: a small number that stands for it. */
  offsetOf(key: string): number | undefined {
    return this.#offsets.get(key)
  }

  /** What has this key, skipped files included; directories have none. */
  async find(key: string): Promise<InventoryRecord | undefined> {
    const offset = this.#offsets.get(key)
    if (offset === undefined) return undefined
    for await (const record of this.#recordsFrom(offset, lookUpBytes)) return record
    return undefined
  }

  /** All records in the order of the archive. */
  records(): AsyncGenerator<InventoryRecord> {
    return this.#recordsFrom(0, scanBytes)
  }

  async *#recordsFrom(start: number, windowBytes: number): AsyncGenerator<InventoryRecord> {
    let wanted = windowBytes
    for (let offset = start; offset < this.#spool.size; ) {
      const window = await this.#spool.read(offset, wanted)
      let used = 0
      for (let frame = readFrame(window, used); frame; frame = readFrame(window, used)) {
        used = frame.end
        yield frame.record
      }
      offset += used
      // Not one whole record fits: look further at once.
      wanted = used === 0 ? wanted * 2 : windowBytes
    }
  }

  /** Keys of every file and hard link whose bytes the bag must hold. */
  async *storedKeys(): AsyncGenerator<{ key: string; content: Content }> {
    for await (const record of this.records()) {
      if (isStored(record)) yield { key: recordKey(record.path), content: record.content }
    }
  }

  /** The key under which the bytes of the file `record` are stored: its own, or that of its first stored hard link. */
  keyForBytes(record: InventoryRecord): string | undefined {
    const key = recordKey(record.path)
    return record.skipped === undefined ? key : this.#heirs.get(key)
  }

  setHeir(skippedKey: string, heirKey: string): void {
    if (!this.#heirs.has(skippedKey)) this.#heirs.set(skippedKey, heirKey)
  }

  async close(): Promise<void> {
    await this.#spool.close()
  }
}
