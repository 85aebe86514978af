// Faults of the engine and of the store as the problems that a call answers with.

import { Problem } from './problems.ts'
import { RuntimeError, type RuntimeErrorCode } from './runtime/errors.ts'
import { StoreError, storeErrorAdvice } from './store/port.ts'

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
