// A class action: a call that runs as an operation, may be asked to answer before that has ended, and leaves an audit line.

import type { Static, TSchema } from '@sinclair/typebox'
import type { Caller } from '../classes/class-actions.ts'
import type { Operation } from '../operations/operations.ts'
import { noteBegun } from './audit.ts'
import { identityOf } from './auth/access.ts'
import type { CallContext } from './call-context.ts'
import { type Call, json } from './define-call.ts'
import { Operation as OperationSchema } from './openapi/schemas.ts'
import { answerWhenDone } from './prefer.ts'

interface Action<Body extends TSchema> extends Pick<Call, 'name' | 'summary' | 'description' | 'problems'> {
  readonly access: 'class-action' | 'admin-action'
  readonly body: Body
  /** What it answers with when it is done. */
  readonly result: TSchema
  readonly example: Static<Body>
  /** Starts the operation, or joins it. */
  start(context: CallContext, body: Static<Body>, caller: Caller): Promise<Operation>
}

export function defineAction<Body extends TSchema>({ result, start, ...action }: Action<Body>): Call {
  const call: Call<TSchema, Body> = {
    ...action,
    method: 'POST',
    url: `/room/${action.name}`,
    answers: {
      200: { ...json('It is done.', result), headers: applied },
      202: {
        ...json('It goes on: look at the operation.', OperationSchema),
        headers: {
          ...applied,
          location: 'The operation: `/room/operations/<operationId>`.',
          'retry-after': 'Seconds to wait before looking.',
        },
      },
    },
    async run(context, request, reply) {
      const caller = { actor: identityOf(request).actor, requestId: request.id, log: request.log }
      const operation = await start(context, request.body, caller)
      noteBegun(request)
      return await answerWhenDone(request, reply, operation)
    },
  }
  return call
}

const applied = { 'preference-applied': 'The preference that was followed, where one was sent.' }
