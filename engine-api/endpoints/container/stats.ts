// GET /containers/{id}/stats, one reading: what a container uses now.
// A container that does not run is no error on Docker, but zeros and absent fields with a `read` of year 1.

import { type Static, Type } from '@sinclair/typebox'
import { TypeCompiler } from '@sinclair/typebox/compiler'
import { defineEndpoint } from '../../endpoint.ts'
import type { CallOptions, Transport } from '../../transport/call.ts'

const ContainerStatsSchema = Type.Object({
  /** When it was read. Year 1 for a container that does not run. */
  read: Type.String(),
  cpu_stats: Type.Object({
    /** Nanoseconds since the start of the container. */
    cpu_usage: Type.Object({ total_usage: Type.Number() }),
    /** Nanoseconds of all the host's processors: between two readings, the share is the quotient of the differences. */
    system_cpu_usage: Type.Optional(Type.Number()),
    online_cpus: Type.Optional(Type.Number()),
  }),
  memory_stats: Type.Object({
    /** Bytes, with the page cache. */
    usage: Type.Optional(Type.Number()),
    /** Bytes; the host's memory where the container has no limit. */
    limit: Type.Optional(Type.Number()),
  }),
  /** Processes and threads. */
  pids_stats: Type.Object({ current: Type.Optional(Type.Number()) }),
})

export type ContainerStats = Static<typeof ContainerStatsSchema>

export const containerStats = defineEndpoint({
  name: 'container-stats',
  method: 'GET',
  path: '/containers/{id}/stats',
  query: ['stream', 'one-shot'],
  statuses: { 200: 'found' },
  timeout: 'quick',
  retry: 'same',
  answer: TypeCompiler.Compile(ContainerStatsSchema),
  notes: ['Without `one-shot` the engine takes a second reading first, which lasts 1 to 2 seconds.'],
})

/** One reading, at once. An absent container is EngineError `not-found`. */
export function readStats(transport: Transport, id: string, options: CallOptions = {}): Promise<ContainerStats> {
  return transport.json(containerStats, { path: { id }, query: { stream: false, 'one-shot': true }, ...options })
}
