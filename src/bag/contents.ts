// What a bag is made of: the things of a workspace, each as the archive had it.

import type { ArchiveEntryType } from '../runtime/archive.ts'
import type { Content } from '../store/port.ts'
import { objectKey } from './object-key.ts'

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
  /** Extended attributes: name, and value in Base64. */
  readonly xattrs?: Readonly<Record<string, string>>
  /** Content of a file, or of the file that a hard link names. */
  readonly content?: Content
  /** What a hard link names, where that is not a file: any inode but a directory can have a second name. */
  readonly linkedType?: ArchiveEntryType
  /** Why a file or hard link is not stored, though it could be. */
  readonly skipped?: string
}

export type StoredRecord = InventoryRecord & { readonly content: Content }

export const isStored = (record: InventoryRecord): record is StoredRecord =>
  record.content !== undefined && record.skipped === undefined

/** Neither stored nor fully described by its name: it is counted and named as skipped. */
export const isLeftOut = (record: InventoryRecord): boolean =>
  !isStored(record) && !['directory', 'symbolic-link'].includes(record.linkedType ?? record.type)

export const recordKey = (path: string): string => workspacePrefix + objectKey(Buffer.from(path, 'latin1'))

/** What a reading can ask for: bits, of which a record may have several. */
export const trait = { any: 1, stored: 2, directory: 4, link: 8, hardLink: 16, leftOut: 32 } as const

export interface BagContents {
  /** Files and hard links that are stored, their bytes, and everything that has a name but is not stored. */
  readonly files: number
  readonly bytes: number
  readonly skipped: number
  /** The records that have one of these traits, in the order of the archive. */
  records(traits: number): AsyncIterable<InventoryRecord>
  /** Every file and hard link whose bytes the bag must hold, with their keys. */
  stored(): AsyncIterable<{ readonly record: StoredRecord; readonly key: string }>
}
