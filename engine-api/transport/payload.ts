// The body of a request, as the HTTP library wants it and as a report shows it.

import { Readable } from 'node:stream'
import type { Call } from './call.ts'

/** What goes beside the path of a request. */
export interface Sent {
  readonly headers: Readonly<Record<string, string>>
  readonly body?: { readonly json: object } | 'tar'
}

export interface Payload {
  readonly sent: Sent
  readonly body: string | Readable | null
  /** Whether the caller's own source threw: its error is then the caller's, not the engine's. */
  failed(): boolean
}

export function payloadOf(body: Call['body']): Payload {
  if (body === undefined) return { sent: { headers: {} }, body: null, failed: () => false }
  if ('json' in body) {
    const headers = { 'content-type': 'application/json' }
    return { sent: { headers, body }, body: JSON.stringify(body.json), failed: () => false }
  }
  let failed = false
  async function* watched(source: AsyncIterable<Uint8Array>) {
    try {
      yield* source
    } catch (error) {
      failed = true
      throw error
    }
  }
  return {
    sent: { headers: { 'content-type': 'application/x-tar' }, body: 'tar' },
    body: Readable.from(watched(body.tar), { objectMode: false }),
    failed: () => failed,
  }
}
