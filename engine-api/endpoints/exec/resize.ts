// POST /exec/{id}/resize: tells a running exec how large its terminal is.
// Before the process runs the engine refuses it, so it comes after exec-attach has its connection.

import { defineEndpoint } from '../../endpoint.ts'
import type { CallOptions, Transport } from '../../transport/call.ts'

export const execResize = defineEndpoint({
  name: 'exec-resize',
  method: 'POST',
  path: '/exec/{id}/resize',
  query: ['h', 'w'],
  statuses: { 200: 'resized', 201: 'resized' },
  timeout: 'quick',
  retry: 'same',
})

export interface TerminalSize {
  /** Lines of text. */
  readonly rows: number
  /** Characters in a line. */
  readonly columns: number
}

export async function resizeExec(
  transport: Transport,
  id: string,
  { rows, columns }: TerminalSize,
  options: CallOptions = {},
): Promise<void> {
  await transport.send(execResize, { path: { id }, query: { h: rows, w: columns }, ...options })
}
