// The runtime port: what an engine does for a class. The orchestration talks to this and knows no engine.

import type { FrozenLab } from '../catalogue/frozen-lab.ts'
import type { ArchiveEntry, Contents, LogPiece } from './archive.ts'
import type { HeldSandbox, HeldSession, SessionIdentity } from './held.ts'
import type { SandboxLife } from './life.ts'
import type { Room } from './room.ts'

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
  /** Of several, the one that the sandbox is on. */
  readonly node?: string
  /** What is on its node was given up, and nobody has it any more. */
  readonly givenUp?: true
}

/** A sandbox that will not run again by itself: what an archive is taken of. */
export interface SealedSandbox {
  readonly id: string
  readonly startedAt: string
  readonly finishedAt: string
  readonly exitCode: number
  readonly outOfMemory: boolean
  readonly imageId: string
}

/** A running sandbox that stands still, so that an archive can be taken of it. */
export interface FrozenSandbox extends Omit<SealedSandbox, 'finishedAt' | 'exitCode'> {
  readonly finishedAt: null
  readonly exitCode: null
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

/** What a start came to. It says what it made also where it failed, so that an up can take back exactly that. */
export interface StartedSandbox {
  /** Undefined where it came to no sandbox. */
  readonly id: string | undefined
  /** The files that were made for it, or may have been: an answer that is lost does not say. */
  readonly madeFiles: string | undefined
  /** Why it did not start. */
  readonly fault?: unknown
}

export interface ProxyState {
  readonly isRunning: boolean
  /** Such as `3.6.1`, where its image says so. */
  readonly version: string | undefined
  /** By the id of the network: why the proxy is not in it. */
  readonly unattached: ReadonlyMap<string, unknown>
}

/** One of the hosts that sandboxes are on. */
export interface NodeState {
  /** As in seats; undefined on one host. */
  readonly id: string | undefined
  readonly name: string
  /** What the manager of several says of it, such as `ready` or `down`; `ready` on one host. */
  readonly state: string
  readonly availability: 'active' | 'pause' | 'drain'
  /** Why it cannot be asked; undefined: it can be. */
  readonly fault: string | undefined
  /** MiB; undefined where it cannot be asked. */
  readonly memoryMb: number | undefined
  /** Those asked about that it is without; undefined where it cannot be asked. */
  readonly missingImages: readonly string[] | undefined
}

export interface Runtime {
  /** Resolves with the engine's version, or rejects with RuntimeError 'unavailable'. */
  check(): Promise<{ readonly version: string }>
  /** What tells this engine from another; undefined where it has no lasting id, as Podman. */
  engineId(): Promise<string | undefined>
  /** The room that there is now. RuntimeError 'proxy-missing' where there is no proxy to attach a class to. */
  room(): Promise<Room>
  /** By its name, its id or its digest. */
  image(reference: string): Promise<ImageFacts | undefined>
  pull(reference: string, signal?: AbortSignal): Promise<void>
  /** Whether it is to be pulled: of several nodes, whether one that can be asked is without it. */
  lacksImage(reference: string): Promise<boolean>
  /** Those that sandboxes can be on, and which of these images each is without; of one host, itself. */
  nodes(images: readonly string[]): Promise<readonly NodeState[]>

  /** What the engine holds of this installation, of one class or of all, one entry a session. */
  survey(classId?: string): Promise<HeldSession[]>

  /** The session's network, made where it is missing, with the proxy attached. Says whether this call made it. */
  openNetwork(plan: SessionPlan): Promise<{ readonly id: string; readonly name: string; readonly created: boolean }>

  /**
   * Proves that what is written in a sandbox of this lab can be collected: a throw-away one writes, ends, is read back by the
   * archive and removed. A proof is remembered for a while, unless the engine says that its runtime is set otherwise. Whatever
   * an interrupted proof of this class has left is removed first; closeNetwork() removes it too. RuntimeError 'runtime-unfit'
   * where the work would be lost, 'image-unfit' where the image has nothing to write with.
   */
  proveCollection(plan: SessionPlan, signal: AbortSignal): Promise<void>

  /**
   * Attaches the proxy to those of these networks that it is not attached to: it may have been made anew. A network that is gone is
   * passed over. RuntimeError 'proxy-missing' where there is no proxy on the engine; undefined where the service is set up without one.
   */
  attachProxy(networkIds: readonly string[]): Promise<ProxyState | undefined>

  /**
   * Tells that a sandbox, or the proxy, has begun, ended or become something else, and where that may have been missed, until
   * `signal` fires. Never rejects.
   */
  watch(signal: AbortSignal, changed: (what: 'sandboxes' | 'proxy' | 'missed') => void): Promise<void>

  /**
   * Makes and starts what is missing of one student's sandbox, touching nothing that already runs, but for one that has lost its
   * class's network: it is brought into that again. `contents` goes into the workspace before the first start and never later,
   * so that repeating it can take back nothing that the student did. Never rejects.
   */
  startSandbox(
    plan: SessionPlan,
    studentId: string,
    held: HeldSandbox | undefined,
    contents?: Contents,
  ): Promise<StartedSandbox>

  /**
   * Reads `contents` as startSandbox() would put them into that student's workspace, and puts them nowhere: RuntimeError where the
   * engine would refuse them, and what reading them rejects with. Answers with what would not be there as it is in them.
   */
  rehearse(
    plan: SessionPlan,
    contents: Contents,
  ): Promise<readonly { readonly path: Uint8Array; readonly reason: string }[]>

  /**
   * Waits until each of these sandboxes runs (and is healthy, where it has a health check), or cannot any more, or `signal`
   * fires. Answers, for each id that is not ready, why.
   */
  waitReady(session: SessionIdentity, ids: readonly string[], signal: AbortSignal): Promise<Map<string, string>>

  /**
   * Makes the files of a sandbox that is `missing` readable, through the image `imageId` where the engine has that, else through
   * any. Answers the id to read them by; nothing ever runs under it.
   */
  recover(
    session: SessionIdentity,
    sandbox: HeldSandbox,
    workspace: string,
    imageId: string | undefined,
  ): Promise<string>

  /** RuntimeError where the engine does not say within two seconds, as while an archive of it is read. */
  lifeOf(id: string): Promise<SandboxLife>
  exec(id: string, command: readonly string[], timeoutMs: number): Promise<CommandResult>
  /** Stops it for good: the engine does not start it again. Resolves when it has stopped. */
  seal(id: string, graceSeconds: number): Promise<SealedSandbox>
  inspectSealed(id: string): Promise<SealedSandbox>
  /** Every process of a running sandbox stands still, until thaw(). */
  freeze(id: string): Promise<FrozenSandbox>
  /** Lets a frozen sandbox go on; one that is not frozen is left as it is. */
  thaw(id: string): Promise<void>
  /** Ends normally only when the archive was complete; anything else is a RuntimeError 'archive'. */
  archive(id: string, workspace: string, signal: AbortSignal): AsyncIterable<ArchiveEntry>
  /** The whole log, or its `last` records alone: what the engine cannot read it leaves out, and differently in the two. */
  logs(id: string, signal: AbortSignal, last?: number): AsyncIterable<LogPiece>

  /** Removes a sandbox that does not run, but for its files, by its id and never with force; already gone is fine. */
  removeSandbox(id: string): Promise<void>
  /** Of a sandbox that is removed; already gone is fine. */
  removeFiles(files: string): Promise<void>
  /** Detaches the proxy and removes the network; what will not go is a RuntimeError. */
  closeNetwork(networkId: string): Promise<void>
  close(): Promise<void>
}
