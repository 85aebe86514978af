// Which store it is: an object that is made at the store's first use says it, and the engine's labels say it of each session.
// A session whose record is missing belongs to another store, unless its labels name this one: then this store lost it.

import { randomUUID } from 'node:crypto'
import { Type } from '@sinclair/typebox'
import { TypeCompiler } from '@sinclair/typebox/compiler'
import { storeIdentityKey } from '../names.ts'
import { Problem } from '../problems.ts'
import type { HeldSession, StoreIdentity } from '../runtime/held.ts'
import { digestOf } from '../store/content.ts'
import { parseJson } from '../store/json.ts'
import { findText, type Store, StoreError } from '../store/port.ts'
import { forgetSessions } from './remembered.ts'

const checker = TypeCompiler.Compile(Type.Object({ schemaVersion: Type.Literal(1), id: Type.String({ minLength: 1 }) }))

/** What each store said when it was last asked, for answers that must not wait for it. */
const known = new WeakMap<Store, StoreIdentity>()
export const knownIdentity = (store: Store): StoreIdentity | undefined => known.get(store)

/** Asked anew each time: a disk that is no longer mounted leaves another store at the same path. */
export async function storeIdentity(store: Store): Promise<StoreIdentity> {
  const identity = { id: (await readId(store)) ?? (await makeId(store)), name: storeName(store) }
  const before = known.get(store)
  if (before && before.id !== identity.id) forgetSessions(store)
  known.set(store, identity)
  return identity
}

const storeName = ({ location, endpoint }: Store): string =>
  endpoint === undefined ? location : `${location} at ${endpoint}`

async function makeId(store: Store): Promise<string> {
  const bytes = Buffer.from(`${JSON.stringify({ schemaVersion: 1, id: randomUUID() })}\n`)
  await store.put(storeIdentityKey, digestOf(bytes), bytes, { ifAbsent: true })
  // Of two processes that make it at once, one is heard.
  const id = await readId(store)
  if (id === undefined) throw new StoreError('unreachable', `${storeIdentityKey} is gone as soon as it is made.`)
  return id
}

async function readId(store: Store): Promise<string | undefined> {
  const text = await findText(store, storeIdentityKey)
  if (text === undefined) return undefined
  const found = parseJson(text)
  if (!checker.Check(found)) throw new StoreError('refused', `${storeIdentityKey} does not say which store this is.`)
  return found.id
}

/**
 * Problem 'store-changed' for a session that this store has no record of, unless this store has lost it. Where no sandbox is
 * left nothing is at stake.
 */
export async function otherStoreOf(store: Store, held: HeldSession): Promise<Problem | undefined> {
  if (held.sandboxes.length === 0) return undefined
  const here = await storeIdentity(store)
  return held.store?.id === here.id ? undefined : new Problem('store-changed', otherStoreDetail(held, here))
}

export function otherStoreDetail({ classId, sessionId, store: begun }: HeldSession, here: StoreIdentity): string {
  const other = begun ? `'${begun.name}' (${begun.id})` : 'another store, which its labels do not name'
  return (
    `Session ${sessionId} of class '${classId}' was begun with ${other}; this service uses '${here.name}' (${here.id}), which has no record of it. ` +
    'Nothing was collected or removed. Ask the operator to start the service with the store that the class was begun with, then repeat the call.'
  )
}
