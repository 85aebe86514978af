// What a down says of somebody whom the session knows and the engine does not: the store alone can tell.

import { CollectError } from '../collection/errors.ts'
import { foldId } from '../names.ts'
import { findFinalBag } from './committed-bag.ts'
import type { Action, ClassContext } from './context.ts'
import { bagMembers, noBag } from './down-answer.ts'
import type { DownStudent, SessionRecord } from './session-record.ts'

/** Rejects with CollectError 'lost' where nothing was ever collected. */
export async function outcomeOfGone(
  { store }: ClassContext,
  action: Action,
  record: SessionRecord,
  studentId: string,
): Promise<DownStudent> {
  const bag = await findFinalBag(store, record, studentId)
  if (bag && !('missing' in bag)) return { studentId, state: 'removed', ...bagMembers(bag) }
  const isOf = (each: string): boolean => foldId(each) === foldId(studentId)
  const discarded = record.discarded?.find((each) => isOf(each.studentId))
  // One who was given up and then came up again is among the students.
  if (discarded && !record.students.some(isOf))
    return { studentId, state: 'discarded', ...noBag, reason: discarded.reason }
  if (!bag)
    throw new CollectError('lost', 'Container and volume were removed by another hand before anything was collected.')
  const detail = `Container and volume are gone, and the bag in the store lacks ${bag.missing}. Ask the operator to look at the store.`
  action.log.error({ studentId, bag: bag.prefix, missing: bag.missing }, 'the bag of a removed sandbox is not whole')
  return { studentId, state: 'removed', ...noBag, bag: bag.prefix, error: { code: 'store-mismatch', detail } }
}
