// POST /swarm/leave: takes the engine out of its Swarm. Its standalone containers stay; their overlay networks are torn off.

import { defineEndpoint } from '../../endpoint.ts'
import type { CallOptions, Transport } from '../../transport/call.ts'

export const swarmLeave = defineEndpoint({
  name: 'swarm-leave',
  method: 'POST',
  path: '/swarm/leave',
  query: ['force'],
  statuses: { 200: 'left' },
  timeout: 'slow',
  retry: 'same',
  deviations: [{ engines: 'Docker 20.10', status: 503, message: /not part of a swarm/i, outcome: 'not-in-one' }],
})

export interface SwarmLeaveOptions extends CallOptions {
  /** Also as a manager: with the last one the Swarm is lost. */
  readonly force?: boolean
}

export function leaveSwarm(transport: Transport, options: SwarmLeaveOptions = {}): Promise<'left' | 'not-in-one'> {
  const { force, signal } = options
  return transport.send(swarmLeave, { path: {}, query: { force }, signal })
}
