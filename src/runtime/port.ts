// The runtime port: what an engine does for a class. The orchestration talks to this and knows no engine.

import type { FrozenLab } from '../catalogue/frozen-lab.ts'
import { foldId } from '../names.ts'
import type { Room } from './room.ts'

/** Who a network or sandbox belongs to, as it stands in the engine's labels for the whole life of a session. */
export interface SessionIdentity {
  readonly classId: string
  readonly sessionId: string
  readonly subject: string
  readonly lab: string
  readonly createdBy: string
  /** ISO 8601, as it was at up; the session record has the extended one. */
  readonly expiresAt: string
  /** The store that the session was begun with; absent where it was begun before stores had an identity. */
  readonly store?: StoreIdentity | undefined
}

/** Which store it is: two of them may have the same name. */
export interface StoreIdentity {
  readonly id: string
  /** For people. */
  readonly name: string
}

/** Everything an up needs to make networks and sandboxes of one session. */
export interface SessionPlan extends SessionIdentity {
  readonly frozenLab: FrozenLab
  /** What is one student's alone for the whole session. Absent: the session was begun before there were seats. */
  readonly seats?: readonly PlannedSeat[] | undefined
}

export interface PlannedSeat {
  readonly studentId: string
  readonly number: number
  /** What the sandbox runs as, where the lab fixes no user. */
  readonly uid?: number
}

export type ContainerState =
  | 'created'
  | 'running'
  | 'starting'
  | 'unhealthy'
  | 'paused'
  | 'restarting'
  | 'exited'
  | 'removing'
  | 'dead'

export interface HeldContainer {
  readonly id: string
  readonly name: string
  /** Made by rescue() around a volume that had lost its container: its logs are not the student's. */
  readonly isWrap: boolean
  /** `starting` and `unhealthy` are running containers whose health check says so. */
  readonly state: ContainerState
  /** URL of the student's endpoint, through the proxy or at the sandbox's own address; undefined while it has none. */
  readonly endpoint: string | undefined
  /** Hash of the frozen lab it was made from. */
  readonly spec: string
  /** Not in its class's network: that was removed, or the container was taken out of it, by another hand. */
  readonly isDetached: boolean
}

/** One student's sandbox as the engine has it: a container, a volume, or what is left of the two. */
export interface HeldSandbox {
  readonly studentId: string
  readonly container: HeldContainer | undefined
  readonly volume: string | undefined
  /** The collect label, frozen at up: JSON of FrozenCollect. */
  readonly collect: string
}

export interface HeldNetwork {
  readonly id: string
  readonly name: string
  readonly subnet: string | undefined
  /** Nothing in it is led anywhere else. */
  readonly internal: boolean
  /** The engine's host has an address in it. */
  readonly hasHost: boolean
  /** Its sandboxes may send packets of their own making (NET_RAW); also where the engine does not say. */
  readonly rawPackets: boolean
}

/** All that the engine holds of one session. */
export interface HeldSession extends SessionIdentity {
  readonly network: HeldNetwork | undefined
  readonly sandboxes: readonly HeldSandbox[]
}

export const findSandbox = (session: HeldSession | undefined, studentId: string): HeldSandbox | undefined =>
  session?.sandboxes.find((sandbox) => foldId(sandbox.studentId) === foldId(studentId))

/** The engine has begun to remove it and has not come to the end: nothing can be run in it, read from it or changed. */
export const isHalfRemoved = (container: HeldContainer | undefined): boolean =>
  container?.state === 'removing' || container?.state === 'dead'

/** A container that will not run again by itself: what an archive is taken of. */
export interface StoppedContainer {
  readonly id: string
  readonly startedAt: string
  readonly finishedAt: string
  readonly exitCode: number
  readonly outOfMemory: boolean
  readonly imageId: string
}

/** A running container that stands still, so that an archive can be taken of it. */
export interface FrozenContainer extends Omit<StoppedContainer, 'finishedAt' | 'exitCode'> {
  readonly finishedAt: null
  readonly exitCode: null
}

export type ArchiveEntryType =
  | 'file'
  | 'hard-link'
  | 'symbolic-link'
  | 'directory'
  | 'fifo'
  | 'character-device'
  | 'block-device'

/** One thing in a sandbox's workspace, in the order of the archive. */
export interface ArchiveEntry {
  /** Raw bytes, relative to the workspace, no leading or trailing '/'; empty for the workspace itself. */
  readonly path: Uint8Array
  readonly type: ArchiveEntryType
  readonly size: number
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly mtimeMs: number
  /** Hard link: raw path of its first name, relative to the workspace. Symbolic link: its raw text. Else empty. */
  readonly linkTarget: Uint8Array
  /** Those extended attributes that the engine's archive has, by their names, raw. */
  readonly xattrs?: ReadonlyMap<string, Uint8Array>
  readonly body: AsyncIterable<Uint8Array>
}

/**
 * What a new workspace begins with: directories, files and symbolic links, the workspace itself (of which only mode and time
 * count) among them or not; each call reads it from its beginning.
 */
export type Contents = () => AsyncIterable<ArchiveEntry>

export interface LogPiece {
  readonly stream: 'stdout' | 'stderr'
  readonly bytes: Uint8Array
  /** It goes on with the record of the piece before it. A record is what was logged at once: a line, or a part of a long one. */
  readonly continues?: true
  /** The log is so large that the engine may have dropped what came before its first record. */
  readonly mayLackBeginning?: true
  /** The last piece, without bytes: the engine says that it cannot read on. */
  readonly breaksOff?: true
}

export interface CommandResult {
  readonly exitCode: number
  /** What it printed, both together cut at 1 MiB. */
  readonly stdout: Uint8Array
  readonly stderr: Uint8Array
  /** It printed more than that. */
  readonly truncated?: boolean
}

export interface ImageFacts {
  readonly id: string
  readonly digest: string | undefined
  readonly size: number
  /** Paths that the image declares as volumes: the engine would make one at each, which nobody collects or removes. */
  readonly volumes: readonly string[]
}

/** What raise() has done so far, or may have: filled in step by step, so that a failed up can take back exactly that. */
export interface RaisedSandbox {
  containerId: string | undefined
  createdVolume: string | undefined
}

export interface Runtime {
  /** Resolves with the engine's version, or rejects with RuntimeError 'unavailable'. */
  check(): Promise<{ readonly version: string }>
  /** What tells this engine from another; undefined where it has no lasting id, as Podman. */
  engineId(): Promise<string | undefined>
  /** The room that there is now. RuntimeError 'proxy-missing' where there is no proxy to attach a class to. */
  room(): Promise<Room>
  /** By its name or its id. */
  image(reference: string): Promise<ImageFacts | undefined>
  pull(reference: string, signal?: AbortSignal): Promise<void>

  /** What the engine holds of this installation, of one class or of all, one entry a session. */
  survey(classId?: string): Promise<HeldSession[]>

  /** The session's network, made where it is missing, with the proxy attached. Says whether this call made it. */
  openNetwork(plan: SessionPlan): Promise<{ readonly id: string; readonly name: string; readonly created: boolean }>

  /** Attaches the proxy to those of these networks that it is not attached to: it may have been made anew. */
  attachProxy(networkIds: readonly string[]): Promise<void>

  /**
   * Makes and starts what is missing of one student's sandbox, touching nothing that already runs, but for one that has lost its
   * class's network: it is brought into that again. `contents` goes into the
   * workspace before the first start and never later, so that repeating it can take back nothing that the student did.
   */
  raise(
    plan: SessionPlan,
    studentId: string,
    held: HeldSandbox | undefined,
    done: RaisedSandbox,
    contents?: Contents,
  ): Promise<void>

  /**
   * Reads `contents` as raise() would put them into that student's workspace, and puts them nowhere: RuntimeError where the
   * engine would refuse them, and what reading them rejects with. Answers with what would not be there as it is in them.
   */
  rehearse(
    plan: SessionPlan,
    contents: Contents,
  ): Promise<readonly { readonly path: Uint8Array; readonly reason: string }[]>

  /**
   * Waits until each container runs (and is healthy, where it has a health check), or cannot any more, or `signal` fires.
   * Answers, for each id that is not ready, why.
   */
  waitReady(
    session: SessionIdentity,
    containerIds: readonly string[],
    signal: AbortSignal,
  ): Promise<Map<string, string>>

  /**
   * A container, never started, around a volume that lost its own, so that its files can be archived. It is made of the image
   * `imageId` where the engine has that, else of any. Answers its id.
   */
  rescue(
    session: SessionIdentity,
    sandbox: HeldSandbox,
    workspace: string,
    imageId: string | undefined,
  ): Promise<string>

  exec(containerId: string, command: readonly string[], timeoutMs: number): Promise<CommandResult>
  /** Restart policy to `no`, then stop. Resolves when it has stopped. */
  stop(containerId: string, graceSeconds: number): Promise<StoppedContainer>
  inspectStopped(containerId: string): Promise<StoppedContainer>
  /** Every process of a running container stands still, until thaw(). */
  freeze(containerId: string): Promise<FrozenContainer>
  /** Lets a frozen container go on; one that is not frozen is left as it is. */
  thaw(containerId: string): Promise<void>
  /** Ends normally only when the archive was complete; anything else is a RuntimeError 'archive'. */
  archive(containerId: string, workspace: string, signal: AbortSignal): AsyncIterable<ArchiveEntry>
  /** The whole log, or its `last` records alone: what the engine cannot read it leaves out, and differently in the two. */
  logs(containerId: string, signal: AbortSignal, last?: number): AsyncIterable<LogPiece>

  /** Removes a stopped container by id, never with force; already gone is fine. */
  removeContainer(containerId: string): Promise<void>
  removeVolume(name: string): Promise<void>
  /** Detaches the proxy and removes the network; what will not go is a RuntimeError. */
  closeNetwork(networkId: string): Promise<void>
  close(): Promise<void>
}

/**
 * - `unavailable`: the engine does not answer, or cannot be used at all
 * - `image-missing`, `proxy-missing`, `subnets-exhausted`: the operator must act first
 * - `name-taken`: a network, container or volume under our name is not ours; it is never touched
 * - `gone`: what was to be read or changed is not there
 * - `running`: the container runs, though it was stopped: somebody else started it
 * - `archive`: the archive was cut short or is not sound
 * - `full`: the engine's host has no room (disk, memory, open files); nothing is wrong with the sandbox
 * - `failed`: the engine refused, and its reason is in the message
 */
export type RuntimeErrorCode =
  | 'unavailable'
  | 'image-missing'
  | 'proxy-missing'
  | 'subnets-exhausted'
  | 'name-taken'
  | 'gone'
  | 'running'
  | 'archive'
  | 'full'
  | 'failed'

export class RuntimeError extends Error {
  override readonly name: string = 'RuntimeError'
  readonly code: RuntimeErrorCode

  constructor(code: RuntimeErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
  }
}
