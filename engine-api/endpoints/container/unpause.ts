// POST /containers/{id}/unpause: lets a paused container go on.
// Engines call "not paused" a fault of their own (500); here it is an outcome, also for a stopped container.

import { defineEndpoint } from '../../endpoint.ts'
import type { CallOptions, Transport } from '../../transport/call.ts'

export const containerUnpause = defineEndpoint({
  name: 'container-unpause',
  method: 'POST',
  path: '/containers/{id}/unpause',
  query: [],
  statuses: { 204: 'unpaused' },
  timeout: 'slow',
  retry: 'same',
  deviations: [
    {
      engines: 'Docker 20.10, Podman 4',
      status: 500,
      message: /is not paused/i,
      outcome: 'not-paused',
    },
  ],
})

export function unpauseContainer(
  transport: Transport,
  id: string,
  options: CallOptions = {},
): Promise<'unpaused' | 'not-paused'> {
  return transport.send(containerUnpause, { path: { id }, ...options })
}
