// Sessions in the store: which one is meant where a call names none, and all the names under which a class stands there, since
// its catalogue may have written it in another case before.

import { sameId } from '../names.ts'
import { type Store, StoreError } from '../store/port.ts'
import { readSession, recordsReadAtOnce, type SessionRecord, sessionIds } from './record.ts'

/** Not ended before ended, then the order in which they were begun, which is that of their ids. */
export function newestFirst<T extends { readonly sessionId: string }>(
  sessions: readonly T[],
  hasEnded: (session: T) => boolean,
): T[] {
  const rank = (session: T): string => `${hasEnded(session) ? 0 : 1} ${session.sessionId}`
  return sessions.toSorted((a, b) => (rank(a) < rank(b) ? 1 : -1))
}

/** A session's place in the store. */
export interface StoredSession {
  /** As the store spells it. */
  readonly classId: string
  readonly sessionId: string
}

/** The class as the store spells it, in each case that it was ever written in; the given one comes first. */
export async function spellings(store: Store, classId: string): Promise<string[]> {
  const others = (await store.folders('')).filter((each) => sameId(each, classId) && each !== classId)
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

/** The session's record under whichever spelling has it. */
export async function findRecord(store: Store, classId: string, sessionId: string): Promise<SessionRecord | undefined> {
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

/** Whose sessions: others of another installation in the same store are none of its business. */
export interface InstallationStore {
  readonly store: Store
  readonly installation: string
}

/** The session named; where none is, the newest record. */
export async function findOwnRecord(
  ours: InstallationStore,
  { classId, sessionId }: { readonly classId: string; readonly sessionId?: string },
  engine: string | undefined,
): Promise<SessionRecord | undefined> {
  if (sessionId === undefined) return await newestRecord(ours, classId, engine)
  const record = await findRecord(ours.store, classId, sessionId)
  return record?.installation === ours.installation ? record : undefined
}

/** The latest begun that has not ended and is not of another engine, or else the latest begun. */
export async function newestRecord(
  { store, installation }: InstallationStore,
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
