// The class actions. Each checks its request against the catalogue, then starts or joins an operation.

import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Logger } from 'pino'
import type { Catalogue } from '../../catalogue/catalogue.ts'
import type { Caller, ClassActions } from '../../classes/class-actions.ts'
import { orderUp } from '../../classes/up/order.ts'
import type { Operation } from '../../operations/operations.ts'
import type { SpellClass } from '../../sessions/class-id.ts'
import type { App } from '../app-type.ts'
import { noteBegun } from '../audit.ts'
import { identityOf } from '../auth/access.ts'
import { answerWhenDone } from '../prefer.ts'
import {
  CollectClassBody,
  DiscardStudentBody,
  DownClassBody,
  ExtendClassBody,
  ResetStudentBody,
  UpClassBody,
} from '../schemas.ts'

export interface ActionDependencies {
  readonly actions: ClassActions
  /** A class that was taken out of the catalogue while it was up must still come down. */
  readonly spellClass: SpellClass
  currentCatalogue(): Promise<Catalogue>
}

export function registerActions(app: App, { actions, spellClass, currentCatalogue }: ActionDependencies): void {
  app.post('/room/up-class', { schema: { body: UpClassBody } }, async (request, reply) => {
    const order = orderUp(await currentCatalogue(), request.body)
    return await begin(request, reply, (caller) => actions.up(order, caller))
  })

  app.post('/room/down-class', { schema: { body: DownClassBody } }, async (request, reply) => {
    const classId = await spellClass(request.body.classId)
    const allowPartial = request.body.allowPartial ?? false
    return await begin(request, reply, (caller) => actions.down({ classId, allowPartial }, caller))
  })

  app.post('/room/collect-class', { schema: { body: CollectClassBody } }, async (request, reply) => {
    const classId = await spellClass(request.body.classId)
    return await begin(request, reply, (caller) => actions.collect({ ...request.body, classId }, caller))
  })

  app.post('/room/extend-class', { schema: { body: ExtendClassBody } }, async (request, reply) => {
    const classId = await spellClass(request.body.classId)
    const { ttlMinutes } = request.body
    return await begin(request, reply, (caller) => actions.extend({ classId, ttlMinutes }, caller))
  })

  app.post('/room/reset-student', { schema: { body: ResetStudentBody } }, async (request, reply) => {
    const classId = await spellClass(request.body.classId)
    return await begin(request, reply, (caller) => actions.reset({ ...request.body, classId }, caller))
  })

  app.post('/room/discard-student', { schema: { body: DiscardStudentBody } }, async (request, reply) => {
    const classId = await spellClass(request.body.classId)
    return await begin(request, reply, (caller) => actions.discard({ ...request.body, classId }, caller))
  })
}

async function begin(
  request: FastifyRequest & { readonly log: Logger },
  reply: FastifyReply,
  start: (caller: Caller) => Operation,
): Promise<object> {
  const operation = start({ actor: identityOf(request).actor, requestId: request.id, log: request.log })
  noteBegun(request)
  return await answerWhenDone(request, reply, operation)
}
