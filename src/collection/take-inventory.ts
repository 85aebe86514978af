// The inventory pass: one reading of a sandbox's archive. The lab's limits are checked here.

import type { InventoryRecord } from '../bag/contents.ts'
import { giveWay } from '../give-way.ts'
import type { ArchiveEntry } from '../runtime/archive.ts'
import { Digest } from '../store/content.ts'
import type { EarlyUpload } from './early-upload.ts'
import { CollectError } from './errors.ts'
import { Inventory } from './inventory.ts'
import { Spool } from './spool.ts'

export interface InventoryLimits {
  readonly maxBytes: number
  readonly maxFiles: number
  readonly maxFileBytes?: number | undefined
  /** Answers with the rule that leaves a path out. */
  readonly exclude: (path: string) => string | undefined
}

/**
 * Reads a whole archive and says what is in it. Rejects with CollectError 'over-limit' as soon as a limit is passed,
 * and with what the archive itself rejects with. The caller closes the inventory. `early` gets the files that it takes.
 */
export async function takeInventory(
  entries: AsyncIterable<ArchiveEntry>,
  limits: InventoryLimits,
  early?: EarlyUpload,
): Promise<Inventory> {
  const inventory = new Inventory(await Spool.open())
  try {
    const budget = new Budget(inventory, limits)
    for await (const entry of entries) {
      const record = describe(entry)
      if (entry.type === 'file') await addFile(record, entry, limits, budget, inventory, early)
      else if (entry.type === 'hard-link') await inventory.add(await resolveHardLink(record, inventory, limits))
      else await inventory.add(record)
      budget.checkTotals()
      await giveWay()
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
  return { type, path, size, mode, uid, gid, mtimeMs, ...target, ...attributesOf(entry) }
}

function attributesOf({ xattrs }: ArchiveEntry): Pick<InventoryRecord, 'xattrs'> {
  if (xattrs === undefined) return {}
  const values = [...xattrs].map(([name, value]) => [name, Buffer.from(value).toString('base64')])
  return { xattrs: Object.fromEntries(values) }
}

async function addFile(
  record: InventoryRecord,
  entry: ArchiveEntry,
  limits: InventoryLimits,
  budget: Budget,
  inventory: Inventory,
  early: EarlyUpload | undefined,
): Promise<void> {
  const skipped = reasonToSkip(record.path, record.size, limits)
  budget.checkFile(record.size, skipped !== undefined)
  const digest = new Digest()
  const pieces = skipped === undefined && early?.takes(record.size) ? ([] as Uint8Array[]) : undefined
  for await (const chunk of entry.body) {
    digest.update(chunk)
    pieces?.push(chunk)
    await giveWay()
  }
  const content = digest.end()
  const key = await inventory.add({ ...record, content, ...(skipped === undefined ? {} : { skipped }) })
  if (pieces && key !== undefined) await early?.take(record.path, key, content, Buffer.concat(pieces))
}

/** A hard link has no bytes in the archive: it is a further name for an earlier file's. */
async function resolveHardLink(
  record: InventoryRecord,
  inventory: Inventory,
  limits: InventoryLimits,
): Promise<InventoryRecord> {
  const first = await inventory.named(record.target ?? '')
  if (!first || first.type === 'hard-link') {
    throw new CollectError('archive-incomplete', 'The archive has a hard link to a file that it does not have.')
  }
  if (!first.content) return { ...record, linkedType: first.type }
  const skipped = reasonToSkip(record.path, first.content.size, limits)
  if (skipped === undefined && first.skipped !== undefined) inventory.nextIsHeirOf(first.path)
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

/**
 * A sparse file can claim exabytes and the archive would send them all: what is read but not stored is bounded too, so far above
 * small limits that what a rule skips seldom meets it.
 */
const unstoredFactor = 4
const leastUnstoredBytes = 16 * 1024 ** 3
const leastEntries = 100_000
/**
 * Paths are kept on this host's disk until the bag is committed, and Linux allows 4 KiB for each. So many bytes for each
 * allowed entry, link targets included, is twice what deep trees of packages have, and bounds them all by some 100 MB.
 */
const pathBytesAnEntry = 256

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
    const mostUnstored = Math.max(maxBytes * unstoredFactor, leastUnstoredBytes)
    if (this.#skippedBytes > mostUnstored) this.#refuse(`more than ${mostUnstored} bytes in files that are not stored`)
  }

  checkTotals(): void {
    const { maxBytes, maxFiles } = this.#limits
    if (this.#inventory.files > maxFiles) this.#refuse(`more than ${maxFiles} files`)
    const mostEntries = Math.max(maxFiles * (1 + unstoredFactor), leastEntries)
    if (this.#inventory.entries > mostEntries) this.#refuse(`more than ${mostEntries} files, directories and links`)
    const mostPathBytes = mostEntries * pathBytesAnEntry
    if (this.#inventory.pathBytes > mostPathBytes) {
      this.#refuse(`more than ${mostPathBytes} bytes of paths: very long folder names, very often`)
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
