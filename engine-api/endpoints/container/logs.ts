// GET /containers/{id}/logs, for a container without a terminal (Tty false).
// At API 1.41 the content type is the same for framed and raw output, so Tty decides, not the header; a Tty
// container's output is refused as `protocol` unless its bytes happen to look like a frame.
// A second one: what the engine cannot decode in its log file it leaves out, or ends there, with 200 and a clean end. `tail` counts
// the lines of the file instead, so that the two readings of a damaged log differ.

import { defineEndpoint } from '../../endpoint.ts'
import { type OutputPiece, readFrames } from '../../streams/frames.ts'
import type { CallOptions, Transport } from '../../transport/call.ts'

export const containerLogs = defineEndpoint({
  name: 'container-logs',
  method: 'GET',
  path: '/containers/{id}/logs',
  query: ['stdout', 'stderr', 'timestamps', 'tail'],
  statuses: { 200: 'found' },
  timeout: 'slow',
  retry: 'same',
  notes: ['Log drivers that cannot be read back answer 501 or an error inside the stream.'],
})

export interface ContainerLogsOptions extends CallOptions {
  /** Each line begins with its RFC 3339 time. */
  readonly timestamps?: boolean
  /** The last so many records alone, of both streams together. */
  readonly tail?: number
}

/**
 * What the container wrote so far, in pieces of no promised size. The call is sent at the first step of the iteration;
 * leaving the loop early ends it. The end is not marked by the engine: a second read of a stopped container proves it.
 */
export async function* readLogs(
  transport: Transport,
  id: string,
  options: ContainerLogsOptions = {},
): AsyncGenerator<OutputPiece, void, undefined> {
  const { timestamps, tail, signal } = options
  const query = { stdout: true, stderr: true, timestamps, tail }
  const answer = await transport.stream(containerLogs, { path: { id }, query, signal })
  yield* readFrames(containerLogs.name, answer.chunks)
}
