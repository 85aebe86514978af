// Faults of the engine and of the store as the problems that a call answers with.

import { Problem } from './problems.ts'
import { RuntimeError, type RuntimeErrorCode } from './runtime/errors.ts'
import { StoreError } from './store/port.ts'

const problemOf = {
  unavailable: 'engine-unavailable',
  unreachable: 'engine-unavailable',
  full: 'engine-unavailable',
  'image-missing': 'lab-image-missing',
  'image-unfit': 'lab-image-unfit',
  'runtime-unfit': 'lab-runtime-unfit',
  'proxy-missing': 'traefik-missing',
  'subnets-exhausted': 'subnets-exhausted',
} as const satisfies Partial<Record<RuntimeErrorCode, string>>

/** The code for those of the engine's faults that have none of their own. */
export type FaultCode = 'up-failed' | 'collect-failed' | 'engine-unavailable'

/** Faults of engine and store that end a whole action or answer, as problems; any other error is left as it is. */
export function asProblem(error: unknown, otherwise: FaultCode): unknown {
  if (error instanceof StoreError) {
    return new Problem('store-unavailable', error.advice, { cause: error })
  }
  if (!(error instanceof RuntimeError)) return error
  const code = Object.entries(problemOf).find(([runtimeCode]) => runtimeCode === error.code)?.[1] ?? otherwise
  return new Problem(code, error.message, { cause: error })
}

/** As `work`, but that it rejects with problems. */
export async function withProblems<Result>(otherwise: FaultCode, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    throw asProblem(error, otherwise)
  }
}
