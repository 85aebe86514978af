// POST /containers/create. The body's type is closed: a setting that is not listed here cannot be sent.
// While a removal runs its name is still taken, so `conflict` can also mean "not yet gone".

import { type Static, Type } from '@sinclair/typebox'
import { TypeCompiler } from '@sinclair/typebox/compiler'
import { defineEndpoint } from '../../endpoint.ts'
import type { CallOptions, Transport } from '../../transport/call.ts'

/** A named volume; mounts of host paths cannot be expressed. */
export interface VolumeMount {
  readonly Type: 'volume'
  /** The volume's name. */
  readonly Source: string
  /** Absolute path in the container. */
  readonly Target: string
  readonly ReadOnly?: boolean
  /** NoCopy: a new volume begins empty and root's, whatever the image has at `Target`. */
  readonly VolumeOptions?: { readonly NoCopy?: boolean }
}

export interface RestartPolicy {
  readonly Name: 'no' | 'always' | 'unless-stopped' | 'on-failure'
  readonly MaximumRetryCount?: number
}

export interface HostConfig {
  /** A network's name or id; the same key must stand in `NetworkingConfig.EndpointsConfig`, if that is given. */
  readonly NetworkMode?: string
  readonly CapDrop?: readonly string[]
  readonly CapAdd?: readonly string[]
  readonly SecurityOpt?: readonly string[]
  readonly PidsLimit?: number
  /** Bytes. */
  readonly Memory?: number
  /** Bytes of memory and swap together: equal to `Memory` means no swap. */
  readonly MemorySwap?: number
  /** Billionths of a CPU. */
  readonly NanoCpus?: number
  readonly ReadonlyRootfs?: boolean
  /** Path to mount options, such as `{ '/tmp': 'rw,nosuid,nodev,size=64m' }`. Its content is in no archive. */
  readonly Tmpfs?: Readonly<Record<string, string>>
  readonly LogConfig?: { readonly Type: string; readonly Config?: Readonly<Record<string, string>> }
  /** An init process that reaps zombies. Podman needs the package catatonit for it. */
  readonly Init?: boolean
  readonly IpcMode?: 'private' | 'none'
  readonly AutoRemove?: boolean
  readonly RestartPolicy?: RestartPolicy
  readonly Mounts?: readonly VolumeMount[]
  readonly Runtime?: string
  readonly Privileged?: boolean
  readonly Ulimits?: readonly { readonly Name: string; readonly Soft: number; readonly Hard: number }[]
}

/** A container's place in a network. */
export interface EndpointSettings {
  readonly Aliases?: readonly string[]
  /** An address of its own, kept over stop and start; it is taken while the container runs. */
  readonly IPAMConfig?: { readonly IPv4Address: string }
}

export interface ContainerSpecification {
  readonly Image: string
  /** In place of the image's own. */
  readonly Entrypoint?: readonly string[]
  readonly Cmd?: readonly string[]
  /** `NAME=value` each. */
  readonly Env?: readonly string[]
  readonly User?: string
  readonly WorkingDir?: string
  readonly Hostname?: string
  readonly Labels?: Readonly<Record<string, string>>
  readonly Healthcheck?: {
    /** `['CMD', program, argument...]`, `['CMD-SHELL', line]` or `['NONE']`. */
    readonly Test: readonly string[]
    /** Nanoseconds, as the two below. */
    readonly Interval?: number
    readonly Timeout?: number
    readonly StartPeriod?: number
    readonly Retries?: number
  }
  /** Such as `{ '8080/tcp': {} }`. */
  readonly ExposedPorts?: Readonly<Record<string, Record<string, never>>>
  /** Seconds between the stop signal and the kill. */
  readonly StopTimeout?: number
  readonly Tty?: boolean
  readonly OpenStdin?: boolean
  readonly HostConfig?: HostConfig
  readonly NetworkingConfig?: {
    /** By network name or id. API versions below 1.44 take one only. */
    readonly EndpointsConfig: Readonly<Record<string, EndpointSettings>>
  }
}

const CreatedContainerSchema = Type.Object({
  Id: Type.String(),
  Warnings: Type.Optional(Type.Union([Type.Array(Type.String()), Type.Null()])),
})

export type CreatedContainer = Static<typeof CreatedContainerSchema>

export const containerCreate = defineEndpoint({
  name: 'container-create',
  method: 'POST',
  path: '/containers/create',
  query: ['name'],
  statuses: { 201: 'created' },
  timeout: 'slow',
  retry: 'after-inspect',
  answer: TypeCompiler.Compile(CreatedContainerSchema),
  deviations: [{ engines: 'Podman 4', status: 500, message: /is already in use/i, code: 'conflict' }],
  notes: ['A missing image is 404.'],
  differences: [
    {
      engines: 'Podman 4 and 5',
      does: 'adds variables of its own to the environment (`container`, `TERM`, `HOME`, `HOSTNAME`)',
      client: 'nothing',
    },
    {
      engines: 'Podman 4 and 5',
      does: 'runs health checks only where systemd runs, and tells health in no list',
      client: 'nothing: to up-class such a container is ready when it runs',
    },
  ],
})

/** Makes a container. An absent image is EngineError `not-found`, a taken name `conflict`. */
export function createContainer(
  transport: Transport,
  container: { readonly name: string; readonly body: ContainerSpecification },
  options: CallOptions = {},
): Promise<CreatedContainer> {
  const { name, body } = container
  return transport.json(containerCreate, { path: {}, query: { name }, body: { json: body }, ...options })
}
