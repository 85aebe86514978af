// GET /networks/{id}: one network, with the containers attached to it.

import { type Static, Type } from '@sinclair/typebox'
import { TypeCompiler } from '@sinclair/typebox/compiler'
import { defineEndpoint } from '../../endpoint.ts'
import type { CallOptions, Transport } from '../../transport/call.ts'

/** Shared with network-list, whose entries are the same without reliable `Containers`. */
export const NetworkSchema = Type.Object({
  Id: Type.String(),
  Name: Type.String(),
  /** Empty while an overlay is not allocated; it then has no `Config` either. */
  Driver: Type.String(),
  Internal: Type.Boolean(),
  Labels: Type.Optional(Type.Union([Type.Record(Type.String(), Type.String()), Type.Null()])),
  /** Driver options that the engine took; Podman leaves those out that it does not know. */
  Options: Type.Optional(Type.Union([Type.Record(Type.String(), Type.String()), Type.Null()])),
  IPAM: Type.Object({
    Config: Type.Optional(
      Type.Union([
        Type.Array(
          Type.Object({
            Subnet: Type.Optional(Type.String()),
            IPRange: Type.Optional(Type.String()),
            Gateway: Type.Optional(Type.String()),
          }),
        ),
        Type.Null(),
      ]),
    ),
  }),
  /** By container id; of an overlay also `lb-` and its name: the node's own place. Running containers of this node only; on networks from a list it may be empty or absent. */
  Containers: Type.Optional(
    Type.Union([
      Type.Record(
        Type.String(),
        /** With its prefix length, such as `10.20.0.2/26`; empty where the container has none. */
        Type.Object({ Name: Type.String(), IPv4Address: Type.String() }),
      ),
      Type.Null(),
    ]),
  ),
})

export type Network = Static<typeof NetworkSchema>

export const networkInspect = defineEndpoint({
  name: 'network-inspect',
  method: 'GET',
  path: '/networks/{id}',
  query: [],
  statuses: { 200: 'found' },
  timeout: 'quick',
  retry: 'same',
  answer: TypeCompiler.Compile(NetworkSchema),
})

/**
 * The network of this id or name. An absent one is EngineError `not-found`, and so is an overlay on a worker where no container
 * has been started in it.
 */
export function inspectNetwork(transport: Transport, id: string, options: CallOptions = {}): Promise<Network> {
  return transport.json(networkInspect, { path: { id }, ...options })
}
