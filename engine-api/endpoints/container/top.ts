// GET /containers/{id}/top: the processes of a running container, as `ps` on the engine's host names them.
// The process ids are the host's, and the columns are those of its `ps`, so find a column by its title.

import { type Static, Type } from '@sinclair/typebox'
import { TypeCompiler } from '@sinclair/typebox/compiler'
import { defineEndpoint } from '../../endpoint.ts'
import { EngineError } from '../../errors.ts'
import { checkAnswer, parseJson } from '../../transport/answer.ts'
import type { CallOptions, Transport } from '../../transport/call.ts'

const ContainerProcessesSchema = Type.Object({
  /** Such as `UID`, `PID`, `CMD`. */
  Titles: Type.Array(Type.String()),
  /** For each process one text a title. */
  Processes: Type.Array(Type.Array(Type.String())),
})

export type ContainerProcesses = Static<typeof ContainerProcessesSchema>

export const containerTop = defineEndpoint({
  name: 'container-top',
  method: 'GET',
  path: '/containers/{id}/top',
  query: [],
  statuses: { 200: 'found' },
  timeout: 'slow',
  retry: 'same',
  answer: TypeCompiler.Compile(ContainerProcessesSchema),
  deviations: [
    { engines: 'Podman 4', status: 500, message: /can only be used on running containers/i, code: 'conflict' },
  ],
  differences: [
    {
      engines: 'Podman 4',
      does: 'runs the `ps` of the image, and says any failure with an empty 200',
      client: 'EngineError `conflict`',
    },
  ],
  notes: ['500 where the host of the engine has no `ps`.'],
})

/** The processes of a container. One that does not run is EngineError `conflict`. */
export async function listProcesses(
  transport: Transport,
  id: string,
  options: CallOptions = {},
): Promise<ContainerProcesses> {
  const { text } = await transport.take(containerTop, { path: { id }, ...options })
  if (text !== '') return checkAnswer(containerTop.name, containerTop.answer, parseJson(containerTop.name, text))
  throw new EngineError('the engine names no process: does the container run, and has its image a `ps`?', {
    code: 'conflict',
    endpoint: containerTop.name,
    retry: 'after-inspect',
  })
}
