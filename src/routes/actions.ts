// The class actions. Each checks its request against the catalogue, then starts or joins an operation.

import type { Catalogue } from '../catalogue.ts'
import { asProblem, type ClassContext } from '../classes/context.ts'
import { downClass } from '../classes/down-class.ts'
import { upClass } from '../classes/up-class.ts'
import { orderUp } from '../classes/up-order.ts'
import type { Operations } from '../operations.ts'
import type { App } from './app-type.ts'
import { answerWhenDone } from './prefer.ts'
import { DownClassBody, UpClassBody } from './schemas.ts'

export interface ActionDependencies {
  readonly classes: ClassContext
  readonly operations: Operations
  currentCatalogue(): Promise<Catalogue>
}

/** There is no authentication yet: whoever reaches the loopback address or the socket is trusted, and called this. */
const actor = 'unauthenticated'

export function registerActions(app: App, { classes, operations, currentCatalogue }: ActionDependencies): void {
  app.post('/room/up-class', { schema: { body: UpClassBody } }, async (request, reply) => {
    const order = orderUp(await currentCatalogue(), request.body)
    const operation = operations.start({
      kind: 'up-class',
      classId: order.ofClass.classId,
      fingerprint: JSON.stringify([[...order.students].sort(), order.labName, order.ttlMinutes, order.allowPartial]),
      requestId: request.id,
      log: request.log,
      work: (run) => upClass(classes, { ...run, actor }, order),
    })
    return await answerWhenDone(request, reply, operation)
  })

  app.post('/room/down-class', { schema: { body: DownClassBody } }, async (request, reply) => {
    const classId = await spelledClass(request.body.classId)
    const allowPartial = request.body.allowPartial ?? false
    const operation = operations.start({
      kind: 'down-class',
      classId,
      fingerprint: JSON.stringify([allowPartial]),
      requestId: request.id,
      log: request.log,
      work: (run) => downClass(classes, { ...run, actor }, { classId, allowPartial }),
    })
    return await answerWhenDone(request, reply, operation)
  })

  /** A class that was taken out of the catalogue while it was up must still come down. */
  async function spelledClass(classId: string): Promise<string> {
    const catalogue = await currentCatalogue()
    if (catalogue.hasClass(classId)) return catalogue.findClass(classId).classId
    const [held] = await classes.runtime.survey(classId).catch((error: unknown) => {
      throw asProblem(error, 'engine-unavailable')
    })
    return held?.classId ?? catalogue.findClass(classId).classId
  }
}
