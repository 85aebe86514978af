// Everybody whom a down is about, and what becomes of each before the first sandbox goes: a committed bag, or a reason why not.
// Of somebody whom the session knows and the engine does not, the store alone can tell.

import { findFinalBag } from '../../bag/find.ts'
import { asCollectError, CollectError } from '../../collection/errors.ts'
import { foldId, sameId } from '../../names.ts'
import { type HeldSandbox, type HeldSession, isHalfRemoved } from '../../runtime/held.ts'
import type { DownStudent } from '../../sessions/outcomes.ts'
import type { SessionRecord } from '../../sessions/record.ts'
import type { ClassContext, Run } from '../context.ts'
import { copyMembers, describeCopy, findLastCopy } from '../last-copy.ts'
import { bagMembers, keptStudent } from './answer.ts'
import { bagStudent, type CollectedStudent, lookAtStudent, stopStudent } from './collect-student.ts'
import { begunRemoval, findRemoval } from './finish-removal.ts'

/** One student on the way down: what the engine has, then what became of it. */
export interface Leaver {
  readonly studentId: string
  readonly sandbox: HeldSandbox | undefined
  collected?: CollectedStudent
  outcome: DownStudent
  /** Its removal has begun and not ended. */
  isBegun: boolean
}

/** Everybody whom the engine or the record knows. */
export function leaversOf(record: SessionRecord, held: HeldSession | undefined): Leaver[] {
  const sandboxes = new Map(held?.sandboxes.map((sandbox) => [foldId(sandbox.studentId), sandbox]))
  const students = new Map(record.students.map((studentId) => [foldId(studentId), studentId]))
  for (const { studentId } of [...sandboxes.values(), ...(record.discarded ?? []), ...(record.removing ?? [])]) {
    students.set(foldId(studentId), studentId)
  }
  const pending = new CollectError('failed', 'It was not collected yet.')
  return [...students].map(([id, studentId]) => ({
    studentId,
    sandbox: sandboxes.get(id),
    outcome: keptStudent(studentId, pending),
    isBegun: false,
  }))
}

export async function collectLeaver(
  context: ClassContext,
  run: Run,
  record: SessionRecord,
  leaver: Leaver,
): Promise<void> {
  const { sandbox, studentId } = leaver
  try {
    const begun = sandbox && (await inTurn(context, run, record, () => begunRemoval(context, run, record, sandbox)))
    if (begun || sandbox?.files || (sandbox?.id && !isHalfRemoved(sandbox))) {
      leaver.collected = begun ?? (await collectInSteps(context, run, record, sandbox))
      leaver.outcome = { studentId, state: 'collected', ...bagMembers(leaver.collected.bag) }
    } else {
      leaver.outcome = await inTurn(context, run, record, async () => {
        if (sandbox?.id) await context.runtime.removeSandbox(sandbox.id)
        return await outcomeWithout(context, run, record, studentId)
      })
    }
  } catch (error) {
    leaver.outcome = keptStudent(studentId, asCollectError(error))
    run.log.error({ err: error, studentId }, 'sandbox not collected')
  }
  run.progress.studentDone(studentId, leaver.outcome.error ? 'failed' : leaver.collected ? 'collected' : 'done')
}

/** Everybody is stopped before many are read: a sandbox that takes its time to stop holds up nobody else's collection. */
async function collectInSteps(
  context: ClassContext,
  run: Run,
  record: SessionRecord,
  sandbox: HeldSandbox,
): Promise<CollectedStudent> {
  const looked = await inTurn(context, run, record, () => lookAtStudent(context, run, sandbox))
  const stopped = await context.stopGate(record.classId, () => stopStudent(context, record, looked))
  return await inTurn(context, run, record, () => bagStudent(context, run, record, stopped, 'final'))
}

/** One of few at once, unless the service is stopping. */
function inTurn<T>(
  { collectGate }: ClassContext,
  { signal }: Run,
  { classId }: SessionRecord,
  work: () => Promise<T>,
): Promise<T> {
  return collectGate(classId, async () => {
    if (!signal.aborted) return await work()
    throw new CollectError('failed', 'The service is stopping. The sandbox is kept; take the class down again.')
  })
}

/** One whose work went into a snapshot before its removal is not among the session's students. */
async function outcomeWithout(
  context: ClassContext,
  run: Run,
  record: SessionRecord,
  studentId: string,
): Promise<DownStudent> {
  const removal = findRemoval(record, studentId)
  const isAmong = record.students.some((each) => sameId(each, studentId))
  if (removal && !isAmong) return { studentId, state: 'removed', ...bagMembers(removal.bag) }
  return await outcomeOfGone(context, run, record, studentId)
}

/** Of somebody who is not on the engine. Where no final bag is whole, the newest copy that is gives the members of the bag. */
async function outcomeOfGone(
  context: ClassContext,
  run: Run,
  record: SessionRecord,
  studentId: string,
): Promise<DownStudent> {
  const bag = await findFinalBag(context.store, record, studentId)
  if (bag && !('missing' in bag)) return { studentId, state: 'removed', ...bagMembers(bag) }
  const copy = await findLastCopy(context, run, record, studentId)
  const members = copyMembers(copy)
  const isOf = (each: string): boolean => sameId(each, studentId)
  const discarded = record.discarded?.find((each) => isOf(each.studentId))
  // One who was given up and then came up again is among the students.
  if (discarded && !record.students.some(isOf))
    return { studentId, state: 'discarded', ...members, reason: discarded.reason }
  const left = copy && describeCopy(record, studentId, copy)
  if (!bag) {
    run.log.error({ studentId, bag: copy?.prefix }, 'a sandbox was removed by another hand')
    const gone = 'Container and volume were removed by another hand'
    const detail = left ? `${gone}. ${left}` : `${gone} before anything was collected.`
    return { studentId, state: 'lost', ...members, error: { code: 'lost', detail } }
  }
  run.log.error({ studentId, bag: bag.prefix, missing: bag.missing }, 'the bag of a removed sandbox is not whole')
  const damaged = `Container and volume are gone, and the bag ${bag.prefix} in the store lacks ${bag.missing}. Ask the operator to look at the store.`
  const error = { code: 'store-mismatch', detail: left ? `${damaged} ${left}` : damaged }
  return { studentId, state: 'removed', ...members, bag: members.bag ?? bag.prefix, error }
}
