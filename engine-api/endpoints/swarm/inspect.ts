// GET /swarm: the Swarm that this engine manages, with the tokens that let others join. Who is no manager answers 503.

import { type Static, Type } from '@sinclair/typebox'
import { TypeCompiler } from '@sinclair/typebox/compiler'
import { defineEndpoint } from '../../endpoint.ts'
import type { CallOptions, Transport } from '../../transport/call.ts'

const SwarmSchema = Type.Object({
  /** The same that a manager's `/info` calls `Swarm.Cluster.ID`. */
  ID: Type.String(),
  /** Secrets. */
  JoinTokens: Type.Object({ Worker: Type.String(), Manager: Type.String() }),
})

export type Swarm = Static<typeof SwarmSchema>

export const swarmInspect = defineEndpoint({
  name: 'swarm-inspect',
  method: 'GET',
  path: '/swarm',
  query: [],
  statuses: { 200: 'found' },
  timeout: 'quick',
  retry: 'same',
  answer: TypeCompiler.Compile(SwarmSchema),
})

export function inspectSwarm(transport: Transport, options: CallOptions = {}): Promise<Swarm> {
  return transport.json(swarmInspect, { path: {}, ...options })
}
