// POST /containers/{id}/start. Sent without a body: engines refuse one.

import { defineEndpoint } from '../../endpoint.ts'
import type { CallOptions, Transport } from '../../transport/call.ts'

export const containerStart = defineEndpoint({
  name: 'container-start',
  method: 'POST',
  path: '/containers/{id}/start',
  query: [],
  statuses: { 204: 'started', 304: 'already-running' },
  timeout: 'slow',
  retry: 'same',
  notes: [
    'A command that is not found or not executable is 400. A network of the container that is gone is 404 or 500.',
    'In an overlay the manager has to agree. Where it cannot be reached, or the address is taken, the answer is 500 after 20 s.',
  ],
})

/** Starts a container and resolves when its process runs (not when it is ready). */
export function startContainer(
  transport: Transport,
  id: string,
  options: CallOptions = {},
): Promise<'started' | 'already-running'> {
  return transport.send(containerStart, { path: { id }, ...options })
}
