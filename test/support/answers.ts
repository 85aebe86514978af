// The service's answers as its callers know them, written from the interface's description and not from the product's code.
// Every shape is closed: a member that nobody described fails the test.

import { type Static, type TSchema, Type } from '@sinclair/typebox'

const closed = { additionalProperties: false } as const
const Text = Type.String()
const orNull = <Shape extends TSchema>(shape: Shape) => Type.Union([shape, Type.Null()])
const fault = Type.Object({ code: Text, detail: Text }, closed)

const LastCopy = Type.Object({ collectionId: Text, prefix: Text, collectedAt: Type.Optional(Text) }, closed)

export const UpStudent = Type.Object(
  {
    studentId: Text,
    state: Type.Union([Type.Literal('running'), Type.Literal('failed')]),
    containerId: orNull(Text),
    containerName: orNull(Text),
    endpoint: orNull(Text),
    endpointState: orNull(Text),
    error: Type.Optional(fault),
    vanished: Type.Optional(Type.Object({ detail: Text, bag: orNull(LastCopy) }, closed)),
  },
  closed,
)

export const UpAnswer = Type.Object(
  {
    classId: Text,
    sessionId: Text,
    state: Type.Union([Type.Literal('up'), Type.Literal('up-partial')]),
    lab: Text,
    resolvesNames: Type.Boolean(),
    network: Text,
    expiresAt: Text,
    students: Type.Array(UpStudent),
  },
  closed,
)

export const DownStudent = Type.Object(
  {
    studentId: Text,
    state: Type.Union(['removed', 'collected', 'kept', 'lost', 'discarded'].map((state) => Type.Literal(state))),
    bag: orNull(Text),
    files: orNull(Type.Integer()),
    bytes: orNull(Type.Integer()),
    skipped: orNull(Type.Integer()),
    manifestSha256: orNull(Text),
    error: Type.Optional(fault),
    reason: Type.Optional(Text),
    collectedAt: Type.Optional(Text),
    vanished: Type.Optional(Type.Object({ at: Text, bag: orNull(LastCopy) }, closed)),
  },
  closed,
)

export const DownAnswer = Type.Object(
  {
    classId: Text,
    sessionId: Text,
    state: Type.Union([Type.Literal('down'), Type.Literal('down-partial')]),
    artifacts: Type.Object({ store: Text, prefix: Text }, closed),
    students: Type.Array(DownStudent),
    leaked: Type.Array(Type.Object({ kind: Text, name: Text, reason: Text }, closed)),
  },
  closed,
)

const Amounts = { cpus: Type.Number(), memoryMb: Type.Integer() }

export const PlanAnswer = Type.Object(
  {
    classId: Text,
    lab: Text,
    students: Type.Array(Text),
    allowed: Type.Boolean(),
    refusals: Type.Array(fault),
    needs: Type.Object({ sandboxes: Type.Integer(), networks: Type.Integer(), ...Amounts }, closed),
    vanished: Type.Array(Text),
    quota: Type.Object(
      {
        limits: Type.Partial(Type.Object({ classes: Type.Integer(), students: Type.Integer(), ...Amounts }, closed)),
        used: Type.Object({ classes: Type.Integer(), students: Type.Integer(), ...Amounts }, closed),
      },
      closed,
    ),
    host: Type.Object({ memoryMb: Type.Integer(), usedMb: Type.Integer() }, closed),
    image: Type.Object({ present: Type.Boolean() }, closed),
    resolvesNames: Type.Boolean(),
    subnet: Type.Object({ free: Type.Boolean() }, closed),
  },
  closed,
)

/** RFC 9457; the failed calls of a class carry its `students` beside these. */
export const ProblemAnswer = Type.Object({
  type: Text,
  title: Text,
  status: Type.Integer(),
  detail: Text,
  code: Text,
  instance: Text,
})

export const OperationAnswer = Type.Object(
  {
    operationId: Text,
    kind: Text,
    classId: Text,
    state: Type.Union([Type.Literal('running'), Type.Literal('succeeded'), Type.Literal('failed')]),
    startedAt: Text,
    endedAt: orNull(Text),
    progress: Type.Unknown(),
    result: orNull(Type.Unknown()),
    problem: orNull(Type.Unknown()),
  },
  closed,
)

const named = { path: Text, pathBase64: Type.Optional(Text) }
const facts = { mode: Text, mtime: Text, uid: Type.Integer(), gid: Type.Integer() }
const targetNamed = { target: Text, targetBase64: Type.Optional(Text) }

/** meta/submission.json of a bag. */
export const Submission = Type.Object({
  schemaVersion: Type.Literal(1),
  classId: Text,
  sessionId: Text,
  studentId: Text,
  collectionId: Text,
  roots: Type.Object({ workspace: Text }),
  totals: Type.Object({ files: Type.Integer(), bytes: Type.Integer(), skipped: Type.Integer() }, closed),
  manifest: Type.Object({ key: Text, sha256: Text }, closed),
  notes: Type.Array(Text),
  files: Type.Array(Type.Object({ ...named, key: Text, size: Type.Integer(), sha256: Text, ...facts }, closed)),
  links: Type.Array(Type.Object({ ...named, type: Text, ...targetNamed, ...facts }, closed)),
  directories: Type.Array(Type.Object({ ...named, ...facts }, closed)),
  skipped: Type.Array(
    Type.Object(
      {
        ...named,
        type: Text,
        reason: Text,
        size: Type.Optional(Type.Integer()),
        mode: Type.Optional(Text),
        mtime: Type.Optional(Text),
        uid: Type.Optional(Type.Integer()),
        gid: Type.Optional(Type.Integer()),
      },
      closed,
    ),
  ),
})

export type PlanAnswer = Static<typeof PlanAnswer>
export type UpAnswer = Static<typeof UpAnswer>
export type DownStudent = Static<typeof DownStudent>
export type DownAnswer = Static<typeof DownAnswer>
export type Submission = Static<typeof Submission>
