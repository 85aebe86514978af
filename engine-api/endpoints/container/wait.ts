// POST /containers/{id}/wait, in two steps: the engine has begun to wait, and the container has ended.
// Armed with `next-exit` before a start it misses no exit, however fast; and its failure comes inside a 200.

import { Type } from '@sinclair/typebox'
import { TypeCompiler } from '@sinclair/typebox/compiler'
import { defineEndpoint } from '../../endpoint.ts'
import { EngineError } from '../../errors.ts'
import { checkAnswer, parseJson } from '../../transport/answer.ts'
import type { CallOptions, Transport } from '../../transport/call.ts'

export const containerWait = defineEndpoint({
  name: 'container-wait',
  method: 'POST',
  path: '/containers/{id}/wait',
  query: ['condition'],
  statuses: { 200: 'waiting' },
  timeout: 'unbounded',
  retry: 'same',
  answer: TypeCompiler.Compile(
    Type.Object({
      StatusCode: Type.Integer(),
      Error: Type.Optional(Type.Union([Type.Object({ Message: Type.Optional(Type.String()) }), Type.Null()])),
    }),
  ),
})

export interface ContainerWaitOptions extends CallOptions {
  /** Default `not-running`, which also holds for a container that was never started. */
  readonly condition?: 'not-running' | 'next-exit' | 'removed'
}

export interface ContainerWait {
  /** The exit code, when the container has ended. Call it once, or abort the signal: until then a connection is held. */
  exitCode(): Promise<number>
}

/** Resolves when the engine has begun to wait. */
export async function waitContainer(
  transport: Transport,
  id: string,
  options: ContainerWaitOptions = {},
): Promise<ContainerWait> {
  const { condition, signal } = options
  const answer = await transport.stream(containerWait, { path: { id }, query: { condition }, signal })
  return {
    async exitCode() {
      const { StatusCode, Error: failure } = checkAnswer(
        containerWait.name,
        containerWait.answer,
        parseJson(containerWait.name, await answer.text()),
      )
      const engineMessage = failure?.Message
      if (engineMessage !== undefined && engineMessage !== '') {
        throw new EngineError(`the engine could not wait: ${engineMessage}`, {
          code: 'server-error',
          endpoint: containerWait.name,
          engineMessage,
          retry: 'same',
        })
      }
      return StatusCode
    },
  }
}
