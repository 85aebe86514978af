// POST /images/{name}/tag: gives an image one more name.
// A name that another image has is taken from it without a word.

import { defineEndpoint } from '../../endpoint.ts'
import type { CallOptions, Transport } from '../../transport/call.ts'

export const imageTag = defineEndpoint({
  name: 'image-tag',
  method: 'POST',
  path: '/images/{name}/tag',
  query: ['repo', 'tag'],
  statuses: { 201: 'tagged' },
  timeout: 'slow',
  retry: 'same',
})

/** Names the image of this name or id `repository:tag` as well. An absent one is EngineError `not-found`. */
export async function tagImage(
  transport: Transport,
  name: string,
  image: { readonly repository: string; readonly tag: string },
  options: CallOptions = {},
): Promise<void> {
  const query = { repo: image.repository, tag: image.tag }
  await transport.send(imageTag, { path: { name }, query, ...options })
}
