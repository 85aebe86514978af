// A class's past and running sessions in one line each, for a list.

import { type Static, Type } from '@sinclair/typebox'
import { createGate } from '../gate.ts'
import { Nullable } from '../nullable.ts'
import { type Store, StoreError } from '../store/port.ts'
import { newestFirst, storedSessions } from './find.ts'
import { readSession, recordsReadAtOnce } from './record.ts'

export const SessionSummary = Type.Union([
  Type.Object({
    sessionId: Type.String(),
    state: Type.Union(['open', 'going-down', 'down', 'down-partial'].map((state) => Type.Literal(state))),
    lab: Type.String(),
    createdAt: Type.String(),
    expiresAt: Type.String(),
    endedAt: Nullable(Type.String()),
    students: Type.Integer(),
  }),
  Type.Object({ sessionId: Type.String(), state: Type.Literal('unreadable') }),
])
export type SessionSummary = Static<typeof SessionSummary>

/** Undefined where there is none: it was lost, or an up is just beginning. */
async function summarise(store: Store, classId: string, sessionId: string): Promise<SessionSummary | undefined> {
  try {
    const record = await readSession(store, classId, sessionId)
    if (!record) return undefined
    const { lab, createdAt, expiresAt, students, down, ended } = record
    const state = ended?.answer.state ?? (down ? 'going-down' : 'open')
    return { sessionId, state, lab, createdAt, expiresAt, endedAt: ended?.at ?? null, students: students.length }
  } catch (error) {
    if (error instanceof StoreError && error.code === 'refused') return { sessionId, state: 'unreadable' }
    throw error
  }
}

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
