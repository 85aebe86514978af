// POST /exec/{id}/start with an Upgrade header: starts the process with its input and output on one connection.
// Engines differ in the headers of their 101 (Podman 4 swaps two of them), so only the status counts.

import { defineEndpoint } from '../../endpoint.ts'
import type { CallOptions, Transport, UpgradedConnection } from '../../transport/call.ts'

export const execAttach = defineEndpoint({
  name: 'exec-attach',
  method: 'POST',
  path: '/exec/{id}/start',
  query: [],
  statuses: { 101: 'attached' },
  timeout: 'unbounded',
  retry: 'after-inspect',
  differences: [
    {
      engines: 'Podman 4 and 5',
      does: 'may lose the output of a process that ends before it took all its input, and adds a line of its own',
      client: 'gives what comes; the exit code is right',
    },
  ],
  notes: [
    'After the 101 the connection is no longer HTTP: frames come (plain bytes with a terminal), input goes as it is.',
    'A command that cannot be run is told in the output, and by exit code 126 or 127.',
    'A 200 means that something in between took the Upgrade header away.',
  ],
})

/** Starts the process. A container that no longer runs is EngineError `conflict`, a dropped exec `not-found`. */
export function attachExec(
  transport: Transport,
  id: string,
  process: { readonly terminal: boolean },
  options: CallOptions = {},
): Promise<UpgradedConnection> {
  const json = { Detach: false, Tty: process.terminal }
  return transport.upgrade(execAttach, { path: { id }, body: { json }, ...options })
}
