// POST /networks/{id}/connect: attaches a container, running or not.

import type { CallOptions, Transport } from '../call.ts'
import { defineOperation } from '../operation.ts'

export const networkConnect = defineOperation({
  name: 'network-connect',
  method: 'POST',
  path: '/networks/{id}/connect',
  query: [],
  statuses: { 200: 'connected' },
  timeout: 'slow',
  retry: 'same',
  deviations: [
    { engines: 'Docker 20.10 to 29', status: 403, message: /already exists in network/i, outcome: 'already-connected' },
    { engines: 'Podman 4', status: 500, message: /already connected to network/i, outcome: 'already-connected' },
    { engines: 'Podman 5', status: 403, message: /already connected to network/i, outcome: 'already-connected' },
  ],
  differences: [
    { engines: 'Podman 4', does: 'refuses a container name with a leading slash', client: 'asks for the id' },
  ],
})

/** Attaches a container, named by its id. An absent network or container is EngineError `not-found`. */
export function connectNetwork(
  transport: Transport,
  id: string,
  containerId: string,
  options: CallOptions = {},
): Promise<'connected' | 'already-connected'> {
  return transport.send(networkConnect, { path: { id }, body: { json: { Container: containerId } }, ...options })
}
