// What a down says of somebody whom the session knows and the engine does not: the store alone can tell.

import { findFinalBag } from '../../bag/find.ts'
import { foldId } from '../../names.ts'
import type { DownStudent } from '../../sessions/outcomes.ts'
import type { SessionRecord } from '../../sessions/record.ts'
import type { Action, ClassContext } from '../context.ts'
import { copyMembers, describeCopy, findLastCopy } from '../last-copy.ts'
import { bagMembers } from './answer.ts'

/** Where no final bag is whole, the newest copy that is gives the members of the bag. */
export async function outcomeOfGone(
  context: ClassContext,
  action: Action,
  record: SessionRecord,
  studentId: string,
): Promise<DownStudent> {
  const bag = await findFinalBag(context.store, record, studentId)
  if (bag && !('missing' in bag)) return { studentId, state: 'removed', ...bagMembers(bag) }
  const copy = await findLastCopy(context, action, record, studentId)
  const members = copyMembers(copy)
  const isOf = (each: string): boolean => foldId(each) === foldId(studentId)
  const discarded = record.discarded?.find((each) => isOf(each.studentId))
  // One who was given up and then came up again is among the students.
  if (discarded && !record.students.some(isOf))
    return { studentId, state: 'discarded', ...members, reason: discarded.reason }
  const left = copy && describeCopy(record, studentId, copy)
  if (!bag) {
    action.log.error({ studentId, bag: copy?.prefix }, 'a sandbox was removed by another hand')
    const gone = 'Container and volume were removed by another hand'
    const detail = left ? `${gone}. ${left}` : `${gone} before anything was collected.`
    return { studentId, state: 'lost', ...members, error: { code: 'lost', detail } }
  }
  action.log.error({ studentId, bag: bag.prefix, missing: bag.missing }, 'the bag of a removed sandbox is not whole')
  const damaged = `Container and volume are gone, and the bag ${bag.prefix} in the store lacks ${bag.missing}. Ask the operator to look at the store.`
  const error = { code: 'store-mismatch', detail: left ? `${damaged} ${left}` : damaged }
  return { studentId, state: 'removed', ...members, bag: members.bag ?? bag.prefix, error }
}
