// extend-class: moves the time at which a class goes down by itself. The labels keep the time of the up; the record has
// the one that counts.

import { type Static, Type } from '@sinclair/typebox'
import { findOpen } from '../sessions/held.ts'
import { writeSession } from '../sessions/record.ts'
import type { ClassContext, Run } from './context.ts'

export interface ExtendRequest {
  readonly classId: string
  /** From now on. */
  readonly ttlMinutes: number
}

export const ExtendAnswer = Type.Object({
  classId: Type.String(),
  sessionId: Type.String(),
  expiresAt: Type.String(),
  latest: Type.String({ description: 'The lab lets no session live longer; expiresAt is never later.' }),
})
export type ExtendAnswer = Static<typeof ExtendAnswer>

export async function extendClass(
  context: ClassContext,
  _action: Run,
  { classId, ttlMinutes }: ExtendRequest,
): Promise<ExtendAnswer> {
  const { record } = await findOpen(context, classId)
  const { sessionId } = record
  // Where the record was lost, and with it what the lab allows, the class keeps the time that it has.
  const latest = record.frozenLab
    ? Date.parse(record.createdAt) + record.frozenLab.maxLifeMinutes * 60_000
    : Date.parse(record.expiresAt)
  const expiresAt = new Date(Math.min(Date.now() + ttlMinutes * 60_000, latest)).toISOString()
  await writeSession(context.store, { ...record, expiresAt })
  return { classId: record.classId, sessionId, expiresAt, latest: new Date(latest).toISOString() }
}
