// Endpoints as data: what one engine call sends, accepts and means. The transport runs calls from these records alone,
// so a record that is wrong breaks its call, and pages or fixture checks can be derived from them.

import type { TSchema } from '@sinclair/typebox'
import type { TypeCheck } from '@sinclair/typebox/compiler'
import type { EngineErrorCode } from './errors.ts'

/**
 * An answer whose status alone misleads. It counts only where the status fits and the engine's message matches, and then
 * before `statuses`. It means either an outcome of the endpoint or an error of another code than the status suggests.
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
 * Which timeouts hold: `quick` for what the engine answers from memory, `slow` for what waits for disks, locks or
 * processes, `unbounded` where the engine may send nothing for hours and only the caller's signal ends the call.
 * All but `quick` calls hold their connection long, so only quick ones share bounded pools, one for each endpoint.
 */
export type TimeoutClass = 'quick' | 'slow' | 'unbounded'

export interface Endpoint<
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
  /** What a caller has to know on every engine and cannot see in an answer. */
  readonly notes?: readonly string[]
}

/** An endpoint whose answer is JSON. */
export interface AnsweringEndpoint<
  Path extends string = string,
  Query extends string = string,
  Outcome extends string = string,
  Answer extends TSchema = TSchema,
> extends Endpoint<Path, Query, Outcome> {
  readonly answer: TypeCheck<Answer>
}

/** Checks a record and infers its exact path, query names, outcomes and answer. */
export function defineEndpoint<
  const Path extends string,
  const Query extends string,
  const Outcome extends string,
  Answer extends TSchema,
>(record: AnsweringEndpoint<Path, Query, Outcome, Answer>): AnsweringEndpoint<Path, Query, Outcome, Answer>
export function defineEndpoint<const Path extends string, const Query extends string, const Outcome extends string>(
  record: Endpoint<Path, Query, Outcome>,
): Endpoint<Path, Query, Outcome>
export function defineEndpoint(record: Endpoint): Endpoint {
  return record
}
