// Where an up begins: the engine, and the sessions of its class that were begun before.

import type { HeldSession } from '../../runtime/held.ts'
import { isElsewhere, newestFirst, newestRecord, storedSessions } from '../../sessions/find.ts'
import type { SessionRecord } from '../../sessions/record.ts'
import type { ClassContext } from '../context.ts'

export interface EarlierSessions {
  readonly engine: string | undefined
  /** The latest begun of the class, in this store or on the engine. */
  readonly newest: string | undefined
  /** It has not ended, and it belongs to another engine. */
  readonly elsewhere: SessionRecord | undefined
  /**
   * It has not ended, students had sandboxes in it, and nothing of it is on the engine any more. Only where both are known to
   * be one engine: on another one its sandboxes may be at work, and a session is never on two.
   */
  readonly vanished: SessionRecord | undefined
}

export async function findEarlier(
  context: ClassContext,
  classId: string,
  held: readonly HeldSession[],
): Promise<EarlierSessions> {
  const engine = await context.runtime.engineId()
  const [newest] = newestFirst([...(await storedSessions(context.store, classId)), ...held], () => false)
  const record = await newestRecord(context, classId, engine)
  const open = record?.ended ? undefined : record
  const isHere = engine !== undefined && open?.engine === engine
  const isHeld = held.some(({ sessionId }) => sessionId === open?.sessionId)
  return {
    engine,
    newest: newest?.sessionId,
    elsewhere: isElsewhere(open, engine) ? open : undefined,
    vanished: isHere && !isHeld && open.students.length > 0 ? open : undefined,
  }
}
