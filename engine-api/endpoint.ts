// Operations as data: what one engine call sends, accepts and means. The transport runs calls from these records alone,
// so a record that is wrong breaks its call, and pages or fixture checks can be derived from them.

import type { TSchema } from '@sinclair/typebox'
import type { TypeCheck } from '@sinclair/typebox/compiler'
import type { EngineErrorCode } from './errors.ts'

/**
 * An answer whose status alone misleads. It counts only where the status fits and the engine's message matches, and then
 * before `statuses`. It means either an outcome of the operation or an error of another code than the status suggests.
 */
export type Deviation<Outcome extends string = string> = {
  /** Where this was seen, such as `Docker 20.10 to 29` or `Podman 4`. */
  readonly engines: string
  readonly status: number
  readonly message: RegExp
} & ({ readonly outcome: Outcome } | { readonly code: EngineErrorCode })

/** What some engines do otherwise and no status tells, with what the client does about it. */
export interface Difference {
  /** As a deviation's. */
  readonly engines: string
  readonly does: string
  readonly client: string
}

/**
 * How long silence is accepted: `quick` for what the engine answers from memory, `slow` for what waits for disks, locks
 * or processes, `unbounded` where silence is normal and only the caller's signal ends the call.
 * All but `quick` calls hold their connection long, so only quick ones share bounded pools, one for each operation.
 */
export type TimeoutClass = 'quick' | 'slow' | 'unbounded'

export interface Operation<
  Path extends string = string,
  Query extends string = string,
  Outcome extends string = string,
> {
  readonly name: string
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE'
  /** Below the version prefix, with `{placeholders}` that stand for one segment each. */
  readonly path: Path
  /** Every query name that may be sent. */
  readonly query: readonly Query[]
  /** Accepted status to what it means. Any other status is an error. */
  readonly statuses: Readonly<Record<number, Outcome>>
  readonly timeout: TimeoutClass
  /** Whether sending it again after an unknown outcome is safe: `same`, or only `after-inspect`. */
  readonly retry: 'same' | 'after-inspect'
  /** The fields of a JSON answer that are used; others are allowed. */
  readonly answer?: TypeCheck<TSchema>
  readonly deviations?: readonly Deviation<Outcome>[]
  readonly differences?: readonly Difference[]
  /** What surprises about this operation on every engine and cannot be seen in an answer. */
  readonly notes?: readonly string[]
}

/** An operation whose answer is JSON. */
export interface AnsweringOperation<
  Path extends string = string,
  Query extends string = string,
  Outcome extends string = string,
  Answer extends TSchema = TSchema,
> extends Operation<Path, Query, Outcome> {
  readonly answer: TypeCheck<Answer>
}

/** Checks a record and infers its exact path, query names, outcomes and answer. */
export function defineOperation<
  const Path extends string,
  const Query extends string,
  const Outcome extends string,
  Answer extends TSchema,
>(record: AnsweringOperation<Path, Query, Outcome, Answer>): AnsweringOperation<Path, Query, Outcome, Answer>
export function defineOperation<const Path extends string, const Query extends string, const Outcome extends string>(
  record: Operation<Path, Query, Outcome>,
): Operation<Path, Query, Outcome>
export function defineOperation(record: Operation): Operation {
  return record
}
