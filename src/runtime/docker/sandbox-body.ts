// The one place that builds what the engine creates from: a sandbox's container, its volume and its class's network.
// Hardening is the default; a lab can loosen three things: internet, writableRoot, capabilities.
// Whoever wants a container of their choosing has to change this file: no request reaches it but through a frozen lab.

import { posix } from 'node:path'
import type {
  ContainerSpecification,
  EndpointSettings,
  NetworkSpecification,
  RestartPolicy,
  VolumeSpecification,
} from '../../../engine-api/index.ts'
import { type FrozenLab, freezeCollect, specHash } from '../../catalogue/frozen-lab.ts'
import type { ProxyConfig } from '../../config.ts'
import { foldId, label, networkName, proofName, volumeName } from '../../names.ts'
import type { HeldSandbox, SessionIdentity } from '../held.ts'
import type { SessionPlan } from '../port.ts'
import { sandboxUser } from '../sandbox-user.ts'
import { addressPlan } from './subnets.ts'

const mebibyte = 1024 * 1024
const nanosecondsPerSecond = 1_000_000_000

/** A host that was restarted has its classes back; what was stopped by call stays stopped. */
export const restartPolicy: RestartPolicy = { Name: 'unless-stopped' }

/** What the engine keeps of a sandbox's output: so many files of so many bytes, the newest. */
export const logLimits = { fileBytes: 10_000_000, files: 3 }

export function sandboxBody(
  installation: string,
  plan: SessionPlan,
  studentId: string,
  address?: string,
  network = networkName(plan.classId),
): ContainerSpecification {
  const lab = plan.frozenLab
  return {
    Image: lab.imageId,
    ...(lab.command === undefined ? {} : { Cmd: lab.command }),
    // `~` is where work is collected, not the home that the image has for this user.
    Env: Object.entries({ HOME: lab.workspace, ...lab.env }).map(([name, value]) => `${name}=${value}`),
    User: sandboxUser(plan, studentId),
    WorkingDir: lab.workspace,
    Hostname: foldId(studentId),
    Labels: { ...sandboxLabels(installation, plan, studentId), [label.port]: String(lab.port) },
    ...(lab.healthCheck === undefined ? {} : { Healthcheck: healthCheck(lab.healthCheck) }),
    ExposedPorts: { [`${lab.port}/tcp`]: {} },
    StopTimeout: lab.stopSeconds,
    Tty: false,
    OpenStdin: false,
    HostConfig: {
      NetworkMode: network,
      CapDrop: ['ALL'],
      ...privileges(lab),
      PidsLimit: lab.pids,
      Memory: lab.memoryMb * mebibyte,
      MemorySwap: lab.memoryMb * mebibyte,
      NanoCpus: Math.round(lab.cpus * nanosecondsPerSecond),
      ReadonlyRootfs: lab.writableRoot !== true,
      Tmpfs: { '/tmp': `rw,noexec,nosuid,nodev,size=${lab.tmpMb}m,mode=1777` },
      LogConfig: {
        Type: 'json-file',
        Config: { 'max-size': `${logLimits.fileBytes / 1_000_000}m`, 'max-file': String(logLimits.files) },
      },
      Init: true,
      IpcMode: 'private',
      AutoRemove: false,
      Privileged: false,
      ...(lab.runtime === undefined ? {} : { Runtime: lab.runtime }),
      RestartPolicy: restartPolicy,
      Mounts: [workspaceMount(volumeName(plan.classId, studentId, plan.sessionId), lab.workspace)],
    },
    NetworkingConfig: { EndpointsConfig: { [network]: endpointSettings(address) } },
  }
}

export const endpointSettings = (address: string | undefined): EndpointSettings =>
  address === undefined ? {} : { IPAMConfig: { IPv4Address: address } }

/** no-new-privileges keeps programs from the capabilities that they carry, and a user who is not root has no others. */
const privileges = ({ capabilities }: FrozenLab) =>
  capabilities === undefined ? { SecurityOpt: ['no-new-privileges'] } : { CapAdd: capabilities }

/** A container that is never started, around a volume whose own is gone: nothing of it runs, and it is in no network. */
export function rescueBody(
  installation: string,
  session: SessionIdentity,
  { studentId, collect }: Pick<HeldSandbox, 'studentId' | 'collect'>,
  workspace: string,
  image: string,
): ContainerSpecification {
  return {
    Image: image,
    // Engines refuse a container without one.
    Cmd: ['never-started'],
    Labels: {
      ...sessionLabels(installation, session),
      [label.student]: studentId,
      [label.spec]: '',
      [label.collect]: collect,
    },
    HostConfig: {
      NetworkMode: 'none',
      CapDrop: ['ALL'],
      SecurityOpt: ['no-new-privileges'],
      ReadonlyRootfs: true,
      AutoRemove: false,
      Privileged: false,
      RestartPolicy: { Name: 'no' },
      Mounts: [workspaceMount(volumeName(session.classId, studentId, session.sessionId), workspace)],
    },
  }
}

/** A sandbox of this lab as a student's is, but for its command, its name and a network. It runs once, for a moment. */
export function proofBody(installation: string, plan: SessionPlan, command: readonly string[]): ContainerSpecification {
  const { Image, Env = [], User = '', WorkingDir = '', HostConfig } = sandboxBody(installation, plan, '')
  const volume = workspaceMount(proofName(plan.classId), plan.frozenLab.workspace)
  return {
    Image,
    Entrypoint: command,
    Cmd: [],
    Env,
    User,
    WorkingDir,
    Labels: proofLabels(installation, plan),
    HostConfig: { ...HostConfig, NetworkMode: 'none', RestartPolicy: { Name: 'no' }, Mounts: [volume] },
  }
}

export const proofVolumeBody = (installation: string, plan: SessionPlan): VolumeSpecification => ({
  Name: proofName(plan.classId),
  Labels: proofLabels(installation, plan),
})

const proofLabels = (installation: string, plan: SessionPlan) => ({
  ...sessionLabels(installation, plan),
  [label.proof]: 'true',
})

const workspaceMount = (volume: string, workspace: string) => ({
  Type: 'volume' as const,
  Source: volume,
  // One level above the workspace, so that the workspace itself can be made the student's (workspace.ts).
  Target: posix.dirname(workspace),
  // Else the image's folders beside the workspace would be in it, their owner's to write, and in no bag.
  VolumeOptions: { NoCopy: true },
})

export const volumeBody = (installation: string, plan: SessionPlan, studentId: string): VolumeSpecification => ({
  Name: volumeName(plan.classId, studentId, plan.sessionId),
  Labels: sandboxLabels(installation, plan, studentId),
})

/** Bridge option: the host gets no address in the network, so that nothing in it can call the host, nor the host it. */
export const hostlessOption = 'com.docker.network.bridge.inhibit_ipv4'

/** An internal network leads nowhere. Without a proxy in it, it is the host that has to reach the sandboxes. */
export function networkBody(
  installation: string,
  proxy: ProxyConfig,
  plan: SessionPlan,
  subnet: string,
  driver: 'bridge' | 'overlay' = 'bridge',
): NetworkSpecification {
  const internal = !plan.frozenLab.internet
  // An overlay that leads nowhere has no address of the host in any case.
  const isHostless = internal && proxy.container !== undefined && driver === 'bridge'
  return {
    Name: networkName(plan.classId),
    Driver: driver,
    // Sandboxes are containers, not services.
    ...(driver === 'overlay' ? { Attachable: true } : {}),
    Internal: internal,
    Labels: {
      ...sessionLabels(installation, plan),
      [label.rawPackets]: String(plan.frozenLab.capabilities?.includes('NET_RAW') ?? false),
    },
    // The sandboxes of a session without seats take any address, of the whole subnet.
    IPAM: { Config: [plan.seats ? addressPlan(subnet) : { Subnet: subnet }] },
    ...(isHostless ? { Options: { [hostlessOption]: 'true' } } : {}),
  }
}

function healthCheck({ command, intervalSeconds }: NonNullable<FrozenLab['healthCheck']>) {
  const interval = intervalSeconds * nanosecondsPerSecond
  return { Test: ['CMD', ...command], Interval: interval, Timeout: interval, Retries: 3 }
}

export function sessionLabels(installation: string, session: SessionIdentity): Record<string, string> {
  return {
    [label.installation]: installation,
    [label.class]: session.classId,
    [label.session]: session.sessionId,
    [label.subject]: session.subject,
    [label.lab]: session.lab,
    [label.createdBy]: session.createdBy,
    [label.expiresAt]: session.expiresAt,
    ...(session.store === undefined ? {} : { [label.store]: session.store.id, [label.storeName]: session.store.name }),
  }
}

/** On a sandbox's container and volume: with these alone a down can be finished. */
export function sandboxLabels(installation: string, plan: SessionPlan, studentId: string): Record<string, string> {
  return {
    ...sessionLabels(installation, plan),
    [label.student]: studentId,
    [label.spec]: specHash(plan.frozenLab),
    [label.collect]: JSON.stringify(freezeCollect(plan.frozenLab)),
  }
}
