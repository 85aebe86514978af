// POST /nodes/{id}/update: replaces what an operator has said of a node. What is left out is gone, so it takes the node as it was listed.

import { defineEndpoint } from '../../endpoint.ts'
import type { CallOptions, Transport } from '../../transport/call.ts'
import type { SwarmNode } from './list.ts'

export const nodeUpdate = defineEndpoint({
  name: 'node-update',
  method: 'POST',
  path: '/nodes/{id}/update',
  query: ['version'],
  statuses: { 200: 'updated' },
  timeout: 'slow',
  retry: 'after-inspect',
  deviations: [{ engines: 'Docker 20.10', status: 500, message: /update out of sequence/i, code: 'conflict' }],
  notes: ['Standalone containers of a node that is drained run on: only tasks of services leave it.'],
})

/** Sets the availability of a node from a list. One that was changed since is EngineError `conflict`. */
export function updateNode(
  transport: Transport,
  { ID, Version, Spec }: SwarmNode,
  changes: Pick<SwarmNode['Spec'], 'Availability'>,
  options: CallOptions = {},
): Promise<'updated'> {
  const query = { version: String(Version.Index) }
  return transport.send(nodeUpdate, { path: { id: ID }, query, body: { json: { ...Spec, ...changes } }, ...options })
}
