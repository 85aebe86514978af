// meta/submission.json as a schema, for callers: what writes it (tag-files.ts) streams it and never has it as one value.

import { Type } from '@sinclair/typebox'
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

export const Submission = Type.Object({
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
  files: Type.Array(
    Type.Object({
      ...named,
      key: Type.String({ description: 'Of the object in the bag; what /files/ takes.' }),
      size: Type.Integer(),
      sha256: Type.String(),
      ...facts,
    }),
  ),
  links: Type.Array(
    Type.Object({
      ...named,
      type: Type.String(),
      target: Type.String(),
      targetBase64: Type.Optional(Type.String()),
      ...facts,
    }),
  ),
  directories: Type.Array(Type.Object({ ...named, ...facts })),
  skipped: Type.Array(
    Type.Object({
      ...named,
      type: Type.String(),
      reason: Type.String(),
      size: Type.Optional(Type.Integer()),
      mode: Type.Optional(facts.mode),
      mtime: Type.Optional(facts.mtime),
      uid: Type.Optional(facts.uid),
      gid: Type.Optional(facts.gid),
      xattrs: facts.xattrs,
    }),
  ),
})
