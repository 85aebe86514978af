// GET /info: what the engine is and what its host has.

import { type Static, Type } from '@sinclair/typebox'
import { TypeCompiler } from '@sinclair/typebox/compiler'
import { defineEndpoint } from '../../endpoint.ts'
import type { CallOptions, Transport } from '../../transport/call.ts'

const SystemInfoSchema = Type.Object({
  /** Docker's lasts, and is copied with the host's disk; Podman makes up another one for each answer. */
  ID: Type.Optional(Type.String()),
  /** The host's. */
  Name: Type.Optional(Type.String()),
  /** Where it keeps its data. */
  DockerRootDir: Type.Optional(Type.String()),
  ServerVersion: Type.String(),
  OperatingSystem: Type.String(),
  /** Storage driver, such as `overlay2`. */
  Driver: Type.String(),
  /** Bytes. */
  MemTotal: Type.Number(),
  NCPU: Type.Number(),
  /** Such as `name=seccomp,profile=default`. */
  SecurityOptions: Type.Optional(Type.Union([Type.Array(Type.String()), Type.Null()])),
  /** By name, such as `runc` or `runsc`. */
  Runtimes: Type.Record(Type.String(), Type.Unknown()),
  /** The one of them that containers run on where they name none. */
  DefaultRuntime: Type.Optional(Type.String()),
  /** `1` or `2`. */
  CgroupVersion: Type.Optional(Type.String()),
  Swarm: Type.Optional(
    Type.Object({
      /** Empty where it is in no Swarm, as the address is. */
      NodeID: Type.String(),
      NodeAddr: Type.String(),
      /** `active` in a Swarm, also while no manager can be reached; `inactive` in none; `pending`, `error` or `locked` in between. */
      LocalNodeState: Type.String(),
      /** Whether it is a manager, and can be asked as one. */
      ControlAvailable: Type.Boolean(),
      /** Of managers alone. */
      Cluster: Type.Optional(Type.Union([Type.Object({ ID: Type.String() }), Type.Null()])),
    }),
  ),
})

export type SystemInfo = Static<typeof SystemInfoSchema>

export const systemInfo = defineEndpoint({
  name: 'system-info',
  method: 'GET',
  path: '/info',
  query: [],
  statuses: { 200: 'found' },
  timeout: 'quick',
  retry: 'same',
  answer: TypeCompiler.Compile(SystemInfoSchema),
})

export function getSystemInfo(transport: Transport, options: CallOptions = {}): Promise<SystemInfo> {
  return transport.json(systemInfo, { path: {}, ...options })
}
