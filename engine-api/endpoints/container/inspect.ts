// GET /containers/{id}/json: one container.
// It waits while an archive of the same container is being read; container-list does not.

import { type Static, Type } from '@sinclair/typebox'
import { TypeCompiler } from '@sinclair/typebox/compiler'
import { defineEndpoint } from '../../endpoint.ts'
import type { CallOptions, Transport } from '../../transport/call.ts'

const Labels = Type.Optional(Type.Union([Type.Record(Type.String(), Type.String()), Type.Null()]))

/**
 * By network name; before a first start, by the name or id that the network was given by, and with no `NetworkID`. `IPAddress` is
 * empty while the container does not run. Shared with container-list.
 */
export const AttachedNetworksSchema = Type.Record(
  Type.String(),
  Type.Object({
    IPAddress: Type.Optional(Type.String()),
    NetworkID: Type.Optional(Type.String()),
    Aliases: Type.Optional(Type.Union([Type.Array(Type.String()), Type.Null()])),
  }),
)

/** Shared with container-list. */
export const MountSchema = Type.Object({
  /** `volume`, `bind` or `tmpfs`. */
  Type: Type.String(),
  /** The volume's name; absent for other types. */
  Name: Type.Optional(Type.String()),
  /** Path in the container. */
  Destination: Type.String(),
  RW: Type.Boolean(),
})

const ContainerSchema = Type.Object({
  Id: Type.String(),
  /** With a leading slash. */
  Name: Type.String(),
  /** RFC 3339, as all times of the engine. */
  Created: Type.String(),
  /** The program that is process 1, or the child of the engine's init; of the image's entrypoint, where it has one. */
  Path: Type.Optional(Type.String()),
  Args: Type.Optional(Type.Union([Type.Array(Type.String()), Type.Null()])),
  /** The image's id. */
  Image: Type.String(),
  /** How often the engine has started it again by its restart policy, since a call started it. */
  RestartCount: Type.Integer(),
  Config: Type.Object({
    /** The image as it was named at creation. */
    Image: Type.String(),
    Labels,
    /** As it was given at creation, such as `1000:1000`; empty for the image's own. */
    User: Type.Optional(Type.String()),
    Tty: Type.Boolean(),
  }),
  State: Type.Object({
    /** `created`, `running`, `paused`, `restarting`, `removing`, `exited` or `dead`; Podman also says `configured`, `stopped`. */
    Status: Type.String(),
    Running: Type.Boolean(),
    Paused: Type.Boolean(),
    Restarting: Type.Boolean(),
    /** Of the life that ended last, also while the next one runs. */
    OOMKilled: Type.Boolean(),
    Dead: Type.Boolean(),
    /** 0 while it runs. */
    ExitCode: Type.Integer(),
    /** Why the last start failed, or empty. */
    Error: Type.String(),
    /** Year 1 while never started. */
    StartedAt: Type.String(),
    FinishedAt: Type.String(),
    /** `starting`, `healthy`, `unhealthy` or `none`; absent without a health check. A thawed container is `unhealthy` with no failure. */
    Health: Type.Optional(
      Type.Union([Type.Object({ Status: Type.String(), FailingStreak: Type.Optional(Type.Integer()) }), Type.Null()]),
    ),
  }),
  HostConfig: Type.Object({
    RestartPolicy: Type.Object({ Name: Type.String() }),
    Memory: Type.Number(),
    NanoCpus: Type.Number(),
  }),
  Mounts: Type.Array(MountSchema),
  NetworkSettings: Type.Object({ Networks: Type.Optional(Type.Union([AttachedNetworksSchema, Type.Null()])) }),
})

export type Container = Static<typeof ContainerSchema>

export const containerInspect = defineEndpoint({
  name: 'container-inspect',
  method: 'GET',
  path: '/containers/{id}/json',
  query: [],
  statuses: { 200: 'found' },
  timeout: 'quick',
  retry: 'same',
  answer: TypeCompiler.Compile(ContainerSchema),
})

/** The container of this id or name. An absent one is EngineError `not-found`. */
export function inspectContainer(transport: Transport, id: string, options: CallOptions = {}): Promise<Container> {
  return transport.json(containerInspect, { path: { id }, ...options })
}
