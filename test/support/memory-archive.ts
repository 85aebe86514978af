// Workspaces for unit tests: a list of things, and the stream of archive entries that the runtime port promises.
// As with the engine's archive, a body can be read once, and only before the next entry is asked for.

import type { ArchiveEntry, ArchiveEntryType } from '../../src/runtime/archive.ts'

export interface Thing {
  /** Relative to the workspace: text, or raw bytes where the name is not UTF-8. */
  readonly path: string | Uint8Array
  readonly type?: ArchiveEntryType
  /** A function gives a body of its own for each reading: endless, cut, or other than `size` says. */
  readonly body?: string | Uint8Array | (() => AsyncIterable<Uint8Array>)
  readonly size?: number
  readonly mode?: number
  readonly uid?: number
  readonly gid?: number
  readonly mtimeMs?: number
  readonly linkTarget?: string | Uint8Array
  readonly xattrs?: ReadonlyMap<string, Uint8Array>
}

/** The workspace itself, the first entry of every archive. */
export const root: Thing = { path: '', type: 'directory', mode: 0o755 }

export const file = (
  path: string | Uint8Array,
  body: NonNullable<Thing['body']> = '',
  more: Thing | object = {},
): Thing => ({
  path,
  body,
  ...more,
})

export const directory = (path: string): Thing => ({ path, type: 'directory', mode: 0o755 })

export const hardLink = (path: string, linkTarget: string | Uint8Array): Thing => ({
  path,
  type: 'hard-link',
  linkTarget,
})

export const symbolicLink = (path: string, linkTarget: string | Uint8Array): Thing => ({
  path,
  type: 'symbolic-link',
  mode: 0o777,
  linkTarget,
})

/** `onEntry` is called as each entry is asked for. */
export async function* archiveOf(
  things: Iterable<Thing>,
  onEntry: () => void = () => {},
): AsyncGenerator<ArchiveEntry> {
  for (const thing of things) {
    onEntry()
    const reading = { open: true }
    yield entryOf(thing, reading)
    reading.open = false
  }
}

/** The bytes of a file as the test wrote them; none for one whose body is a function. */
export function bytesOf({ body = '' }: Thing): Uint8Array {
  return typeof body === 'function' ? Buffer.alloc(0) : Buffer.from(body)
}

function entryOf(thing: Thing, reading: { open: boolean }): ArchiveEntry {
  const { path, type = 'file', mode = 0o644, uid = 1000, gid = 1000, linkTarget = '' } = thing
  return {
    path: Buffer.from(path),
    type,
    size: thing.size ?? bytesOf(thing).length,
    mode,
    uid,
    gid,
    mtimeMs: thing.mtimeMs ?? Date.UTC(2026, 0, 2, 3, 4, 5),
    linkTarget: Buffer.from(linkTarget),
    ...(thing.xattrs === undefined ? {} : { xattrs: thing.xattrs }),
    body: readOnce(thing, reading),
  }
}

async function* readOnce(thing: Thing, reading: { open: boolean }): AsyncGenerator<Uint8Array> {
  if (!reading.open) throw new Error(`the body of '${thing.path}' is read after the next entry was asked for`)
  if (typeof thing.body === 'function') yield* thing.body()
  else if (bytesOf(thing).length > 0) yield bytesOf(thing)
}
