import { Type } from '@sinclair/typebox'
import { Id } from '../../catalogue/schema.ts'
import { ResetAnswer } from '../../classes/reset-student.ts'
import { defineAction } from '../define-action.ts'
import { CollectionId, closed } from '../schemas.ts'

export const resetStudent = defineAction({
  name: 'reset-student',
  access: 'class-action',
  summary: 'Give a student a fresh sandbox',
  description:
    'What is there is collected first. `restore` names a bag of this student in this session whose files go into the fresh one.',
  body: Type.Object({ classId: Id, studentId: Id, restore: Type.Optional(CollectionId) }, closed),
  result: ResetAnswer,
  problems: [
    'unknown-class',
    'unknown-student',
    'unknown-collection',
    'engine-unavailable',
    'store-unavailable',
    'class-not-up',
    'store-changed',
    'lab-image-unfit',
    'lab-runtime-unfit',
    'collect-failed',
    'subnets-exhausted',
    'traefik-missing',
    'restore-failed',
    'up-failed',
  ],
  example: { classId: 'os101-a', studentId: 'SV001' },
  async start({ actions, canonicalClassId }, body, caller) {
    return actions.reset({ ...body, classId: await canonicalClassId(body.classId) }, caller)
  },
})
