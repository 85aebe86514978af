// Who of a session is placed on which node, as its record says: what a node that cannot be asked may hold.

import type { Seat } from '../runtime/seats.ts'
import type { Store } from '../store/port.ts'
import { readSession } from './record.ts'
import { rememberedSession } from './remembered.ts'

/** By what is remembered of the record, where it was read before. StoreError where the store cannot be asked. */
export async function placementsOf(store: Store, classId: string, sessionId: string): Promise<readonly Seat[]> {
  const remembered = rememberedSession(store, sessionId)
  return remembered?.seats ?? (await readSession(store, classId, sessionId))?.seats ?? []
}
