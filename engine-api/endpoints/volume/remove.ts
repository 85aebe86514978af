// DELETE /volumes/{name}. Has no force option: a volume in use stays.

import { defineEndpoint } from '../../endpoint.ts'
import type { CallOptions, Transport } from '../../transport/call.ts'

export const volumeRemove = defineEndpoint({
  name: 'volume-remove',
  method: 'DELETE',
  path: '/volumes/{name}',
  query: [],
  statuses: { 204: 'removed', 404: 'already-gone' },
  timeout: 'slow',
  retry: 'same',
})

/** Removes a volume. One that any container uses, running or not, is EngineError `conflict`. */
export function removeVolume(
  transport: Transport,
  name: string,
  options: CallOptions = {},
): Promise<'removed' | 'already-gone'> {
  return transport.send(volumeRemove, { path: { name }, ...options })
}
