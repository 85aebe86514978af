// What a session's record said when it was last read or written here, for answers that must not wait for the store.

import type { Seat } from '../runtime/seats.ts'
import type { Store } from '../store/port.ts'

export interface RememberedSession {
  readonly expiresAt: string
  /** Who has to have a sandbox: everybody who came up, and who is on the way. Nobody once a down has begun. */
  readonly students: readonly string[]
  readonly seats: readonly Seat[]
}

interface Recorded {
  readonly sessionId: string
  readonly expiresAt: string
  readonly students: readonly string[]
  readonly seats?: readonly Seat[]
  readonly up?: { readonly students: readonly string[] }
  readonly reset?: { readonly studentId: string }
  readonly down?: object
  readonly ended?: object
}

const known = new WeakMap<Store, Map<string, RememberedSession>>()

export const rememberedSession = (store: Store, sessionId: string): RememberedSession | undefined =>
  known.get(store)?.get(sessionId)

/** Sessions that have ended are not kept in memory. */
export function rememberSession(store: Store, record: Recorded): void {
  const { sessionId, expiresAt, students, seats = [], up, reset, down, ended } = record
  if (ended) {
    forgetSession(store, sessionId)
    return
  }
  const sessions = known.get(store) ?? new Map<string, RememberedSession>()
  known.set(store, sessions)
  const expected = down ? [] : [...students, ...(up?.students ?? []), ...(reset ? [reset.studentId] : [])]
  sessions.set(sessionId, { expiresAt, students: expected, seats })
}

/** It has become another store, which knows nothing of them. */
export function forgetSessions(store: Store): void {
  known.delete(store)
}

export function forgetSession(store: Store, sessionId: string): void {
  known.get(store)?.delete(sessionId)
}
