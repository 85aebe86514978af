// DELETE /images/{name}. Has no force option: an image that a container uses stays.
// A name removes only itself while the image has others; its layers go with the last.

import { defineEndpoint } from '../../endpoint.ts'
import type { CallOptions, Transport } from '../../transport/call.ts'

export const imageRemove = defineEndpoint({
  name: 'image-remove',
  method: 'DELETE',
  path: '/images/{name}',
  query: [],
  statuses: { 200: 'removed', 404: 'already-gone' },
  timeout: 'slow',
  retry: 'same',
  notes: ['By id, an image that has names in several repositories is 409.'],
})

/** Removes a name of an image. One that any container uses, running or not, is EngineError `conflict`. */
export function removeImage(
  transport: Transport,
  name: string,
  options: CallOptions = {},
): Promise<'removed' | 'already-gone'> {
  return transport.send(imageRemove, { path: { name }, ...options })
}
