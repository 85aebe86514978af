// What the class actions work with.

import type { Logger } from 'pino'
import type { UidRange } from '../config/ranges.ts'
import type { GroupGate } from '../gate.ts'
import type { Progress } from '../operations/progress.ts'
import type { Runtime } from '../runtime/port.ts'
import type { Store } from '../store/port.ts'
import type { Traefik } from '../traefik/traefik.ts'
import type { Reservations } from './up/reservations.ts'

export interface ClassContext {
  readonly runtime: Runtime
  readonly store: Store
  readonly installation: string
  readonly upGate: GroupGate
  readonly collectGate: GroupGate
  /** For what only waits until a sandbox has stopped. */
  readonly stopGate: GroupGate
  /** Students that fit one class's subnet. */
  readonly maxStudents: number
  /** SANDBOX_UIDS. */
  readonly sandboxUids: UidRange
  readonly reservations: Reservations
  /** Undefined where the service is set up without one: endpoints are the sandboxes' own addresses. */
  readonly traefik: Traefik | undefined
}

/** One running operation, as its work sees it. */
export interface Run {
  readonly actor: string
  readonly log: Logger
  readonly progress: Progress
  /** Fires when the service is stopping: work ends at the next safe place, with everything kept. */
  readonly signal: AbortSignal
}
