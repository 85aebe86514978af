// GET /nodes: the nodes of the Swarm, as its manager sees them. Who is no manager answers 503.

import { type Static, Type } from '@sinclair/typebox'
import { TypeCompiler } from '@sinclair/typebox/compiler'
import { defineEndpoint } from '../../endpoint.ts'
import type { CallOptions, Transport } from '../../transport/call.ts'

const NodeSchema = Type.Object({
  /** The same that the node's own `/info` calls `Swarm.NodeID`. */
  ID: Type.String(),
  /** What an update of the node names. */
  Version: Type.Object({ Index: Type.Integer() }),
  Spec: Type.Object({
    /** Absent, as a rule: `Description.Hostname` tells nodes apart. */
    Name: Type.Optional(Type.String()),
    Labels: Type.Optional(Type.Union([Type.Record(Type.String(), Type.String()), Type.Null()])),
    Role: Type.Union([Type.Literal('manager'), Type.Literal('worker')]),
    /** What an operator said: `pause` gets nothing new, `drain` is to be emptied. */
    Availability: Type.Union([Type.Literal('active'), Type.Literal('pause'), Type.Literal('drain')]),
  }),
  /** Empty of a node that has joined and said nothing yet, as its fields are. */
  Description: Type.Object({
    Hostname: Type.Optional(Type.String()),
    Resources: Type.Optional(
      Type.Object({
        /** Billionths of a CPU. */
        NanoCPUs: Type.Optional(Type.Number()),
        /** Bytes. */
        MemoryBytes: Type.Optional(Type.Number()),
      }),
    ),
    Engine: Type.Optional(Type.Object({ EngineVersion: Type.Optional(Type.String()) })),
  }),
  Status: Type.Object({
    /** `ready`, `down`, `disconnected`, or `unknown` for some seconds after the manager has started. */
    State: Type.String(),
    /** Why it is not ready, such as `heartbeat failure`. */
    Message: Type.Optional(Type.String()),
    /** Its IP address. */
    Addr: Type.String(),
  }),
  /** Of managers alone. */
  ManagerStatus: Type.Optional(
    Type.Object({
      Leader: Type.Optional(Type.Boolean()),
      /** `reachable`, `unreachable` or `unknown`. */
      Reachability: Type.String(),
      /** Address and port. */
      Addr: Type.String(),
    }),
  ),
})

export type SwarmNode = Static<typeof NodeSchema>

export const nodeList = defineEndpoint({
  name: 'node-list',
  method: 'GET',
  path: '/nodes',
  query: [],
  statuses: { 200: 'found' },
  timeout: 'quick',
  retry: 'same',
  answer: TypeCompiler.Compile(Type.Array(NodeSchema)),
  notes: [
    'An engine that is no manager, or in no Swarm, answers 503.',
    'A node that was lost is `ready` until it has missed its heartbeats: 11 to 14 s.',
  ],
})

export function listNodes(transport: Transport, options: CallOptions = {}): Promise<SwarmNode[]> {
  return transport.json(nodeList, { path: {}, ...options })
}
