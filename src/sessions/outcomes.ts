// What an up and a down answer of each student and of the whole session. The session's record keeps how it ended in these words,
// and a past session is told in them.

import { type Static, Type } from '@sinclair/typebox'
import { resolvesNamesDescription } from '../catalogue/gvisor.ts'
import { Nullable } from '../nullable.ts'

/** The newest whole bag of somebody whose sandbox another hand removed. */
export const LastCopy = Type.Object({
  collectionId: Type.String(),
  prefix: Type.String({ description: 'Of its objects in the store.' }),
  collectedAt: Type.Optional(Type.String()),
})

export const DownStudent = Type.Object({
  studentId: Type.String(),
  /**
   * removed: committed and gone · collected: committed, sandbox still there · kept: not committed, stopped and kept
   * · lost: gone by another hand; what was done after the bag, if there is one, is lost too · discarded: given up by an admin, with the reason
   */
  state: Type.Union([
    Type.Literal('removed'),
    Type.Literal('collected'),
    Type.Literal('kept'),
    Type.Literal('lost'),
    Type.Literal('discarded'),
  ]),
  /** Prefix of the bag in the store. */
  bag: Nullable(Type.String()),
  files: Nullable(Type.Integer()),
  bytes: Nullable(Type.Integer()),
  skipped: Nullable(Type.Integer()),
  /** The receipt: SHA-256 of manifest-sha256.txt, which names every file by its own. */
  manifestSha256: Nullable(Type.String()),
  /** With `removed`: the store no longer holds the bag that was committed (`store-mismatch`), or could not be asked. */
  error: Type.Optional(Type.Object({ code: Type.String(), detail: Type.String() })),
  /** With `discarded`: why, in the admin's words. */
  reason: Type.Optional(Type.String()),
  /** Where the bag is an earlier one, since no final bag is whole: when it was made. */
  collectedAt: Type.Optional(Type.String()),
  /** An earlier sandbox of theirs in this session was removed by another hand, and an up gave them an empty one. */
  vanished: Type.Optional(Type.Object({ at: Type.String(), bag: Nullable(LastCopy) })),
})

export const DownAnswer = Type.Object({
  classId: Type.String(),
  sessionId: Type.String(),
  state: Type.Union([Type.Literal('down'), Type.Literal('down-partial')]),
  artifacts: Type.Object({ store: Type.String(), prefix: Type.String() }),
  students: Type.Array(DownStudent),
  /** What the engine would not remove, though its bag is safe. */
  leaked: Type.Array(Type.Object({ kind: Type.String(), name: Type.String(), reason: Type.String() })),
})

/** Whether the endpoint can be opened now. */
export const EndpointState = Type.Union([Type.Literal('ready'), Type.Literal('pending'), Type.Null()], {
  description:
    'ready: a request to the endpoint comes to the sandbox; pending: Traefik has not asked for its route yet, or cannot lead there; null: there is no endpoint.',
})
export type EndpointState = Static<typeof EndpointState>

export const UpStudent = Type.Object({
  studentId: Type.String(),
  state: Type.Union([Type.Literal('running'), Type.Literal('failed')]),
  containerId: Nullable(Type.String()),
  containerName: Nullable(Type.String()),
  endpoint: Nullable(Type.String()),
  endpointState: EndpointState,
  error: Type.Optional(Type.Object({ code: Type.String(), detail: Type.String() })),
  vanished: Type.Optional(
    Type.Object(
      { detail: Type.String(), bag: Nullable(LastCopy) },
      {
        description:
          'An earlier sandbox was removed by another hand: this one is empty. POST /room/reset-student with `restore` brings the bag back.',
      },
    ),
  ),
})

export const UpAnswer = Type.Object({
  classId: Type.String(),
  sessionId: Type.String(),
  state: Type.Union([Type.Literal('up'), Type.Literal('up-partial')]),
  lab: Type.String(),
  resolvesNames: Type.Boolean({ description: resolvesNamesDescription }),
  network: Type.String(),
  expiresAt: Type.String(),
  students: Type.Array(UpStudent),
})

export type DownStudent = Static<typeof DownStudent>
export type DownAnswer = Static<typeof DownAnswer>
export type UpStudent = Static<typeof UpStudent>
export type UpAnswer = Static<typeof UpAnswer>
