// GET /volumes: the volumes that fit all filters.

import { Type } from '@sinclair/typebox'
import { TypeCompiler } from '@sinclair/typebox/compiler'
import { defineEndpoint } from '../../endpoint.ts'
import type { CallOptions, Transport } from '../../transport/call.ts'
import type { Filters } from '../../transport/request-path.ts'
import { type Volume, VolumeSchema } from './inspect.ts'

export const volumeList = defineEndpoint({
  name: 'volume-list',
  method: 'GET',
  path: '/volumes',
  query: ['filters'],
  statuses: { 200: 'found' },
  timeout: 'quick',
  retry: 'same',
  differences: [
    {
      engines: 'Podman 4',
      does: 'of several labels in a filter wants any, where Docker wants all',
      client: 'nothing: down-class asks for one label and reads the rest',
    },
  ],
  answer: TypeCompiler.Compile(
    Type.Object({ Volumes: Type.Optional(Type.Union([Type.Array(VolumeSchema), Type.Null()])) }),
  ),
})

export interface VolumeListOptions extends CallOptions {
  readonly filters?: Filters
}

export async function listVolumes(transport: Transport, options: VolumeListOptions = {}): Promise<Volume[]> {
  const { filters, signal } = options
  const answer = await transport.json(volumeList, { path: {}, query: { filters }, signal })
  return answer.Volumes ?? []
}
