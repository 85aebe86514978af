// POST /containers/{id}/pause: freezes every process of a container; memory and network stay as they are.
// A paused container still counts as running, and takes no exec until it is unpaused.

import { defineEndpoint } from '../../endpoint.ts'
import type { CallOptions, Transport } from '../../transport/call.ts'

export const containerPause = defineEndpoint({
  name: 'container-pause',
  method: 'POST',
  path: '/containers/{id}/pause',
  query: [],
  statuses: { 204: 'paused' },
  timeout: 'slow',
  retry: 'same',
  deviations: [
    { engines: 'Docker 20.10 to 29', status: 409, message: /is already paused/i, outcome: 'already-paused' },
    { engines: 'Podman 4', status: 500, message: /is already paused/i, outcome: 'already-paused' },
    { engines: 'Podman 4', status: 500, message: /is not running, can't pause/i, code: 'conflict' },
  ],
})

/** Freezes a running container. One that does not run is EngineError `conflict`. */
export function pauseContainer(
  transport: Transport,
  id: string,
  options: CallOptions = {},
): Promise<'paused' | 'already-paused'> {
  return transport.send(containerPause, { path: { id }, ...options })
}
