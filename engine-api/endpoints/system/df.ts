// GET /system/df: the disk space of images, containers and volumes.
// The engine walks every volume for it, which can take minutes and loads the disk: never poll it.

import { type Static, Type } from '@sinclair/typebox'
import { TypeCompiler } from '@sinclair/typebox/compiler'
import { defineEndpoint } from '../../endpoint.ts'
import type { CallOptions, Transport } from '../../transport/call.ts'

const Labels = Type.Optional(Type.Union([Type.Record(Type.String(), Type.String()), Type.Null()]))

const DiskUsageSchema = Type.Object({
  /** Bytes of all image layers, each counted once. */
  LayersSize: Type.Number(),
  Images: Type.Union([Type.Array(Type.Object({ Id: Type.String(), Size: Type.Number() })), Type.Null()]),
  Containers: Type.Union([
    Type.Array(
      Type.Object({
        Id: Type.String(),
        Labels,
        /** Bytes it wrote beside its image; absent where it wrote none. */
        SizeRw: Type.Optional(Type.Number()),
      }),
    ),
    Type.Null(),
  ]),
  Volumes: Type.Union([
    Type.Array(
      Type.Object({
        Name: Type.String(),
        Labels,
        /** Bytes, and by how many containers it is used; -1 where the engine does not know. */
        UsageData: Type.Optional(
          Type.Union([Type.Object({ Size: Type.Number(), RefCount: Type.Number() }), Type.Null()]),
        ),
      }),
    ),
    Type.Null(),
  ]),
})

export type DiskUsage = Static<typeof DiskUsageSchema>

export const systemDf = defineEndpoint({
  name: 'system-df',
  method: 'GET',
  path: '/system/df',
  query: [],
  statuses: { 200: 'found' },
  timeout: 'slow',
  retry: 'same',
  answer: TypeCompiler.Compile(DiskUsageSchema),
  differences: [
    { engines: 'Docker 20.10', does: 'answers 500 while another such call runs', client: 'EngineError `server-error`' },
  ],
})

export function getDiskUsage(transport: Transport, options: CallOptions = {}): Promise<DiskUsage> {
  return transport.json(systemDf, { path: {}, ...options })
}
