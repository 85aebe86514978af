// DELETE /containers/{id}. Has no force and no volumes option on purpose: the engine's refusal to remove a running
// container is the caller's fence, and a volume goes only when it is named.

import { defineEndpoint } from '../../endpoint.ts'
import type { CallOptions, Transport } from '../../transport/call.ts'

export const containerRemove = defineEndpoint({
  name: 'container-remove',
  method: 'DELETE',
  path: '/containers/{id}',
  query: [],
  statuses: { 204: 'removed', 404: 'already-gone' },
  timeout: 'slow',
  retry: 'same',
  deviations: [{ engines: 'Podman 4', status: 500, message: /container state improper/i, code: 'conflict' }],
  notes: ['409 also while another removal of the same container runs.'],
})

/** Removes a stopped container. A running one, or one being removed, is EngineError `conflict`. */
export function removeContainer(
  transport: Transport,
  id: string,
  options: CallOptions = {},
): Promise<'removed' | 'already-gone'> {
  return transport.send(containerRemove, { path: { id }, ...options })
}
