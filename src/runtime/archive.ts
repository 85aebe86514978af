// What is read from a sandbox, and what a new one begins with.

export type ArchiveEntryType =
  | 'file'
  | 'hard-link'
  | 'symbolic-link'
  | 'directory'
  | 'fifo'
  | 'character-device'
  | 'block-device'

/** One thing in a sandbox's workspace, in the order of the archive. */
export interface ArchiveEntry {
  /** Raw bytes, relative to the workspace, no leading or trailing '/'; empty for the workspace itself. */
  readonly path: Uint8Array
  readonly type: ArchiveEntryType
  readonly size: number
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly mtimeMs: number
  /** Hard link: raw path of its first name, relative to the workspace. Symbolic link: its raw text. Else empty. */
  readonly linkTarget: Uint8Array
  /** Those extended attributes that the engine's archive has, by their names, raw. */
  readonly xattrs?: ReadonlyMap<string, Uint8Array>
  readonly body: AsyncIterable<Uint8Array>
}

/**
 * What a new workspace begins with: directories, files and symbolic links, the workspace itself (of which only mode and time
 * count) among them or not; each call reads it from its beginning.
 */
export type Contents = () => AsyncIterable<ArchiveEntry>

export interface LogPiece {
  readonly stream: 'stdout' | 'stderr'
  readonly bytes: Uint8Array
  /** It goes on with the record of the piece before it. A record is what was logged at once: a line, or a part of a long one. */
  readonly continues?: true
  /** The log is so large that the engine may have dropped what came before its first record. */
  readonly mayLackBeginning?: true
  /** The last piece, without bytes: the engine says that it cannot read on. */
  readonly breaksOff?: true
}
