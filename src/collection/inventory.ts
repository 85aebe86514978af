// The inventory pass: what is in a sandbox, taken from one reading of its archive with nothing stored yet.
// Records live in a spool, and memory holds only where each record is: some 150 bytes a file, whatever its size.

import type { ArchiveEntry, ArchiveEntryType } from '../runtime/port.ts'
import type { Content } from '../store/port.ts'
import { Digest } from './digest.ts'
import { CollectError } from './errors.ts'
import { objectKey } from './object-key.ts'
import { Spool } from './spool.ts'

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

export interface InventoryLimits {
  readonly maxBytes: number
  readonly maxFiles: number
  readonly maxFileBytes?: number | undefined
  /** Answers with the rule that leaves a path out. */
  readonly exclude: (path: string) => string | undefined
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

/**
 * Reads a whole archive and says what is in it. Rejects with CollectError 'over-limit' as soon as a limit is passed,
 * and with what the archive itself rejects with. The caller closes the inventory.
 */
export async function takeInventory(entries: AsyncIterable<ArchiveEntry>, limits: InventoryLimits): Promise<Inventory> {
  const inventory = new Inventory(await Spool.open())
  try {
    const budget = new Budget(inventory, limits)
    for await (const entry of entries) {
      const record = describe(entry)
      if (entry.type === 'file') await inventory.add(await digestFile(record, entry, limits, budget))
      else if (entry.type === 'hard-link') await inventory.add(await resolveHardLink(record, inventory, limits))
      else await inventory.add(record)
      budget.checkTotals()
    }
    return inventory
  } catch (error) {
    await inventory.close()
    throw error
  }
}

/** What an entry's header says; the upload pass compares its own reading with this. */
export function describe(entry: ArchiveEntry): InventoryRecord {
  const { type, size, mode, uid, gid, mtimeMs } = entry
  const path = Buffer.from(entry.path).toString('latin1')
  const target = entry.linkTarget.length > 0 ? { target: Buffer.from(entry.linkTarget).toString('latin1') } : {}
  return { type, path, size, mode, uid, gid, mtimeMs, ...target }
}

async function digestFile(
  record: InventoryRecord,
  entry: ArchiveEntry,
  limits: InventoryLimits,
  budget: Budget,
): Promise<InventoryRecord> {
  const skipped = reasonToSkip(record.path, record.size, limits)
  budget.checkFile(record.size, skipped !== undefined)
  const digest = new Digest()
  for await (const chunk of entry.body) digest.update(chunk)
  return { ...record, content: digest.end(), ...(skipped === undefined ? {} : { skipped }) }
}

/** A hard link has no bytes in the archive: it is a further name for an earlier file's. */
async function resolveHardLink(
  record: InventoryRecord,
  inventory: Inventory,
  limits: InventoryLimits,
): Promise<InventoryRecord> {
  const targetKey = recordKey(record.target ?? '')
  const first = await inventory.find(targetKey)
  if (!first || first.type === 'hard-link') {
    throw new CollectError('archive-incomplete', 'The archive has a hard link to a file that it does not have.')
  }
  if (!first.content) return { ...record, linkedType: first.type }
  const skipped = reasonToSkip(record.path, first.content.size, limits)
  if (skipped === undefined && first.skipped !== undefined) inventory.setHeir(targetKey, recordKey(record.path))
  return { ...record, content: first.content, ...(skipped === undefined ? {} : { skipped }) }
}

function reasonToSkip(path: string, size: number, limits: InventoryLimits): string | undefined {
  const rule = limits.exclude(path)
  if (rule !== undefined) return `excluded by the lab's rule ${rule}`
  if (limits.maxFileBytes !== undefined && size > limits.maxFileBytes) {
    return `larger than the lab's limit of ${limits.maxFileBytes} bytes for one file`
  }
  return undefined
}

/** A sparse file can claim exabytes and the archive would send them all: what is read but not stored is bounded too. */
const unstoredFactor = 4

class Budget {
  readonly #inventory: Inventory
  readonly #limits: InventoryLimits
  #skippedBytes = 0

  constructor(inventory: Inventory, limits: InventoryLimits) {
    this.#inventory = inventory
    this.#limits = limits
  }

  /** Before a file's bytes are read. */
  checkFile(size: number, skipped: boolean): void {
    const { maxBytes } = this.#limits
    if (!skipped && this.#inventory.bytes + size > maxBytes) this.#refuse(`more than ${maxBytes} bytes`)
    if (skipped) this.#skippedBytes += size
    if (this.#skippedBytes > maxBytes * unstoredFactor) {
      this.#refuse(`more than ${maxBytes * unstoredFactor} bytes in files that are not stored`)
    }
  }

  checkTotals(): void {
    const { maxBytes, maxFiles } = this.#limits
    if (this.#inventory.files > maxFiles) this.#refuse(`more than ${maxFiles} files`)
    if (this.#inventory.entries > maxFiles * (1 + unstoredFactor)) {
      this.#refuse(`more than ${maxFiles * (1 + unstoredFactor)} files, directories and links`)
    }
    if (this.#inventory.bytes > maxBytes) this.#refuse(`more than ${maxBytes} bytes, hard links counted as files`)
  }

  #refuse(what: string): never {
    throw new CollectError(
      'over-limit',
      `The workspace holds ${what}, the lab's limit. The sandbox is kept: make it smaller, or raise the limit for the next session.`,
    )
  }
}
