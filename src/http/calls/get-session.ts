import { Type } from '@sinclair/typebox'
import { BagReference, listBags } from '../../bag/find.ts'
import { Problem } from '../../problems.ts'
import { findRecord } from '../../sessions/find.ts'
import { SessionRecord } from '../../sessions/record.ts'
import { defineCall, json } from '../define-call.ts'
import { fromStore } from '../from-store.ts'
import { SessionParams, sessionUrl } from '../schemas.ts'

export const SessionDetails = Type.Composite([
  Type.Omit(SessionRecord, ['frozenLab']),
  Type.Object({ bags: Type.Array(BagReference) }),
])

export const getSession = defineCall({
  name: 'get-session',
  method: 'GET',
  url: sessionUrl,
  access: 'class',
  summary: 'One session, and what became of each student',
  params: SessionParams,
  answers: { 200: json("The session's record, and every bag that is committed.", SessionDetails) },
  problems: ['unknown-class', 'unknown-session', 'engine-unavailable', 'store-unavailable'],
  run: ({ classes: { store }, canonicalClassId }, { params }) =>
    fromStore(async () => {
      const classId = await canonicalClassId(params.classId)
      const record = await findRecord(store, classId, params.sessionId)
      if (!record) throw new Problem('unknown-session', `Class '${classId}' has no session '${params.sessionId}'.`)
      // The frozen lab is the operator's: its environment may hold what is not for callers.
      const { frozenLab: _, ...shown } = record
      return { ...shown, bags: await listBags(store, record.classId, params.sessionId) }
    }),
})
