// POST /swarm/init: makes the engine the first manager of a new Swarm.

import { Type } from '@sinclair/typebox'
import { TypeCompiler } from '@sinclair/typebox/compiler'
import { defineEndpoint } from '../../endpoint.ts'
import type { CallOptions, Transport } from '../../transport/call.ts'

/** Where other nodes reach this one: an address or an interface of its host each, with the port 2377 unless given. */
export interface SwarmAddresses {
  readonly ListenAddr: string
  readonly AdvertiseAddr: string
}

export const swarmInit = defineEndpoint({
  name: 'swarm-init',
  method: 'POST',
  path: '/swarm/init',
  query: [],
  statuses: { 200: 'begun' },
  timeout: 'slow',
  retry: 'after-inspect',
  answer: TypeCompiler.Compile(Type.String()),
  deviations: [{ engines: 'Docker 20.10', status: 503, message: /already part of a swarm/i, code: 'conflict' }],
})

/** The id of the engine's node. An engine that is in a Swarm already is EngineError `conflict`. */
export function initSwarm(transport: Transport, addresses: SwarmAddresses, options: CallOptions = {}): Promise<string> {
  return transport.json(swarmInit, { path: {}, body: { json: addresses }, ...options })
}
