// POST /volumes/create. Where a volume of that name exists, the engine answers it unchanged, as if it were new.

import { TypeCompiler } from '@sinclair/typebox/compiler'
import { defineEndpoint } from '../../endpoint.ts'
import type { CallOptions, Transport } from '../../transport/call.ts'
import { type Volume, VolumeSchema } from './inspect.ts'

export interface VolumeSpecification {
  readonly Name: string
  readonly Labels?: Readonly<Record<string, string>>
}

export const volumeCreate = defineEndpoint({
  name: 'volume-create',
  method: 'POST',
  path: '/volumes/create',
  query: [],
  statuses: { 201: 'created' },
  timeout: 'slow',
  retry: 'same',
  answer: TypeCompiler.Compile(VolumeSchema),
})

/** Makes a volume, or gives the one that has this name already: compare `Labels` to know whose it is. */
export function createVolume(
  transport: Transport,
  specification: VolumeSpecification,
  options: CallOptions = {},
): Promise<Volume> {
  return transport.json(volumeCreate, { path: {}, body: { json: specification }, ...options })
}
