// POST /images/create?fromImage=: fetches an image from its registry.
// The 200 comes before the work; a failure is a record inside the stream.

import { defineEndpoint } from '../../endpoint.ts'
import { EngineError } from '../../errors.ts'
import { readRecords } from '../../streams/ndjson.ts'
import type { CallOptions, Transport } from '../../transport/call.ts'

export const imagePull = defineEndpoint({
  name: 'image-pull',
  method: 'POST',
  path: '/images/create',
  query: ['fromImage'],
  statuses: { 200: 'pulled' },
  timeout: 'unbounded',
  retry: 'same',
})

/**
 * Fetches `reference`, such as `busybox:1.36`; resolves when the engine has it. Without a tag or a digest it is EngineError
 * `invalid-argument`: the engine would fetch every tag of the repository.
 */
export async function pullImage(transport: Transport, reference: string, options: CallOptions = {}): Promise<void> {
  if (!/[:@][^/]+$/.test(reference)) {
    throw new EngineError(`the image ${JSON.stringify(reference)} has no tag and no digest`, {
      code: 'invalid-argument',
      endpoint: imagePull.name,
      retry: 'no',
    })
  }
  const answer = await transport.stream(imagePull, { path: {}, query: { fromImage: reference }, ...options })
  for await (const _progress of readRecords(imagePull.name, answer.chunks)) {
    // Progress is for people at a terminal; only its errors and its end count here.
  }
}
