// The way back: what a committed bag holds of a workspace, as the entries of a new one. Directories first, then files, then
// symbolic links, so that nothing is written through a link. Hard links come back as files and links of their own.

import { createHash } from 'node:crypto'
import { listed, rawPath, rawTarget } from '../bag/read-submission.ts'
import type { Listed } from '../bag/submission.ts'
import { bagDeclarationKey } from '../bag/tag-files.ts'
import { Problem } from '../problems.ts'
import type { ArchiveEntry } from '../runtime/archive.ts'
import type { Store } from '../store/port.ts'
import { CollectError } from './errors.ts'

/** Whom the workspace is to belong to. */
export interface Owner {
  readonly uid: number
  readonly gid: number
}

/** Problem 'unknown-collection' where no bag is committed under `prefix`. */
export async function requireBag(store: Store, prefix: string, signal: AbortSignal): Promise<void> {
  if (await store.stat(prefix + bagDeclarationKey, signal)) return
  throw new Problem(
    'unknown-collection',
    'restore: this student has no committed bag of that id in this session. Choose one that GET /room/classes/:classId/sessions/:sessionId leads to.',
  )
}

/**
 * The workspace itself first, its path empty. Each file's bytes are checked against its SHA-256: CollectError 'store-mismatch'
 * before the last of them is given out.
 */
export async function* restoredContents(
  store: Store,
  prefix: string,
  student: Owner,
  signal: AbortSignal,
): AsyncGenerator<ArchiveEntry> {
  const plain = { size: 0, linkTarget: Buffer.alloc(0), body: noBody() }
  let ownerOf: OwnerOf = () => student
  for await (const thing of listed(store, prefix, 'directories', signal)) {
    const path = rawPath(thing)
    if (path.length === 0) ownerOf = ownersIn(thing, student)
    yield { ...plain, type: 'directory', path, ...factsOf(thing), ...ownerOf(thing) }
  }
  for await (const thing of listed(store, prefix, 'files', signal)) {
    const body = checkedFile(store, prefix + thing.key, thing, signal)
    yield { ...plain, type: 'file', path: rawPath(thing), size: thing.size, body, ...factsOf(thing), ...ownerOf(thing) }
  }
  for await (const { thing, target } of symbolicLinks(store, prefix, signal)) {
    const path = rawPath(thing)
    yield { ...plain, type: 'symbolic-link', path, linkTarget: target, ...factsOf(thing), ...ownerOf(thing) }
  }
}

type OwnerOf = (thing: Owner) => Owner

/**
 * The bag's workspace belonged to the student, by whatever number the engine archived it: one that remaps its users archives
 * the host's. What is the student's becomes the student's again; other owners keep their distance to it, where that makes sense.
 */
function ownersIn(workspace: Owner, student: Owner): OwnerOf {
  const translate = (id: number, from: number, to: number): number => {
    if (from === to) return id
    const moved = id - from + to
    return moved >= 0 && moved < usualMapSize ? moved : to
  }
  return ({ uid, gid }) => ({
    uid: translate(uid, workspace.uid, student.uid),
    gid: translate(gid, workspace.gid, student.gid),
  })
}

/** Ids inside a sandbox whose users are remapped. */
const usualMapSize = 65_536

/** The second names of symbolic links too: a hard link has no target text of its own. */
async function* symbolicLinks(
  store: Store,
  prefix: string,
  signal: AbortSignal,
): AsyncGenerator<{ thing: Listed<'links'>; target: Buffer }> {
  const links = () => listed(store, prefix, 'links', signal)
  const firstNames = new Set<string>()
  for await (const thing of links()) if (thing.type === 'hard-link') firstNames.add(rawTarget(thing).toString('latin1'))
  const targets = new Map<string, Buffer>()
  for await (const thing of links()) {
    const target = rawTarget(thing)
    if (thing.type === 'symbolic-link') {
      const path = rawPath(thing).toString('latin1')
      if (firstNames.has(path)) targets.set(path, target)
      yield { thing, target }
    }
    const ofFirst = thing.type === 'hard-link' ? targets.get(target.toString('latin1')) : undefined
    if (ofFirst) yield { thing, target: ofFirst }
  }
}

/** Something that a restore does not bring back, or not as it was. */
export interface Unrestored {
  readonly path: Uint8Array
  readonly reason: string
}

/** Known from the bag's record alone. */
export async function* unrestored(store: Store, prefix: string, signal: AbortSignal): AsyncGenerator<Unrestored> {
  const secondNames = new Set<string>()
  for await (const thing of listed(store, prefix, 'links', signal)) {
    if (thing.type === 'hard-link') secondNames.add(rawPath(thing).toString('latin1'))
  }
  for await (const thing of listed(store, prefix, 'skipped', signal)) {
    const path = rawPath(thing)
    secondNames.delete(path.toString('latin1'))
    yield { path, reason: `not in the bag: this ${thing.type} ${thing.reason}` }
  }
  for (const path of secondNames) {
    yield {
      path: Buffer.from(path, 'latin1'),
      reason: 'a hard link comes back as one of its own, with the same content',
    }
  }
  for (const title of ['directories', 'files', 'links'] as const) {
    for await (const thing of listed(store, prefix, title, signal)) {
      const path = rawPath(thing)
      if (timeOf(thing) < 0) yield { path, reason: 'a time before 1970 becomes 1970' }
      if (thing.xattrs) yield { path, reason: 'its extended attributes are not put back' }
    }
  }
}

async function* checkedFile(
  store: Store,
  key: string,
  { size, sha256 }: { readonly size: number; readonly sha256: string },
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256')
  let sent = 0
  let held: Uint8Array | undefined
  for await (const chunk of await store.read(key, signal)) {
    sent += chunk.length
    hash.update(chunk)
    if (held !== undefined) yield held
    held = chunk
  }
  if (sent !== size || hash.digest('hex') !== sha256) {
    throw new CollectError(
      'store-mismatch',
      'A file of the bag is not the one that was collected. Ask the operator to verify the bag.',
    )
  }
  if (held !== undefined) yield held
}

async function* noBody(): AsyncGenerator<Uint8Array> {}

const timeOf = ({ mtime }: { readonly mtime: string }): number =>
  /^-?\d+$/.test(mtime) ? Number(mtime) * 1000 : Date.parse(mtime)

/** A time before 1970 becomes 1970: plain archives know none. */
const factsOf = (thing: { readonly mode: string; readonly mtime: string }) => ({
  mode: Number.parseInt(thing.mode, 8),
  mtimeMs: Math.max(0, timeOf(thing)),
})
