// POST /containers/{id}/kill: SIGKILL, without grace. Resolves when the signal is sent, a moment before the process is gone.

import { defineEndpoint } from '../../endpoint.ts'
import type { CallOptions, Transport } from '../../transport/call.ts'

export const containerKill = defineEndpoint({
  name: 'container-kill',
  method: 'POST',
  path: '/containers/{id}/kill',
  query: [],
  statuses: { 204: 'killed' },
  timeout: 'slow',
  retry: 'same',
  deviations: [
    {
      engines: 'Docker 20.10 to 29',
      status: 409,
      message: /is not running/i,
      outcome: 'not-running',
    },
    {
      engines: 'Podman 4',
      status: 500,
      message: /can only kill running containers/i,
      outcome: 'not-running',
    },
    {
      engines: 'Podman 5',
      status: 409,
      message: /can only kill running containers/i,
      outcome: 'not-running',
    },
  ],
  differences: [
    {
      engines: 'Docker 29',
      does: 'may answer before the list of containers tells the end, which an inspect tells',
      client: 'nothing',
    },
  ],
})

export function killContainer(
  transport: Transport,
  id: string,
  options: CallOptions = {},
): Promise<'killed' | 'not-running'> {
  return transport.send(containerKill, { path: { id }, ...options })
}
