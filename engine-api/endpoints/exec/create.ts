// POST /containers/{id}/exec: prepares a process in a running container; exec-start runs it.

import { Type } from '@sinclair/typebox'
import { TypeCompiler } from '@sinclair/typebox/compiler'
import { defineEndpoint } from '../../endpoint.ts'
import type { CallOptions, Transport } from '../../transport/call.ts'

export const execCreate = defineEndpoint({
  name: 'exec-create',
  method: 'POST',
  path: '/containers/{id}/exec',
  query: [],
  statuses: { 201: 'created' },
  timeout: 'slow',
  retry: 'same',
  answer: TypeCompiler.Compile(Type.Object({ Id: Type.String() })),
  deviations: [{ engines: 'Podman 4', status: 500, message: /container state improper/i, code: 'conflict' }],
  differences: [
    {
      engines: 'Docker 29',
      does: 'runs the process with umask 0, where others have 022',
      client: 'nothing: who needs modes sets them',
    },
  ],
})

export interface ExecProcess {
  readonly command: readonly string[]
  /** `name`, `uid` or `uid:gid`. Default: the container's user. */
  readonly user?: string | undefined
  /** Whether it is given input. Default false. */
  readonly input?: boolean
  /** Whether it gets a terminal: then both streams are one, and carry the terminal's control characters. Default false. */
  readonly terminal?: boolean
}

/** The new exec's id. A container that does not run is EngineError `conflict`. */
export async function createExec(
  transport: Transport,
  containerId: string,
  process: ExecProcess,
  options: CallOptions = {},
): Promise<string> {
  const { command, user, input = false, terminal = false } = process
  const json = {
    AttachStdin: input,
    AttachStdout: true,
    AttachStderr: true,
    Tty: terminal,
    Cmd: command,
    User: user,
  }
  const answer = await transport.json(execCreate, { path: { id: containerId }, body: { json }, ...options })
  return answer.Id
}
