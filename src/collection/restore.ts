// The way back: what a committed bag holds of a workspace, as the entries of a new one. Directories first, then files, then
// symbolic links, so that nothing is written through a link. Hard links come back as files of their own.
// submission.json says it all, one thing a line (tag-files.ts), and is read as lines: it may be as long as a bag has files.

import { createHash } from 'node:crypto'
import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import { Type } from '@sinclair/typebox'
import { TypeCompiler } from '@sinclair/typebox/compiler'
import { Problem } from '../problems.ts'
import type { ArchiveEntry } from '../runtime/port.ts'
import { type Store, StoreError } from '../store/port.ts'
import { CollectError } from './errors.ts'
import { bagDeclarationKey, submissionKey } from './tag-files.ts'

const owner = { mode: Type.String(), mtime: Type.String(), uid: Type.Integer(), gid: Type.Integer() }
const name = { path: Type.String(), pathBase64: Type.Optional(Type.String()) }
const Directory = TypeCompiler.Compile(Type.Object({ ...name, ...owner }))
const StoredFile = TypeCompiler.Compile(
  Type.Object({ ...name, ...owner, key: Type.String(), size: Type.Integer(), sha256: Type.String() }),
)
const Link = TypeCompiler.Compile(
  Type.Object({
    ...name,
    ...owner,
    type: Type.String(),
    target: Type.String(),
    targetBase64: Type.Optional(Type.String()),
  }),
)

/** Problem 'unknown-collection' where no bag is committed under `prefix`. */
export async function requireBag(store: Store, prefix: string, signal: AbortSignal): Promise<void> {
  if (await store.stat(prefix + bagDeclarationKey, signal)) return
  throw new Problem(
    'unknown-collection',
    'restore: this student has no committed bag of that id in this session. Choose one that GET /room/classes/:classId/sessions/:sessionId leads to.',
  )
}

/** Each file's bytes are checked against its SHA-256: CollectError 'store-mismatch' before the last of them is given out. */
export async function* restoredContents(
  store: Store,
  prefix: string,
  signal: AbortSignal,
): AsyncGenerator<ArchiveEntry> {
  const plain = { size: 0, linkTarget: Buffer.alloc(0), body: noBody() }
  for await (const thing of section(store, prefix, 'directories', signal)) {
    if (!Directory.Check(thing)) throw unreadable(prefix)
    const path = rawBytes(thing.path, thing.pathBase64)
    if (path.length > 0) yield { ...plain, type: 'directory', path, ...facts(thing) }
  }
  for await (const thing of section(store, prefix, 'files', signal)) {
    if (!StoredFile.Check(thing)) throw unreadable(prefix)
    const path = rawBytes(thing.path, thing.pathBase64)
    const body = checkedFile(store, prefix + thing.key, thing, signal)
    yield { ...plain, type: 'file', path, size: thing.size, body, ...facts(thing) }
  }
  for await (const thing of section(store, prefix, 'links', signal)) {
    if (!Link.Check(thing)) throw unreadable(prefix)
    if (thing.type !== 'symbolic-link') continue
    const path = rawBytes(thing.path, thing.pathBase64)
    const linkTarget = rawBytes(thing.target, thing.targetBase64)
    yield { ...plain, type: 'symbolic-link', path, linkTarget, ...facts(thing) }
  }
}

/** The things of one list of submission.json, in their order. */
async function* section(store: Store, prefix: string, title: string, signal: AbortSignal): AsyncGenerator<unknown> {
  const bytes = await store.read(prefix + submissionKey, signal)
  const lines = createInterface({
    input: Readable.from(bytes, { objectMode: false }),
    crlfDelay: Number.POSITIVE_INFINITY,
  })
  let inside = false
  for await (const line of lines) {
    if (inside && line.startsWith('  ]')) return
    if (inside) yield parse(line.replace(/,$/, ''))
    else if (line.startsWith(`  "${title}": []`)) return
    else inside = line === `  "${title}": [`
  }
  throw unreadable(prefix)
}

/** Undefined for what is no JSON, which no shape accepts. */
function parse(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
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

const rawBytes = (text: string, base64: string | undefined): Buffer =>
  base64 === undefined ? Buffer.from(text) : Buffer.from(base64, 'base64')

/** A time before 1970 becomes 1970: plain archives know none. */
function facts({ mode, mtime, uid, gid }: { mode: string; mtime: string; uid: number; gid: number }) {
  const parsed = /^-?\d+$/.test(mtime) ? Number(mtime) * 1000 : Date.parse(mtime)
  return { mode: Number.parseInt(mode, 8), mtimeMs: Math.max(0, parsed), uid, gid }
}

const unreadable = (prefix: string): StoreError =>
  new StoreError('refused', `${prefix}${submissionKey} is not what this version writes; the bag cannot be put back.`)
