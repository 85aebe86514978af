// One long operation: its state and progress, once or as server-sent events.

import { Readable } from 'node:stream'
import type { Operation, Operations } from '../operations.ts'
import type { App } from './app-type.ts'
import { OperationParams } from './schemas.ts'

export function registerOperations(app: App, operations: Operations): void {
  app.get('/room/operations/:operationId', { schema: { params: OperationParams } }, async (request) =>
    operations.get(request.params.operationId).view(),
  )

  app.get('/room/operations/:operationId/events', { schema: { params: OperationParams } }, async (request, reply) => {
    const operation = operations.get(request.params.operationId)
    reply.type('text/event-stream').header('cache-control', 'no-store')
    return reply.send(Readable.from(events(operation)))
  })
}

/** Event `progress` for every view while it runs, then one event `end`. */
async function* events(operation: Operation): AsyncGenerator<string> {
  for await (const view of operation.views()) {
    yield `event: ${view.state === 'running' ? 'progress' : 'end'}\ndata: ${JSON.stringify(view)}\n\n`
  }
}
