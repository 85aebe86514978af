// GET /containers/{id}/changes: what a container wrote beside its image, by path.
// Files on volumes and tmpfs are never in it, and no change at all is `null` on the wire.

import { type Static, Type } from '@sinclair/typebox'
import { TypeCompiler } from '@sinclair/typebox/compiler'
import { defineEndpoint } from '../../endpoint.ts'
import type { CallOptions, Transport } from '../../transport/call.ts'

const ChangeSchema = Type.Object({
  /** Absolute path in the container. */
  Path: Type.String(),
  /** 0 changed, 1 added, 2 deleted. */
  Kind: Type.Union([Type.Literal(0), Type.Literal(1), Type.Literal(2)]),
})

export type Change = Static<typeof ChangeSchema>

export const containerChanges = defineEndpoint({
  name: 'container-changes',
  method: 'GET',
  path: '/containers/{id}/changes',
  query: [],
  statuses: { 200: 'found' },
  timeout: 'slow',
  retry: 'same',
  answer: TypeCompiler.Compile(Type.Union([Type.Array(ChangeSchema), Type.Null()])),
})

export async function listChanges(transport: Transport, id: string, options: CallOptions = {}): Promise<Change[]> {
  return (await transport.json(containerChanges, { path: { id }, ...options })) ?? []
}
