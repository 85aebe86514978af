import { Type } from '@sinclair/typebox'
import { Id } from '../../catalogue/schema.ts'
import { DiscardAnswer } from '../../classes/discard-student.ts'
import { defineAction } from '../define-action.ts'
import { closed } from '../schemas.ts'

export const discardStudent = defineAction({
  name: 'discard-student',
  access: 'admin-action',
  summary: 'Give up a sandbox that cannot be collected',
  description:
    'For admins. It is collected once more first: only what really cannot be saved is lost, and the reason is kept.',
  body: Type.Object(
    {
      classId: Id,
      studentId: Id,
      reason: Type.String({ minLength: 1, maxLength: 500 }),
      nodeIsLost: Type.Optional(
        Type.Boolean({
          description:
            'Its node cannot be asked and never will be again: it is given up unseen, and the next up places the student on another node.',
        }),
      ),
    },
    closed,
  ),
  result: DiscardAnswer,
  problems: [
    'unknown-class',
    'unknown-student',
    'engine-unavailable',
    'store-unavailable',
    'store-changed',
    'collect-failed',
  ],
  example: { classId: 'os101-a', studentId: 'SV001', reason: 'The disk of the host is broken.' },
  async start({ actions, canonicalClassId }, body, caller) {
    return actions.discard({ ...body, classId: await canonicalClassId(body.classId) }, caller)
  },
})
