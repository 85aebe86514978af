// POST /containers/{id}/stop: the stop signal, then the kill after the grace. Resolves when the process has ended.
// Giving up on the call does not give up the stop.

import { defineEndpoint } from '../../endpoint.ts'
import type { CallOptions, Transport } from '../../transport/call.ts'

export const containerStop = defineEndpoint({
  name: 'container-stop',
  method: 'POST',
  path: '/containers/{id}/stop',
  query: ['t'],
  statuses: { 204: 'stopped', 304: 'already-stopped' },
  timeout: 'slow',
  retry: 'same',
})

export interface ContainerStopOptions extends CallOptions {
  /** Whole seconds between the stop signal and the kill. Default: the container's StopTimeout, else 10. */
  readonly graceSeconds?: number
}

export function stopContainer(
  transport: Transport,
  id: string,
  options: ContainerStopOptions = {},
): Promise<'stopped' | 'already-stopped'> {
  const { graceSeconds, signal } = options
  return transport.send(containerStop, {
    path: { id },
    query: { t: graceSeconds },
    engineWaitsMs: (graceSeconds ?? 0) * 1000,
    signal,
  })
}
