// POST /containers/{id}/update: changes a container's restart policy, running or not.
// Podman 4 has no such call; a caller that needs the policy gone has to do without.

import { defineEndpoint } from '../../endpoint.ts'
import type { CallOptions, Transport } from '../../transport/call.ts'
import type { RestartPolicy } from './create.ts'

export const containerUpdate = defineEndpoint({
  name: 'container-update',
  method: 'POST',
  path: '/containers/{id}/update',
  query: [],
  statuses: { 200: 'updated' },
  timeout: 'slow',
  retry: 'same',
  deviations: [{ engines: 'Podman 4', status: 404, message: /^not found$/i, outcome: 'not-supported' }],
})

export function updateContainer(
  transport: Transport,
  id: string,
  changes: { readonly RestartPolicy: RestartPolicy },
  options: CallOptions = {},
): Promise<'updated' | 'not-supported'> {
  return transport.send(containerUpdate, { path: { id }, body: { json: changes }, ...options })
}
