// One long operation: its state and progress, once or as server-sent events. Events outlive no token: the stream ends when
// its caller's is no longer accepted, and who shows a new one gets another.

import { Readable } from 'node:stream'
import { identityOf } from '../auth/access.ts'
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
    return reply.send(Readable.from(events(operation, identityOf(request).acceptedUntil)))
  })
}

/** The longest that a timer can wait, 24 days: no stream needs more. */
const longestTimerMs = 2 ** 31 - 1

/** Event `progress` for every view while it runs, then one event `end`, unless the time is over before. */
async function* events(operation: Operation, until: number): AsyncGenerator<string> {
  const views = operation.views()
  let timer: NodeJS.Timeout | undefined
  const over = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, Math.min(until - Date.now(), longestTimerMs), undefined)
  })
  try {
    for (;;) {
      const next = await Promise.race([views.next(), over])
      if (next === undefined || next.done) return
      yield `event: ${next.value.state === 'running' ? 'progress' : 'end'}\ndata: ${JSON.stringify(next.value)}\n\n`
    }
  } finally {
    clearTimeout(timer)
  }
}
