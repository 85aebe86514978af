// What the class actions work with, and the few things that all of them do.

import type { Logger } from 'pino'
import type { UidRange } from '../config.ts'
import type { GroupGate } from '../gate.ts'
import type { Progress } from '../operations/progress.ts'
import { Problem } from '../problems.ts'
import { RuntimeError, type RuntimeErrorCode } from '../runtime/errors.ts'
import type { Runtime } from '../runtime/port.ts'
import { type Store, StoreError, storeErrorAdvice } from '../store/port.ts'
import type { Reservations } from './up/reservations.ts'

export interface ClassContext {
  readonly runtime: Runtime
  readonly store: Store
  readonly installation: string
  readonly upGate: GroupGate
  readonly collectGate: GroupGate
  /** Students that fit one class's subnet. */
  readonly maxStudents: number
  /** SANDBOX_UIDS. */
  readonly sandboxUids: UidRange
  readonly reservations: Reservations
}

/** One running operation, as its work sees it. */
export interface Action {
  readonly actor: string
  readonly log: Logger
  readonly progress: Progress
  /** Fires when the service is stopping: work ends at the next safe place, with everything kept. */
  readonly signal: AbortSignal
}

const problemOf = {
  unavailable: 'engine-unavailable',
  full: 'engine-unavailable',
  'image-missing': 'lab-image-missing',
  'proxy-missing': 'traefik-missing',
  'subnets-exhausted': 'subnets-exhausted',
} as const satisfies Partial<Record<RuntimeErrorCode, string>>

/** Faults of engine and store that end a whole action, as problems; `otherwise` is the code for the rest of the engine's. */
export function asProblem(error: unknown, otherwise: 'up-failed' | 'collect-failed' | 'engine-unavailable'): unknown {
  if (error instanceof StoreError) {
    return new Problem('store-unavailable', storeErrorAdvice[error.code], { cause: error })
  }
  if (!(error instanceof RuntimeError)) return error
  const code = Object.entries(problemOf).find(([runtimeCode]) => runtimeCode === error.code)?.[1] ?? otherwise
  return new Problem(code, error.message, { cause: error })
}
