// What an engine holds, as a survey tells it: one entry a session, with its network and its sandboxes.

import { sameId } from '../names.ts'

/** Who a network or sandbox belongs to, as the engine keeps it for the whole life of a session. */
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

/** All that the engine holds of one session. */
export interface HeldSession extends SessionIdentity {
  readonly network: HeldNetwork | undefined
  readonly sandboxes: readonly HeldSandbox[]
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

/**
 * - `starting`, `unhealthy`: it runs, and its health check says so
 * - `removing`, `dead`: its removal has begun and has not come to the end
 * - `missing`: nothing is left of it but its files
 * - `unreachable`: its node cannot be asked; all else that is said of it is what the node said last
 */
export type SandboxState =
  | 'created'
  | 'running'
  | 'starting'
  | 'unhealthy'
  | 'paused'
  | 'restarting'
  | 'exited'
  | 'removing'
  | 'dead'
  | 'missing'
  | 'unreachable'

/** One student's sandbox as the engine has it, or what is left of it. */
export interface HeldSandbox {
  readonly studentId: string
  readonly state: SandboxState
  /** What every call names it by; undefined where it is `missing`, or `unreachable` and was never seen. */
  readonly id: string | undefined
  /** For people. */
  readonly name: string | undefined
  /** Where its files lie; undefined where they are gone. */
  readonly files: string | undefined
  /** Nothing is left of it but its files, though there may be an id to read them by: it has no log of the student's. */
  readonly filesOnly: boolean
  /** URL of the student's endpoint, through the proxy or at the sandbox's own address; undefined while it has none. */
  readonly endpoint: string | undefined
  /** URL that the proxy finds it at, in its class's network; undefined while it has no address. */
  readonly server: string | undefined
  /** Hash of the frozen lab that it was made from. */
  readonly spec: string
  /** Not in its class's network: that was removed, or the sandbox was taken out of it, by another hand. */
  readonly isDetached: boolean
  /** How to collect it, frozen at up: JSON of FrozenCollect. */
  readonly collect: string
  /** With `unreachable`: its node has told this process nothing yet, so that not even its route is known. */
  readonly isUnheard?: boolean
}

/** A sandbox of which the engine has nothing at all. */
export const absentSandbox = (studentId: string): HeldSandbox =>
  withoutRunner({ studentId, files: undefined, collect: '' })

/** The same sandbox once nothing is left of it but its files. */
export const withoutRunner = ({
  studentId,
  files,
  collect,
}: Pick<HeldSandbox, 'studentId' | 'files' | 'collect'>): HeldSandbox => ({
  studentId,
  state: 'missing',
  id: undefined,
  name: undefined,
  files,
  filesOnly: true,
  endpoint: undefined,
  server: undefined,
  spec: '',
  isDetached: false,
  collect,
})

export const findSandbox = (session: HeldSession | undefined, studentId: string): HeldSandbox | undefined =>
  session?.sandboxes.find((sandbox) => sameId(sandbox.studentId, studentId))

/** Neither the sandbox nor a file of it is there. */
export const isAbsent = (sandbox: HeldSandbox | undefined): boolean =>
  sandbox?.id === undefined && sandbox?.files === undefined

export const isRunning = (sandbox: HeldSandbox): sandbox is HeldSandbox & { readonly id: string } =>
  ['running', 'starting', 'unhealthy'].includes(sandbox.state)

/** The engine has begun to remove it and has not come to the end: nothing can be run in it, read from it or changed. */
export const isHalfRemoved = ({ state }: HeldSandbox): boolean => state === 'removing' || state === 'dead'
