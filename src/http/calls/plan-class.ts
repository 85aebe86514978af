// Answered at once, since it is no operation: it changes nothing and can be asked while one runs.

import { Type } from '@sinclair/typebox'
import { orderUp } from '../../classes/up/order.ts'
import { PlanAnswer, planClass as plan } from '../../classes/up/plan-class.ts'
import { defineCall, json } from '../define-call.ts'
import { closed } from '../schemas.ts'
import { orderProblems, UpClassBody } from './up-class.ts'

export const planClass = defineCall({
  name: 'plan-class',
  method: 'POST',
  url: '/room/plan-class',
  access: 'class-question',
  summary: 'Ask what an up would need',
  description:
    'Whether that up would be let through now, every reason against it, and the numbers. It changes nothing.',
  body: Type.Pick(UpClassBody, ['classId', 'students', 'lab'], closed),
  answers: { 200: json('The plan, also where the up would be refused.', PlanAnswer) },
  problems: [...orderProblems, 'engine-unavailable', 'store-unavailable', 'traefik-missing'],
  example: { classId: 'os101-a' },
  run: async ({ classes, currentCatalogue }, { body }) => plan(classes, orderUp(await currentCatalogue(), body)),
})
