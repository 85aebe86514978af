// POST /networks/{id}/connect: attaches a container, running or not.

import { defineEndpoint } from '../../endpoint.ts'
import type { CallOptions, Transport } from '../../transport/call.ts'
import type { EndpointSettings } from '../container/create.ts'

export const networkConnect = defineEndpoint({
  name: 'network-connect',
  method: 'POST',
  path: '/networks/{id}/connect',
  query: [],
  statuses: { 200: 'connected' },
  timeout: 'slow',
  retry: 'same',
  deviations: [
    { engines: 'Docker 20.10 to 29', status: 403, message: /already exists in network/i, outcome: 'already-connected' },
    {
      engines: 'Docker 20.10, an overlay',
      status: 409,
      message: /already attached to network/i,
      outcome: 'already-connected',
    },
    { engines: 'Podman 4', status: 500, message: /already connected to network/i, outcome: 'already-connected' },
    { engines: 'Podman 5', status: 403, message: /already connected to network/i, outcome: 'already-connected' },
  ],
  differences: [
    { engines: 'Podman 4', does: 'refuses a container name with a leading slash', client: 'asks for the id' },
  ],
})

export interface NetworkConnectOptions extends CallOptions {
  /** Without it the engine chooses an address. */
  readonly endpoint?: EndpointSettings | undefined
}

/**
 * Attaches a container, named by its id. An absent network or container is EngineError `not-found`. One that does not run and
 * was in a network of this name that is gone is in this one from then on.
 */
export function connectNetwork(
  transport: Transport,
  id: string,
  containerId: string,
  { endpoint, ...options }: NetworkConnectOptions = {},
): Promise<'connected' | 'already-connected'> {
  const json = { Container: containerId, ...(endpoint === undefined ? {} : { EndpointConfig: endpoint }) }
  return transport.send(networkConnect, { path: { id }, body: { json }, ...options })
}
