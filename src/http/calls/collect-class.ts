import { Type } from '@sinclair/typebox'
import { Id } from '../../catalogue/schema.ts'
import { CollectAnswer } from '../../classes/collect-class.ts'
import { defineAction } from '../define-action.ts'
import { closed } from '../schemas.ts'

export const collectClass = defineAction({
  name: 'collect-class',
  access: 'class-action',
  summary: 'Collect a running class',
  description:
    'A snapshot bag of each running sandbox, which stands still while it is read and then goes on. Nothing is taken down.',
  body: Type.Object(
    { classId: Id, students: Type.Optional(Type.Array(Id, { minItems: 1, maxItems: 1000, uniqueItems: true })) },
    closed,
  ),
  result: CollectAnswer,
  problems: [
    'unknown-class',
    'unknown-student',
    'duplicate-student',
    'engine-unavailable',
    'store-unavailable',
    'class-not-up',
    'store-changed',
    'collect-failed',
  ],
  example: { classId: 'os101-a' },
  async start({ actions, canonicalClassId }, body, caller) {
    return actions.collect({ ...body, classId: await canonicalClassId(body.classId) }, caller)
  },
})
