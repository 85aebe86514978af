// One long operation: its state and progress, once or as server-sent events. Events outlive no token: the stream ends when
// its caller's is no longer accepted, and who shows a new one gets another.

import type { Operations } from '../../operations/operations.ts'
import type { App } from '../app-type.ts'
import { identityOf } from '../auth/access.ts'
import { EventStream } from '../event-stream.ts'
import { OperationParams } from '../schemas.ts'

export function registerOperations(app: App, operations: Operations): void {
  app.get('/room/operations/:operationId', { schema: { params: OperationParams } }, async (request) =>
    operations.get(request.params.operationId).view(),
  )

  app.get('/room/operations/:operationId/events', { schema: { params: OperationParams } }, async (request, reply) => {
    const operation = operations.get(request.params.operationId)
    reply.type('text/event-stream').header('cache-control', 'no-store')
    return reply.send(new EventStream(operation, identityOf(request).acceptedUntil))
  })
}
