// A session's record in the store: what was asked for and has not ended yet (an up, a down, a reset), how it ended, and the frozen
// lab that late joiners are made from. With the engine's labels it is all that a restarted service needs to know.

import { type Static, Type } from '@sinclair/typebox'
import { TypeCompiler } from '@sinclair/typebox/compiler'
import { FrozenLab } from '../catalogue/frozen-lab.ts'
import { classPrefix, sameId, sessionIdPattern, sessionPrefix } from '../names.ts'
import { Nullable } from '../nullable.ts'
import { Seat } from '../runtime/seats.ts'
import { digestOf } from '../store/content.ts'
import { parseJson } from '../store/json.ts'
import { findText, type Store, StoreError } from '../store/port.ts'
import { DownAnswer, LastCopy } from './outcomes.ts'
import { forgetSession, rememberSession } from './remembered.ts'

export const SessionRecord = Type.Object({
  schemaVersion: Type.Literal(1),
  installation: Type.String(),
  classId: Type.String(),
  sessionId: Type.String(),
  subject: Type.String(),
  lab: Type.String(),
  /** Absent only where the record had to be rebuilt from the engine's labels. */
  frozenLab: Type.Optional(FrozenLab),
  createdBy: Type.String(),
  /** Where it was begun; absent: before stores had an identity, or on an engine that has no lasting id. */
  store: Type.Optional(Type.Object({ id: Type.String(), name: Type.String() })),
  engine: Type.Optional(Type.String()),
  createdAt: Type.String(),
  expiresAt: Type.String(),
  /** Everybody that an up brought up: who is missing on the engine at down was removed by another hand. */
  students: Type.Array(Type.String()),
  /** Everybody who ever was to come up. Absent in a session that was begun before there were seats. */
  seats: Type.Optional(Type.Array(Seat)),
  /** An up that has begun and not ended: a restarted service goes on with it. */
  up: Type.Optional(
    Type.Object({
      by: Type.String(),
      at: Type.String(),
      students: Type.Array(Type.String()),
      ttlMinutes: Type.Integer(),
      allowPartial: Type.Boolean(),
    }),
  ),
  /** A collect-class that has begun and not ended: sandboxes may stand still. */
  collect: Type.Optional(Type.Object({ by: Type.String(), at: Type.String() })),
  /** A reset-student that has begun and not ended. A container that is not `containerId` is the fresh one. */
  reset: Type.Optional(
    Type.Object({
      by: Type.String(),
      at: Type.String(),
      studentId: Type.String(),
      containerId: Nullable(Type.String()),
      /** The bag whose files go into the fresh sandbox. */
      restore: Nullable(Type.String()),
      /** The bag of the old one, once its removal has begun. */
      before: Type.Optional(Type.String()),
    }),
  ),
  /** Sandboxes that could not be collected and were given up: who decided it, why, and what the collection had failed with. */
  discarded: Type.Optional(
    Type.Array(
      Type.Object({
        by: Type.String(),
        at: Type.String(),
        studentId: Type.String(),
        reason: Type.String(),
        error: Type.Object({ code: Type.String(), detail: Type.String() }),
      }),
    ),
  ),
  /** Whose sandbox was gone by another hand when an up gave them an empty one; `at` is the time of that up. */
  vanished: Type.Optional(
    Type.Array(Type.Object({ studentId: Type.String(), at: Type.String(), bag: Nullable(LastCopy) })),
  ),
  /**
   * Sandboxes whose removal has begun, each after its bag was committed, by the life that the bag is of. What is left of one
   * holds no new work.
   */
  removing: Type.Optional(
    Type.Array(
      Type.Object({
        studentId: Type.String(),
        bag: Type.Object({
          collectionId: Type.String(),
          prefix: Type.String(),
          files: Type.Integer(),
          bytes: Type.Integer(),
          skipped: Type.Integer(),
          manifestSha256: Type.String(),
        }),
        container: Type.Object({ id: Type.String(), startedAt: Type.String(), finishedAt: Type.String() }),
        /** Null: the volume was to stay. */
        volume: Nullable(Type.String()),
      }),
    ),
  ),
  /** A down that was asked for: it is repeated until the session has ended. */
  down: Type.Optional(Type.Object({ by: Type.String(), at: Type.String(), allowPartial: Type.Boolean() })),
  ended: Type.Optional(Type.Object({ at: Type.String(), answer: DownAnswer })),
})

export type SessionRecord = Static<typeof SessionRecord>
export type UpIntent = NonNullable<SessionRecord['up']>
export type Vanished = NonNullable<SessionRecord['vanished']>[number]
export type ResetIntent = NonNullable<SessionRecord['reset']>

const checker = TypeCompiler.Compile(SessionRecord)
const isSessionId = new RegExp(sessionIdPattern)
const recordKey = (classId: string, sessionId: string): string => `${sessionPrefix(classId, sessionId)}session.json`

/** Undefined where there is none; StoreError 'refused' where it cannot be understood, so that nobody acts on half of it. */
export async function readSession(
  store: Store,
  classId: string,
  sessionId: string,
): Promise<SessionRecord | undefined> {
  const key = recordKey(classId, sessionId)
  const text = await findText(store, key)
  if (text === undefined) {
    forgetSession(store, sessionId)
    return undefined
  }
  const record = parseJson(text)
  if (!checker.Check(record)) throw new StoreError('refused', `The session record ${key} is not one of this version.`)
  rememberSession(store, record)
  return record
}

export async function writeSession(store: Store, record: SessionRecord): Promise<void> {
  const bytes = Buffer.from(`${JSON.stringify(record, undefined, 2)}\n`)
  await store.put(recordKey(record.classId, record.sessionId), digestOf(bytes), bytes)
  rememberSession(store, record)
}

/** The same record, which a down reads as: this student has no sandbox any more. */
export const withoutStudent = (record: SessionRecord, studentId: string): SessionRecord => ({
  ...record,
  students: record.students.filter((each) => !sameId(each, studentId)),
})

/**
 * Two clocks: the expiry, which can be moved, and the longest life that the lab allows, which cannot. Where the record is
 * lost the engine's labels say the first.
 */
export function isExpired(
  session: Pick<SessionRecord, 'expiresAt'> & Partial<Pick<SessionRecord, 'createdAt' | 'frozenLab'>>,
): boolean {
  const expiresAt = Date.parse(session.expiresAt)
  const lifeMs = (session.frozenLab?.maxLifeMinutes ?? Number.POSITIVE_INFINITY) * 60_000
  return Date.now() > Math.min(expiresAt, Date.parse(session.createdAt ?? '') + lifeMs || expiresAt)
}

export async function removeSession(store: Store, record: SessionRecord): Promise<void> {
  await store.remove(recordKey(record.classId, record.sessionId))
  forgetSession(store, record.sessionId)
}

/** For whoever reads the records of many sessions. */
export const recordsReadAtOnce = 8

/** Newest first. */
export async function sessionIds(store: Store, classId: string): Promise<string[]> {
  const names = await store.folders(classPrefix(classId))
  return names.filter((name) => isSessionId.test(name)).reverse()
}
