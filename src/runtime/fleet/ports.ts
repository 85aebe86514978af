// What a fleet is made of: a manager, which knows the nodes and has the networks, and a runtime on each node's own engine.

import type { HeldSession } from '../held.ts'
import type { Runtime } from '../port.ts'
import type { Seat } from '../seats.ts'

/** A node as the manager tells of it. */
export interface FleetMember {
  readonly id: string
  /** For people. */
  readonly name: string
  readonly address: string
  /** What the manager sees of it, such as `ready` or `down`: its engine may answer all the same, or not answer though it is `ready`. */
  readonly state: string
  /** Only an `active` one is given anything new; what is on one that is `pause`d or in `drain` runs on. */
  readonly availability: 'active' | 'pause' | 'drain'
}

export interface Manager extends Pick<Runtime, 'check' | 'engineId' | 'openNetwork' | 'closeNetwork' | 'close'> {
  members(): Promise<readonly FleetMember[]>
  /** Sessions by their networks alone: their sandboxes are the nodes' to tell. */
  sessions(classId?: string): Promise<readonly HeldSession[]>
  hasFreeSubnet(): Promise<boolean>
}

export interface NodeResources {
  /** All that there is, in MiB, whoever uses it. */
  readonly memoryMb: number
  /** By their names, such as `runc`. */
  readonly runtimes: readonly string[]
  /** By all that they are called there: ids, tags, digests. */
  readonly images: ReadonlySet<string>
}

/** The runtime of one node: what is not the manager's. `openNetwork` and `closeNetwork` attach and detach the proxy that is on it. */
export interface NodeRuntime extends Omit<Runtime, 'check' | 'engineId' | 'room' | 'survey' | 'nodes' | 'lacksImage'> {
  /** The id of the node whose engine answers. */
  identify(): Promise<string | undefined>
  resources(): Promise<NodeResources>
  /** What is on it; `sessions` are the manager's, whose networks these sandboxes should be in. */
  holds(sessions: readonly HeldSession[], classId?: string): Promise<readonly HeldSession[]>
  /** Removes what an interrupted proof of this class has left on it. */
  clearProof(classId: string): Promise<void>
  /** Starts those of these sandboxes that ended though nobody stopped them: an engine that died may have left them so. */
  revive(ids: readonly string[]): Promise<void>
}

/** Who is placed where, as the session's record says; empty where there is none. */
export type Placements = (classId: string, sessionId: string) => Promise<readonly Seat[]>
