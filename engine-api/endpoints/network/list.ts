// GET /networks: the networks that fit all filters.

import { Type } from '@sinclair/typebox'
import { TypeCompiler } from '@sinclair/typebox/compiler'
import { defineEndpoint } from '../../endpoint.ts'
import type { CallOptions, Transport } from '../../transport/call.ts'
import type { Filters } from '../../transport/request-path.ts'
import { type Network, NetworkSchema } from './inspect.ts'

export const networkList = defineEndpoint({
  name: 'network-list',
  method: 'GET',
  path: '/networks',
  query: ['filters'],
  statuses: { 200: 'found' },
  timeout: 'quick',
  retry: 'same',
  answer: TypeCompiler.Compile(Type.Array(NetworkSchema)),
  notes: ['A `name` filter matches parts of names.'],
})

export interface NetworkListOptions extends CallOptions {
  readonly filters?: Filters
}

export function listNetworks(transport: Transport, options: NetworkListOptions = {}): Promise<Network[]> {
  const { filters, signal } = options
  return transport.json(networkList, { path: {}, query: { filters }, signal })
}
