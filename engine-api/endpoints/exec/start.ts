// POST /exec/{id}/start without an Upgrade header: the engine answers 200 and streams frames until the process ends.
// Closing the connection does not end the process.

import { defineEndpoint } from '../../endpoint.ts'
import { type OutputPiece, readFrames } from '../../streams/frames.ts'
import type { CallOptions, Transport } from '../../transport/call.ts'

export const execStart = defineEndpoint({
  name: 'exec-start',
  method: 'POST',
  path: '/exec/{id}/start',
  query: [],
  statuses: { 200: 'started' },
  timeout: 'unbounded',
  retry: 'after-inspect',
  notes: ['The body ends with the connection, so a killed engine looks like a normal end: exec-inspect decides.'],
})

/** Starts the process at the first step of the iteration and gives what it writes. */
export async function* startExec(
  transport: Transport,
  id: string,
  options: CallOptions = {},
): AsyncGenerator<OutputPiece, void, undefined> {
  const json = { Detach: false, Tty: false }
  const answer = await transport.stream(execStart, { path: { id }, body: { json }, ...options })
  yield* readFrames(execStart.name, answer.chunks)
}
