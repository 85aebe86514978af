// POST /swarm/join: makes the engine a node of a Swarm, a worker or a manager by the token.

import { defineEndpoint } from '../../endpoint.ts'
import type { CallOptions, Transport } from '../../transport/call.ts'
import type { SwarmAddresses } from './init.ts'

export const swarmJoin = defineEndpoint({
  name: 'swarm-join',
  method: 'POST',
  path: '/swarm/join',
  query: [],
  statuses: { 200: 'joined' },
  timeout: 'slow',
  retry: 'after-inspect',
  deviations: [{ engines: 'Docker 20.10', status: 503, message: /already part of a swarm/i, code: 'conflict' }],
})

/** Of another Swarm's manager; see `inspectSwarm`. */
export interface SwarmInvitation {
  /** Address and port of managers. */
  readonly RemoteAddrs: readonly string[]
  readonly JoinToken: string
}

/** Joins. An engine that is in a Swarm already is EngineError `conflict`. */
export function joinSwarm(
  transport: Transport,
  request: SwarmAddresses & SwarmInvitation,
  options: CallOptions = {},
): Promise<'joined'> {
  return transport.send(swarmJoin, { path: {}, body: { json: request }, ...options })
}
