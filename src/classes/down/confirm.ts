// The last step of a down: each bag of its answer is looked at once more, now that the sandbox it was made of is gone.
// Nothing can be repaired here; but an answer that says a bag is there is never given out unlooked.

import { confirmBag } from '../../bag/confirm.ts'
import { asCollectError } from '../../collection/errors.ts'
import type { DownStudent } from '../../sessions/outcomes.ts'
import type { ClassContext, Run } from '../context.ts'

/** The same outcome, with an error where the store no longer holds the bag, or cannot be asked. */
export async function confirmOutcome(
  { store }: ClassContext,
  { log, signal }: Run,
  outcome: DownStudent,
): Promise<DownStudent> {
  const { studentId, bag, manifestSha256 } = outcome
  if (bag === null || manifestSha256 === null) return outcome
  try {
    await confirmBag(store, bag, manifestSha256, signal)
    return outcome
  } catch (error) {
    log.error({ err: error, studentId, bag }, 'bag not confirmed after the removal')
    const { code, message } = asCollectError(error)
    // Who is lost stays so, whatever the store says of an earlier bag of theirs.
    if (outcome.error) return { ...outcome, error: { ...outcome.error, detail: `${outcome.error.detail} ${message}` } }
    return { ...outcome, error: { code, detail: message } }
  }
}

/** A bag that is damaged stays so, and is reported once; one that could not be looked at is asked for again. */
export const isUnconfirmed = ({ state, error }: DownStudent): boolean =>
  state === 'removed' && error !== undefined && error.code !== 'store-mismatch'
