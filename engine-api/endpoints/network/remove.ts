// DELETE /networks/{id}. An engine says "forbidden" or "server error" for a network in use; here it is `conflict`.

import { defineEndpoint } from '../../endpoint.ts'
import type { CallOptions, Transport } from '../../transport/call.ts'

export const networkRemove = defineEndpoint({
  name: 'network-remove',
  method: 'DELETE',
  path: '/networks/{id}',
  query: [],
  statuses: { 200: 'removed', 204: 'removed', 404: 'already-gone' },
  timeout: 'slow',
  retry: 'same',
  deviations: [
    { engines: 'Docker 20.10 to 29', status: 403, message: /has active endpoints/i, code: 'conflict' },
    // For a moment a node still lists what the Swarm has no more.
    { engines: 'Docker 20.10, an overlay', status: 500, message: /^network \S+ not found$/i, outcome: 'already-gone' },
    { engines: 'Docker 20.10, an overlay', status: 400, message: /is in use by task/i, code: 'conflict' },
    { engines: 'Podman 4', status: 500, message: /network is being used/i, code: 'conflict' },
  ],
  differences: [
    {
      engines: 'Podman 4 and 5',
      does: 'removes a network in use when it is named by its id',
      client: 'nothing: a caller looks at `Containers` first, as down-class does',
    },
  ],
  notes: [
    'Only running containers hold a network. A stopped one does not, and then cannot be started again.',
    'An overlay is also held by a node that is down, until it is back.',
  ],
})

/** Removes a network. One that still has running containers is EngineError `conflict`. */
export function removeNetwork(
  transport: Transport,
  id: string,
  options: CallOptions = {},
): Promise<'removed' | 'already-gone'> {
  return transport.send(networkRemove, { path: { id }, ...options })
}
