// What a new session is told of where it begins: the store and the engine that it belongs to from now on, and the sessions
// of its class before it.

import type { Logger } from 'pino'
import type { HeldSession, StoreIdentity } from '../runtime/port.ts'
import type { ClassContext } from './context.ts'
import { isElsewhere, newestFirst, newestRecord, storedSessions } from './session-order.ts'
import { storeIdentity } from './store-identity.ts'

export interface Surroundings {
  readonly store: StoreIdentity
  readonly engine: string | undefined
  /** The latest begun of the class, in this store or on the engine. */
  readonly newest: string | undefined
}

export async function lookAround(
  context: ClassContext,
  log: Logger,
  classId: string,
  held: readonly HeldSession[],
): Promise<Surroundings> {
  const { runtime } = context
  const store = await storeIdentity(context.store)
  const engine = await runtime.engineId()
  const [newest] = newestFirst([...(await storedSessions(context.store, classId)), ...held], () => false)
  const before = await newestRecord(context, classId, engine)
  // An engine that is lost for good must not lock its classes for ever.
  if (before && !before.ended && isElsewhere(before, engine))
    log.warn({ classId, sessionId: before.sessionId, engine: before.engine }, 'the class is also up on another engine')
  return { store, engine, newest: newest?.sessionId }
}
