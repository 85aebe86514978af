// meta/submission.json, which says what a bag holds: the one schema of its writer, of its reader and of callers.

import { type Static, Type } from '@sinclair/typebox'
import { CollectRules } from '../catalogue/schema.ts'
import { Nullable } from '../nullable.ts'

const named = {
  path: Type.String({ description: 'As the student saw it, relative to the workspace.' }),
  pathBase64: Type.Optional(Type.String({ description: 'The raw bytes, where the name is not UTF-8.' })),
}
const facts = {
  mode: Type.String({ description: 'Octal, such as 0644.' }),
  mtime: Type.String({ description: 'ISO 8601; seconds since 1970 where no calendar date can hold it.' }),
  uid: Type.Integer(),
  gid: Type.Integer(),
  xattrs: Type.Optional(
    Type.Record(Type.String(), Type.String(), {
      description: "Extended attributes that the engine's archive has: name, and value in Base64.",
    }),
  ),
}

const head = {
  schemaVersion: Type.Literal(1),
  classId: Type.String(),
  sessionId: Type.String(),
  subject: Type.String(),
  studentId: Type.String(),
  collectionId: Type.String(),
  lab: Type.String(),
  imageId: Type.String(),
  imageDigest: Type.Optional(Type.String()),
  actor: Type.String(),
  containerId: Type.String(),
  startedAt: Type.String(),
  stoppedAt: Nullable(Type.String({ description: 'null in a snapshot of a sandbox that went on running.' })),
  collectedAt: Type.String(),
  exitCode: Nullable(Type.Integer()),
  oomKilled: Type.Boolean(),
  roots: Type.Object({ workspace: Type.String() }),
  totals: Type.Object({ files: Type.Integer(), bytes: Type.Integer(), skipped: Type.Integer() }),
  limits: CollectRules,
  manifest: Type.Object({ key: Type.String(), sha256: Type.String() }),
  notes: Type.Array(Type.String()),
}

const File = Type.Object({
  ...named,
  key: Type.String({ description: 'Of the object in the bag; what /files/ takes.' }),
  size: Type.Integer(),
  sha256: Type.String(),
  ...facts,
})

const Link = Type.Object({
  ...named,
  type: Type.String(),
  target: Type.String(),
  targetBase64: Type.Optional(Type.String()),
  ...facts,
})

const Directory = Type.Object({ ...named, ...facts })

const Skipped = Type.Object({
  ...named,
  type: Type.String(),
  reason: Type.String(),
  size: Type.Optional(Type.Integer()),
  mode: Type.Optional(facts.mode),
  mtime: Type.Optional(facts.mtime),
  uid: Type.Optional(facts.uid),
  gid: Type.Optional(facts.gid),
  xattrs: facts.xattrs,
})

/** What each of its lists holds, in their order. */
export const listedThings = { files: File, links: Link, directories: Directory, skipped: Skipped }

export type ListTitle = keyof typeof listedThings
export type Listed<T extends ListTitle> = Static<(typeof listedThings)[T]>

export const Submission = Type.Object({
  ...head,
  files: Type.Array(File),
  links: Type.Array(Link),
  directories: Type.Array(Directory),
  skipped: Type.Array(Skipped),
})

/** What comes before the lists. */
export type SubmissionHead = Omit<Static<typeof Submission>, ListTitle>

/** What no archive has: sockets, and on some runtimes FIFOs; found by looking inside the sandbox before it stopped. */
export interface UnarchivedThing {
  /** Relative to the workspace, one character a byte. */
  readonly path: string
  readonly type: 'socket' | 'fifo'
}
