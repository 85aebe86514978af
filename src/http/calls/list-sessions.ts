import { Type } from '@sinclair/typebox'
import { listSessions as list, SessionSummary } from '../../sessions/summary.ts'
import { defineCall, json } from '../define-call.ts'
import { fromStore } from '../from-store.ts'
import { ClassParams } from '../schemas.ts'

export const SessionList = Type.Object({ classId: Type.String(), sessions: Type.Array(SessionSummary) })

export const listSessions = defineCall({
  name: 'list-sessions',
  method: 'GET',
  url: '/room/classes/:classId/sessions',
  access: 'class',
  summary: 'Past and present sessions of a class',
  description: 'From the store alone, newest first.',
  params: ClassParams,
  answers: { 200: json('The sessions.', SessionList) },
  problems: ['unknown-class', 'engine-unavailable', 'store-unavailable'],
  run: ({ classes: { store }, canonicalClassId }, { params }) =>
    fromStore(async () => {
      const classId = await canonicalClassId(params.classId)
      return { classId, sessions: await list(store, classId) }
    }),
})
