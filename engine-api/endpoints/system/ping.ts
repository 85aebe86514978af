// GET /_ping: is the engine alive. Cheap, unlike GET /version, which asks containerd and runc each time.
// The transport also sends it without a version prefix, to learn which API version to speak.

import { defineEndpoint } from '../../endpoint.ts'
import type { CallOptions, Transport } from '../../transport/call.ts'

export const systemPing = defineEndpoint({
  name: 'system-ping',
  method: 'GET',
  path: '/_ping',
  query: [],
  statuses: { 200: 'alive' },
  timeout: 'quick',
  retry: 'same',
})

/** Resolves when the engine answers. */
export async function pingSystem(transport: Transport, options: CallOptions = {}): Promise<void> {
  await transport.send(systemPing, { path: {}, ...options })
}
