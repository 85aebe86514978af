// An admin's word that a node is lost for good: a sandbox on it is given up, though nobody can look into it, so that its student can
// begin anew on another node. Without that word nobody is placed twice.

import { sameId } from '../names.ts'
import { Problem } from '../problems.ts'
import { isUnreachable } from '../runtime/unreachable.ts'
import { newestOfStudent, recordOf } from '../sessions/held.ts'
import type { DownStudent } from '../sessions/outcomes.ts'
import { type SessionRecord, withoutStudent, writeSession } from '../sessions/record.ts'
import type { ClassContext, Run } from './context.ts'
import { withoutRemovals } from './down/finish-removal.ts'
import { copyMembers, describeCopy, findLastCopy } from './last-copy.ts'

export interface LostSandbox {
  readonly classId: string
  readonly studentId: string
  readonly reason: string
}

/** Nothing is removed anywhere: what is on the node, should it come back, is nobody's any more, and left for the operator. */
export async function giveUpLostNode(
  context: ClassContext,
  run: Run,
  { classId, studentId, reason }: LostSandbox,
): Promise<{ readonly record: SessionRecord; readonly outcome: DownStudent }> {
  const found = await newestOfStudent(context, classId, studentId)
  if (!found) throw new Problem('unknown-student', `studentId: '${studentId}' has no sandbox in class '${classId}'.`)
  if (!isUnreachable(found.sandbox)) {
    throw new Problem(
      'invalid-request',
      `nodeIsLost: the node of '${studentId}' can be asked. Leave the field out: the sandbox is then collected once more first.`,
    )
  }
  const record = await recordOf(context, found.held)
  const copy = await findLastCopy(context, run, record, studentId)
  const lost = 'Its node is lost, by the word of an admin.'
  const error = {
    code: 'engine-unreachable',
    detail: copy ? `${lost} ${describeCopy(record, studentId, copy)}` : `${lost} Nothing of it was collected.`,
  }
  const seats = record.seats?.map((seat) =>
    sameId(seat.studentId, studentId) ? { ...seat, givenUp: true as const } : seat,
  )
  const others = record.discarded?.filter((each) => !sameId(each.studentId, studentId)) ?? []
  const discarded = [...others, { by: run.actor, at: new Date().toISOString(), studentId, reason, error }]
  const settled = withoutRemovals(withoutStudent(record, studentId), [studentId])
  await writeSession(context.store, { ...settled, ...(seats ? { seats } : {}), discarded })
  run.log.warn({ studentId, reason, bag: copy?.prefix }, 'sandbox is given up with its node')
  return { record, outcome: { studentId, state: 'discarded', ...copyMembers(copy), error, reason } }
}
