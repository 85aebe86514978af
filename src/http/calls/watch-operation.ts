import { identityOf } from '../auth/access.ts'
import { defineCall } from '../define-call.ts'
import { EventStream } from '../event-stream.ts'
import { OperationParams } from '../schemas.ts'

export const watchOperation = defineCall({
  name: 'watch-operation',
  method: 'GET',
  url: '/room/operations/:operationId/events',
  access: 'operation',
  summary: 'A long operation, as server-sent events',
  description:
    'Event `progress` after changes, at most four a second, then at once one event `end`. The data of each is the operation as it is then, as the call without `/events` answers it. After 15 s without an event comes a comment line, so that no proxy takes the stream for dead.',
  params: OperationParams,
  answers: {
    200: { description: 'The events.', type: 'text/event-stream', headers: { 'cache-control': 'no-store' } },
  },
  problems: [],
  async run({ actions: { operations } }, request, reply) {
    const operation = operations.get(request.params.operationId)
    reply.type('text/event-stream').header('cache-control', 'no-store')
    // Events outlive no token: who shows a new one gets another stream.
    return reply.send(new EventStream(operation, identityOf(request).acceptedUntil))
  },
})
