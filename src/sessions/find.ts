// Which session of a class is meant where a call names none, and all the names under which a class stands in the store: its
// catalogue may have written it in another case before.

import type { ClassContext } from '../classes/context.ts'
import { createGate } from '../gate.ts'
import { foldId } from '../names.ts'
import type { HeldSession } from '../runtime/held.ts'
import { type Store, StoreError } from '../store/port.ts'
import { readSession, type SessionRecord, type SessionSummary, sessionIds, summarise } from './record.ts'

/** Not ended before ended, then the order in which they were begun, which is that of their ids. */
export function newestFirst<T extends { readonly sessionId: string }>(
  sessions: readonly T[],
  hasEnded: (session: T) => boolean,
): T[] {
  const rank = (session: T): string => `${hasEnded(session) ? 0 : 1} ${session.sessionId}`
  return sessions.toSorted((a, b) => (rank(a) < rank(b) ? 1 : -1))
}

/** As `newestFirst`, by the engine alone: a class has one network, and what an ended session could not remove is without it. */
export const newestHeldFirst = (sessions: readonly HeldSession[]): HeldSession[] =>
  newestFirst(sessions, ({ network }) => network === undefined)

/** As `newestFirst`, by the records, which are read only where there is a choice. */
export async function newestRecordedFirst(store: Store, sessions: readonly HeldSession[]): Promise<HeldSession[]> {
  if (sessions.length < 2) return [...sessions]
  const ended = new Set<string>()
  for (const { classId, sessionId } of sessions) {
    if ((await readSession(store, classId, sessionId))?.ended) ended.add(sessionId)
  }
  return newestFirst(sessions, ({ sessionId }) => ended.has(sessionId))
}

/** A session's place in the store. */
export interface StoredSession {
  /** As the store spells it. */
  readonly classId: string
  readonly sessionId: string
}

/** The class as the store spells it, in each case that it was ever written in; the given one comes first. */
export async function spellings(store: Store, classId: string): Promise<string[]> {
  const others = (await store.folders('')).filter((each) => foldId(each) === foldId(classId) && each !== classId)
  return [classId, ...others]
}

/** Latest begun first, whether ended or not. */
export async function storedSessions(store: Store, classId: string): Promise<StoredSession[]> {
  const found: StoredSession[] = []
  for (const spelled of await spellings(store, classId)) {
    for (const sessionId of await sessionIds(store, spelled)) found.push({ classId: spelled, sessionId })
  }
  return newestFirst(found, () => false)
}

const recordsReadAtOnce = 8

/** Newest first. A prefix without a record is left out. */
export async function listSessions(store: Store, classId: string): Promise<SessionSummary[]> {
  const gate = createGate(recordsReadAtOnce)
  const sessions = await storedSessions(store, classId)
  const summaries = await Promise.all(
    sessions.map((each) => gate(() => summarise(store, each.classId, each.sessionId))),
  )
  const found = summaries.filter((summary) => summary !== undefined)
  return newestFirst(found, (summary) => summary.state === 'down' || summary.state === 'down-partial')
}

/** The session's record under whichever spelling has it. */
export async function findSession(
  store: Store,
  classId: string,
  sessionId: string,
): Promise<SessionRecord | undefined> {
  const record = await readSession(store, classId, sessionId)
  if (record) return record
  for (const spelled of (await spellings(store, classId)).slice(1)) {
    const found = await readSession(store, spelled, sessionId)
    if (found) return found
  }
  return undefined
}

/** Begun on another engine, as far as both are known. */
export const isElsewhere = (record: SessionRecord | undefined, engine: string | undefined): boolean =>
  engine !== undefined && record?.engine !== undefined && record.engine !== engine

/**
 * Of this installation: the latest begun that has not ended and is not of another engine, or else the latest begun. Sessions
 * of another installation in the same store are none of our business.
 */
export async function newestRecord(
  { store, installation }: Pick<ClassContext, 'store' | 'installation'>,
  classId: string,
  engine: string | undefined,
): Promise<SessionRecord | undefined> {
  const sessions = await storedSessions(store, classId)
  let newest: SessionRecord | undefined
  for (let at = 0; at < sessions.length; at += at === 0 ? 1 : recordsReadAtOnce) {
    // Mostly the first one says it.
    const some = sessions.slice(at, at + (at === 0 ? 1 : recordsReadAtOnce))
    for (const record of await Promise.all(some.map((each) => readUnlessOld(store, each, at > 0)))) {
      if (record?.installation !== installation) continue
      newest ??= record
      if (!record.ended && !isElsewhere(record, engine)) return record
      // Since records name the engine, ids are in the order of begin: what lies behind was begun, and over, before.
      if (record.ended && record.engine !== undefined && record.engine === engine) return newest
    }
  }
  return newest
}

/** An old record that cannot be understood stands in nobody's way. */
async function readUnlessOld(
  store: Store,
  { classId, sessionId }: StoredSession,
  isOld: boolean,
): Promise<SessionRecord | undefined> {
  return await readSession(store, classId, sessionId).catch((error: unknown) => {
    if (isOld && error instanceof StoreError && error.code === 'refused') return undefined
    throw error
  })
}
