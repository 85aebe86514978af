// GET /volumes/{name}: one volume.

import { type Static, Type } from '@sinclair/typebox'
import { TypeCompiler } from '@sinclair/typebox/compiler'
import { defineEndpoint } from '../../endpoint.ts'
import type { CallOptions, Transport } from '../../transport/call.ts'

/** Shared with volume-create and volume-list. */
export const VolumeSchema = Type.Object({
  Name: Type.String(),
  Driver: Type.String(),
  /** RFC 3339. */
  CreatedAt: Type.Optional(Type.String()),
  Labels: Type.Optional(Type.Union([Type.Record(Type.String(), Type.String()), Type.Null()])),
})

export type Volume = Static<typeof VolumeSchema>

export const volumeInspect = defineEndpoint({
  name: 'volume-inspect',
  method: 'GET',
  path: '/volumes/{name}',
  query: [],
  statuses: { 200: 'found' },
  timeout: 'quick',
  retry: 'same',
  answer: TypeCompiler.Compile(VolumeSchema),
})

/** The volume of this name. An absent one is EngineError `not-found`. */
export function inspectVolume(transport: Transport, name: string, options: CallOptions = {}): Promise<Volume> {
  return transport.json(volumeInspect, { path: { name }, ...options })
}
