// A store or an engine that is away is told of once, as what it is, and not once for each student whom it kept from being collected.

import type { CollectError } from '../collection/errors.ts'
import { Problem } from '../problems.ts'

interface Outcome {
  readonly studentId: string
  readonly error?: { readonly code: string; readonly detail: string }
}

const outages = ['store-unavailable', 'engine-unavailable'] as const

/** The problem of a fault that is an outage and passes by itself; undefined: it is the sandbox's own. */
export function outageOf({ code }: Pick<CollectError, 'code'>): (typeof outages)[number] | undefined {
  return code === 'engine-unreachable' ? 'engine-unavailable' : outages.find((outage) => outage === code)
}

/** The problem of a collection in which some failed; `consequence` says what became of the sandboxes, `next` what to do. */
export function collectFailure(
  students: readonly Outcome[],
  { consequence, next }: { readonly consequence: string; readonly next: string },
  extensions: Record<string, unknown>,
): Problem {
  const failed = students.flatMap(({ studentId, error }) => (error ? [{ studentId, ...error }] : []))
  const summary = `${failed.length} of ${students.length} sandboxes could not be collected; ${consequence}.`
  const [first] = failed
  const outage = outages.find((code) => failed.every((each) => each.code === code))
  // Its advice ends with the next thing to do.
  if (outage && first) return new Problem(outage, `${summary} ${first.detail}`, { extensions })
  return new Problem('collect-failed', `${summary} First, ${first?.studentId}: ${first?.detail}${next}`, { extensions })
}
