import { Type } from '@sinclair/typebox'
import { Id } from '../../catalogue/schema.ts'
import { DownAnswer } from '../../sessions/outcomes.ts'
import { defineAction } from '../define-action.ts'
import { closed } from '../schemas.ts'

export const downClass = defineAction({
  name: 'down-class',
  access: 'class-action',
  summary: 'Take a class down',
  description:
    'Every bag is committed and verified before the first sandbox is removed. Who cannot be collected is kept, and so is everybody else unless `allowPartial`. Repeated, it finishes the rest.',
  body: Type.Object({ classId: Id, allowPartial: Type.Optional(Type.Boolean()) }, closed),
  result: DownAnswer,
  problems: [
    'unknown-class',
    'engine-unavailable',
    'store-unavailable',
    'class-not-up',
    'store-changed',
    'engine-changed',
    'collect-failed',
  ],
  example: { classId: 'os101-a' },
  async start({ actions, canonicalClassId }, { classId, allowPartial = false }, caller) {
    return actions.down({ classId: await canonicalClassId(classId), allowPartial }, caller)
  },
})
