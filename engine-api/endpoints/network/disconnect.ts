// POST /networks/{id}/disconnect: detaches a container.
// An absent network or container is 'not-connected', since that is what the caller wanted.

import { defineEndpoint } from '../../endpoint.ts'
import type { CallOptions, Transport } from '../../transport/call.ts'

export const networkDisconnect = defineEndpoint({
  name: 'network-disconnect',
  method: 'POST',
  path: '/networks/{id}/disconnect',
  query: [],
  statuses: { 200: 'disconnected', 404: 'not-connected' },
  timeout: 'slow',
  retry: 'same',
  deviations: [
    {
      engines: 'Docker 20.10 to 29, Podman 4',
      status: 500,
      message: /is not connected/i,
      outcome: 'not-connected',
    },
  ],
})

export interface NetworkDisconnectOptions extends CallOptions {
  /** Drops the endpoint even of a container that is gone; the engine then wants the endpoint's name, not an id. */
  readonly force?: boolean
}

export function disconnectNetwork(
  transport: Transport,
  id: string,
  container: string,
  options: NetworkDisconnectOptions = {},
): Promise<'disconnected' | 'not-connected'> {
  const { force = false, signal } = options
  return transport.send(networkDisconnect, {
    path: { id },
    body: { json: { Container: container, Force: force } },
    signal,
  })
}
