// GET /containers/json: containers that fit all filters. Never waits for a single container's lock.

import { type Static, Type } from '@sinclair/typebox'
import { TypeCompiler } from '@sinclair/typebox/compiler'
import { defineEndpoint } from '../../endpoint.ts'
import type { CallOptions, Transport } from '../../transport/call.ts'
import type { Filters } from '../../transport/request-path.ts'
import { AttachedNetworksSchema, MountSchema } from './inspect.ts'

const ContainerSummarySchema = Type.Object({
  Id: Type.String(),
  /** With a leading slash each; null or empty while a removal runs. */
  Names: Type.Optional(Type.Union([Type.Array(Type.String()), Type.Null()])),
  Image: Type.String(),
  ImageID: Type.String(),
  /** Unix seconds. */
  Created: Type.Number(),
  Labels: Type.Optional(Type.Union([Type.Record(Type.String(), Type.String()), Type.Null()])),
  /** As `State.Status` of an inspection, such as `running`. */
  State: Type.String(),
  /** For people, such as `Up 5 minutes (healthy)`. */
  Status: Type.String(),
  Mounts: Type.Optional(Type.Union([Type.Array(MountSchema), Type.Null()])),
  NetworkSettings: Type.Optional(
    Type.Union([
      Type.Object({ Networks: Type.Optional(Type.Union([AttachedNetworksSchema, Type.Null()])) }),
      Type.Null(),
    ]),
  ),
})

export type ContainerSummary = Static<typeof ContainerSummarySchema>

export const containerList = defineEndpoint({
  name: 'container-list',
  method: 'GET',
  path: '/containers/json',
  query: ['all', 'filters'],
  statuses: { 200: 'found' },
  timeout: 'quick',
  retry: 'same',
  answer: TypeCompiler.Compile(Type.Array(ContainerSummarySchema)),
  notes: ['A `name` filter matches parts of names.'],
})

export interface ContainerListOptions extends CallOptions {
  /** Also those that do not run. */
  readonly all?: boolean
  readonly filters?: Filters
}

export function listContainers(transport: Transport, options: ContainerListOptions = {}): Promise<ContainerSummary[]> {
  const { all, filters, signal } = options
  return transport.json(containerList, { path: {}, query: { all, filters }, signal })
}
