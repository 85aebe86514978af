// Sessions on the engine, each with its record in the store: the open one of a class, the newest one, one student's.

import { createGate } from '../gate.ts'
import { sameId, sessionTime } from '../names.ts'
import { Problem } from '../problems.ts'
import { findSandbox, type HeldSandbox, type HeldSession } from '../runtime/held.ts'
import type { Runtime } from '../runtime/port.ts'
import { type Store, StoreError } from '../store/port.ts'
import { type InstallationStore, newestFirst } from './find.ts'
import { readSession, recordsReadAtOnce, type SessionRecord } from './record.ts'
import { otherStoreOf } from './store-identity.ts'

export interface Ports {
  readonly runtime: Runtime
  readonly store: Store
}

/** A session as the engine and the store have it. */
export interface KnownSession {
  readonly held: HeldSession
  readonly record: SessionRecord | undefined
}

export interface OpenSession extends KnownSession {
  readonly record: SessionRecord
}

export const findHeld = async (
  runtime: Runtime,
  { classId, sessionId }: Pick<HeldSession, 'classId' | 'sessionId'>,
): Promise<HeldSession | undefined> =>
  (await runtime.survey(classId)).find((session) => session.sessionId === sessionId)

/** As `newestFirst`, by the engine alone: a class has one network, and what an ended session could not remove is without it. */
export const newestHeldFirst = (sessions: readonly HeldSession[]): HeldSession[] =>
  newestFirst(sessions, ({ network }) => network === undefined)

/** As `newestFirst`, by the records, which are read only where there is a choice. */
async function newestRecordedFirst(store: Store, sessions: readonly HeldSession[]): Promise<HeldSession[]> {
  if (sessions.length < 2) return [...sessions]
  const ended = new Set<string>()
  for (const { classId, sessionId } of sessions) {
    if ((await readSession(store, classId, sessionId))?.ended) ended.add(sessionId)
  }
  return newestFirst(sessions, ({ sessionId }) => ended.has(sessionId))
}

/** The open session of a class: up, and no down of it has begun. Problems 'store-changed' and 'class-not-up'. */
export async function findOpen({ runtime, store }: Ports, classId: string): Promise<OpenSession> {
  let otherStore: Problem | undefined
  for (const held of newestHeldFirst(await runtime.survey(classId))) {
    const record = await readSession(store, held.classId, held.sessionId)
    if (record && !record.down && !record.ended) return { held, record }
    if (!record) otherStore ??= await otherStoreOf(store, held)
  }
  if (otherStore) throw otherStore
  throw new Problem('class-not-up', `Class '${classId}' is not up, or on its way down: a down collects it.`)
}

/**
 * The newest of a class, ended or not. One that has ended and left something comes last: the class may be up again meanwhile.
 * Problem 'store-unavailable' where the store cannot say which that is.
 */
export async function newestHeld({ runtime, store }: Ports, classId: string): Promise<HeldSession | undefined> {
  const sessions = await runtime.survey(classId)
  const [first] = await newestRecordedFirst(store, sessions).catch(refuseWithoutStore)
  return first
}

/** The newest that has a sandbox of this student, and that sandbox. */
export async function newestOfStudent(
  { runtime, store }: Ports,
  classId: string,
  studentId: string,
): Promise<{ readonly held: HeldSession; readonly sandbox: HeldSandbox } | undefined> {
  const sessions = await runtime.survey(classId)
  const theirs = sessions.filter((held) => findSandbox(held, studentId))
  for (const held of await newestRecordedFirst(store, theirs)) {
    const sandbox = findSandbox(held, studentId)
    if (sandbox) return { held, sandbox }
  }
  return undefined
}

/**
 * The session's record; where this store has lost it, what the engine's labels say is enough to collect by. Problems
 * 'store-changed' and 'store-unavailable'.
 */
export async function recordOf({ store, installation }: InstallationStore, held: HeldSession): Promise<SessionRecord> {
  const found = await readOwn(store, held).catch(refuseWithoutStore)
  if (found) return found
  const { classId, sessionId, subject, lab, createdBy, expiresAt, store: begunWith } = held
  return {
    schemaVersion: 1,
    installation,
    classId,
    sessionId,
    subject,
    lab,
    createdBy,
    ...(begunWith ? { store: begunWith } : {}),
    // The clock may have been ahead.
    createdAt: new Date(Math.min(sessionTime(sessionId).getTime(), Date.now())).toISOString(),
    expiresAt,
    students: [],
  }
}

/** Undefined where this store has lost it. Problem 'store-changed' where it never had it. */
async function readOwn(store: Store, held: HeldSession): Promise<SessionRecord | undefined> {
  const found = await readSession(store, held.classId, held.sessionId)
  if (found) return found
  const otherStore = await otherStoreOf(store, held)
  if (otherStore) throw otherStore
  return undefined
}

/** Before anything was done: students can go on working until the store is back. */
export function refuseWithoutStore(error: unknown): never {
  if (!(error instanceof StoreError)) throw error
  const detail = `${error.advice} Nothing was stopped or removed.`
  throw new Problem('store-unavailable', detail, { cause: error })
}

/** The records of all sessions. One that cannot be understood stands in nobody's way but its own class's: StoreError. */
export async function readRecords(
  store: Store,
  sessions: readonly HeldSession[],
  classId: string,
): Promise<KnownSession[]> {
  const gate = createGate(recordsReadAtOnce)
  const readRecord = (held: HeldSession): Promise<SessionRecord | undefined> =>
    readSession(store, held.classId, held.sessionId).catch((error: unknown) => {
      const isOther = !sameId(held.classId, classId)
      if (isOther && error instanceof StoreError && error.code === 'refused') return undefined
      throw error
    })
  return await Promise.all(sessions.map((held) => gate(async () => ({ held, record: await readRecord(held) }))))
}
