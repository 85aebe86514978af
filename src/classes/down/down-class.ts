// down-class: every student's bag is committed and read back before the first sandbox is removed. A failure keeps the
// sandbox and says why; calling again finishes the rest. With allowPartial the committed ones go and the others stay stopped.
// Every bag is looked at again right before its sandbox goes, and at the end: one that the store has lost by then makes it
// `down-partial`, whatever was allowed. Long, since the order of these steps is the promise.

import { asCollectError, CollectError } from '../../collection/errors.ts'
import { foldId } from '../../names.ts'
import { Problem } from '../../problems.ts'
import { type HeldSandbox, type HeldSession, isHalfRemoved } from '../../runtime/held.ts'
import { findOwnRecord, isElsewhere } from '../../sessions/find.ts'
import { findHeld, newestHeld, recordOf, refuseWithoutStore } from '../../sessions/held.ts'
import type { DownAnswer, DownStudent } from '../../sessions/outcomes.ts'
import { type SessionRecord, writeSession } from '../../sessions/record.ts'
import type { Action, ClassContext } from '../context.ts'
import { collectFailure } from '../outage.ts'
import { answerOf, bagMembers, keptStudent } from './answer.ts'
import { type CollectedStudent, collectStudent } from './collect-student.ts'
import { confirmOutcome, isUnconfirmed } from './confirm.ts'
import { begunRemoval, findRemoval, withoutRemovals, withoutStaleRemovals, withRemovals } from './finish-removal.ts'
import { outcomeOfGone } from './gone.ts'
import { mayHaveBegun, NotRemoved, removeCollected } from './remove-collected.ts'

export interface DownRequest {
  readonly classId: string
  /** Default: the newest that the engine holds, or else the newest of this installation that the store knows. */
  readonly sessionId?: string
  readonly allowPartial: boolean
}

/** One student on the way down: what the engine has, then what became of it. */
interface Leaver {
  readonly studentId: string
  readonly sandbox: HeldSandbox | undefined
  collected?: CollectedStudent
  outcome: DownStudent
  /** Its removal has begun and not ended. */
  isBegun: boolean
}

export async function downClass(context: ClassContext, action: Action, request: DownRequest): Promise<DownAnswer> {
  const { classId, sessionId } = request
  const held = await (sessionId === undefined
    ? newestHeld(context, classId)
    : findHeld(context.runtime, { classId, sessionId }))
  const engine = held ? undefined : await context.runtime.engineId()
  const record = held ? await recordOf(context, held) : await findOwnRecord(context, request, engine)
  if (!held && record?.ended) return record.ended.answer
  if (!held && record && isElsewhere(record, engine)) throw engineChanged(record)
  if (!record) {
    throw new Problem(
      'class-not-up',
      `Class '${request.classId}' is not up and has no earlier session: there is nothing to take down.`,
    )
  }
  return await takeDown(context, action, request, record, held)
}

/** What is not here may be safe where it was begun. */
const engineChanged = ({ classId, sessionId }: SessionRecord): Problem =>
  new Problem(
    'engine-changed',
    `Session ${sessionId} of class '${classId}' belongs to another engine, where its sandboxes may be. Nothing was changed. Take it down at the service of that engine, or ask the operator to connect this one to it.`,
  )

async function takeDown(
  context: ClassContext,
  action: Action,
  request: DownRequest,
  found: SessionRecord,
  held: HeldSession | undefined,
): Promise<DownAnswer> {
  const { store } = context
  const { allowPartial } = request
  // An up, a collection or a reset that was interrupted has nothing more to finish.
  const { up: _up, collect: _collect, reset: _reset, ...settled } = found
  const record: SessionRecord = {
    ...withoutStaleRemovals(settled, held),
    down: found.down ?? { by: action.actor, at: new Date().toISOString(), allowPartial },
  }
  try {
    await writeSession(store, record)
  } catch (error) {
    if (held) refuseWithoutStore(error)
    throw error
  }

  const leavers = leaversOf(record, held)
  action.progress.expectStudents(leavers.map(({ studentId }) => studentId))
  await Promise.all(
    leavers.map((leaver) => context.collectGate(record.classId, () => collectLeaver(context, action, record, leaver))),
  )
  if (!allowPartial) refuseUnlessAllCommitted(store, record, leavers)

  const leaked: DownAnswer['leaked'] = []
  await removeLeavers(context, action, record, leavers, leaked)
  // A sandbox that is left holds its names and its network, so the session is not over; a leaked network makes way by itself.
  const sandboxLeft = leavers.some(({ outcome }) => outcome.state === 'kept' || outcome.state === 'collected')
  if (!sandboxLeft && held?.network) await closeNetwork(context, action, held.network, leaked)

  if (!allowPartial) refuseUnlessAllCommitted(store, record, leavers)
  const students = await Promise.all(
    leavers.map(({ outcome }) => context.collectGate(record.classId, () => confirmOutcome(context, action, outcome))),
  )
  const complete = students.every(({ error }) => error === undefined)
  const answer: DownAnswer = answerOf(store, record, complete ? 'down' : 'down-partial', students, leaked)
  if (!sandboxLeft && !students.some(isUnconfirmed)) await recordEnd(context, action, record, answer)
  return answer
}

/** Everything is safe and gone by now: a record that cannot be written is made up for by the next call. */
async function recordEnd(
  { store }: ClassContext,
  action: Action,
  record: SessionRecord,
  answer: DownAnswer,
): Promise<void> {
  const { removing: _, ...settled } = record
  try {
    await writeSession(store, { ...settled, ended: { at: new Date().toISOString(), answer } })
  } catch (error) {
    action.log.error({ err: error }, 'end of the session not recorded')
  }
}

/** Everybody whom the engine or the record knows. */
function leaversOf(record: SessionRecord, held: HeldSession | undefined): Leaver[] {
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

async function collectLeaver(
  context: ClassContext,
  action: Action,
  record: SessionRecord,
  leaver: Leaver,
): Promise<void> {
  const { sandbox, studentId } = leaver
  try {
    if (action.signal.aborted)
      throw new CollectError('failed', 'The service is stopping. The sandbox is kept; take the class down again.')
    const begun = sandbox && (await begunRemoval(context, action, record, sandbox))
    if (begun || sandbox?.files || (sandbox?.id && !isHalfRemoved(sandbox))) {
      leaver.collected = begun ?? (await collectStudent(context, action, record, sandbox, 'final'))
      leaver.outcome = { studentId, state: 'collected', ...bagMembers(leaver.collected.bag) }
    } else {
      if (sandbox?.id) await context.runtime.removeSandbox(sandbox.id)
      leaver.outcome = await outcomeWithout(context, action, record, studentId)
    }
  } catch (error) {
    leaver.outcome = keptStudent(studentId, asCollectError(error))
    action.log.error({ err: error, studentId }, 'sandbox not collected')
  }
  action.progress.studentDone(studentId, leaver.outcome.error ? 'failed' : leaver.collected ? 'collected' : 'done')
}

/** One whose work went into a snapshot before its removal is not among the session's students. */
async function outcomeWithout(
  context: ClassContext,
  action: Action,
  record: SessionRecord,
  studentId: string,
): Promise<DownStudent> {
  const removal = findRemoval(record, studentId)
  const isAmong = record.students.some((each) => foldId(each) === foldId(studentId))
  if (removal && !isAmong) return { studentId, state: 'removed', ...bagMembers(removal.bag) }
  return await outcomeOfGone(context, action, record, studentId)
}

/** That it has begun is in the record before the first of it goes: an engine may die, or stop, in the middle of any removal. */
async function removeLeavers(
  context: ClassContext,
  action: Action,
  record: SessionRecord,
  leavers: readonly Leaver[],
  leaked: DownAnswer['leaked'],
): Promise<void> {
  const begun = leavers.flatMap(({ studentId, collected }) => (collected ? [{ studentId, collected }] : []))
  if (begun.length === 0) return
  const recorded = withRemovals(record, begun)
  await writeSession(context.store, recorded)
  await Promise.all(
    leavers.map((leaver) => context.collectGate(record.classId, () => removeLeaver(context, action, leaver, leaked))),
  )
  const untouched = leavers.filter(({ collected, isBegun }) => collected && !isBegun)
  if (untouched.length === 0) return
  const students = untouched.map(({ studentId }) => studentId)
  await writeSession(context.store, withoutRemovals(recorded, students))
}

async function removeLeaver(
  context: ClassContext,
  action: Action,
  leaver: Leaver,
  leaked: DownAnswer['leaked'],
): Promise<void> {
  const { collected, outcome, studentId } = leaver
  if (!collected) return
  leaver.isBegun = true
  action.progress.enter(studentId, 'removing')
  try {
    await removeCollected(context, action, collected)
    action.progress.enter(studentId, 'removed')
    leaver.outcome = { ...outcome, state: 'removed' }
  } catch (error) {
    const fault = asCollectError(error)
    action.log.error({ err: error, studentId }, 'sandbox not removed')
    action.progress.enter(studentId, 'failed')
    leaver.isBegun = mayHaveBegun(collected, error)
    const toCollectAgain = fault.code === 'changed' || fault.code === 'store-mismatch'
    if (toCollectAgain) leaver.outcome = { ...outcome, ...keptStudent(studentId, fault) }
    else leaked.push({ ...placeOf(error, leaver), reason: fault.message })
  }
}

/** What is left, as an operator finds it on the engine. */
function placeOf(error: unknown, { collected, sandbox, studentId }: Leaver): { kind: string; name: string } {
  const isFiles = error instanceof NotRemoved && error.what === 'files'
  if (isFiles) return { kind: 'volume', name: collected?.files ?? studentId }
  return { kind: 'sandbox', name: sandbox?.name ?? studentId }
}

async function closeNetwork(
  context: ClassContext,
  action: Action,
  network: { id: string; name: string },
  leaked: DownAnswer['leaked'],
): Promise<void> {
  try {
    await context.runtime.closeNetwork(network.id)
  } catch (error) {
    action.log.error({ err: error, network: network.name }, 'network not removed')
    leaked.push({ kind: 'network', name: network.name, reason: asCollectError(error).message })
  }
}

function refuseUnlessAllCommitted(
  store: ClassContext['store'],
  record: SessionRecord,
  leavers: readonly Leaver[],
): void {
  const students = leavers.map(({ outcome }) => outcome)
  if (students.every(({ error }) => error === undefined)) return
  const words = {
    consequence: 'nothing of them was removed',
    next: ' Repeat the call when the cause is gone, or with allowPartial to let the others go.',
  }
  throw collectFailure(students, words, answerOf(store, record, 'collect-failed', students, []))
}
