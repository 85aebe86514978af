import { Type } from '@sinclair/typebox'
import { Id } from '../../catalogue/schema.ts'
import { ExtendAnswer } from '../../classes/extend-class.ts'
import { defineAction } from '../define-action.ts'
import { closed } from '../schemas.ts'

export const extendClass = defineAction({
  name: 'extend-class',
  access: 'class-action',
  summary: 'Move the expiry of a class',
  description: 'To so many minutes from now, never past what the lab allows.',
  body: Type.Object({ classId: Id, ttlMinutes: Type.Integer({ minimum: 1, maximum: 525_600 }) }, closed),
  result: ExtendAnswer,
  problems: ['unknown-class', 'engine-unavailable', 'store-unavailable', 'class-not-up', 'store-changed'],
  example: { classId: 'os101-a', ttlMinutes: 120 },
  async start({ actions, canonicalClassId }, { classId, ttlMinutes }, caller) {
    return actions.extend({ classId: await canonicalClassId(classId), ttlMinutes }, caller)
  },
})
