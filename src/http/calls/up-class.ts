import { Type } from '@sinclair/typebox'
import { Id } from '../../catalogue/schema.ts'
import { orderUp } from '../../classes/up/order.ts'
import { UpAnswer } from '../../sessions/outcomes.ts'
import { defineAction } from '../define-action.ts'
import { closed } from '../schemas.ts'

export const UpClassBody = Type.Object(
  {
    classId: Id,
    students: Type.Optional(Type.Array(Id, { minItems: 1, maxItems: 1000 })),
    lab: Type.Optional(Id),
    ttlMinutes: Type.Optional(Type.Integer({ minimum: 1, maximum: 525_600 })),
    allowPartial: Type.Optional(Type.Boolean()),
  },
  closed,
)

/** What the catalogue says against an up. */
export const orderProblems = [
  'unknown-class',
  'unknown-lab',
  'unknown-student',
  'duplicate-student',
  'lab-not-allowed',
  'roster-empty',
] as const

export const upClass = defineAction({
  name: 'up-class',
  access: 'class-action',
  summary: 'Bring a class up',
  description:
    'A sandbox for each student. Repeated, it converges: adds late joiners, restarts what died, touches nothing else. A failed up takes back what it created, unless `allowPartial`.',
  body: UpClassBody,
  result: UpAnswer,
  problems: [
    ...orderProblems,
    'engine-unavailable',
    'store-unavailable',
    'class-not-up',
    'store-changed',
    'down-unfinished',
    'lab-differs',
    'lab-image-missing',
    'lab-image-unfit',
    'lab-runtime-missing',
    'lab-runtime-unfit',
    'class-too-large',
    'quota-exceeded',
    'host-full',
    'subnets-exhausted',
    'uids-exhausted',
    'traefik-missing',
    'up-failed',
  ],
  example: { classId: 'os101-a' },
  async start({ actions, currentCatalogue }, body, caller) {
    return actions.up(orderUp(await currentCatalogue(), body), caller)
  },
})
