// down-class: every student's bag is committed and read back before the first sandbox is removed. A failure keeps the
// sandbox and says why; calling again finishes the rest. With allowPartial the committed ones go and the others stay stopped.
// Every bag is looked at again right before its sandbox goes, and at the end: one that the store has lost by then makes it
// `down-partial`, whatever was allowed.

import { Problem } from '../../problems.ts'
import type { HeldSession } from '../../runtime/held.ts'
import { findOwnRecord, isElsewhere } from '../../sessions/find.ts'
import { findHeld, newestHeld, recordOf, refuseWithoutStore } from '../../sessions/held.ts'
import type { DownAnswer } from '../../sessions/outcomes.ts'
import { type SessionRecord, writeSession } from '../../sessions/record.ts'
import type { ClassContext, Run } from '../context.ts'
import { collectFailure } from '../outage.ts'
import { answerOf } from './answer.ts'
import { collectLeaver, type Leaver, leaversOf } from './collect-leavers.ts'
import { confirmOutcome, isUnconfirmed } from './confirm.ts'
import { withoutStaleRemovals } from './finish-removal.ts'
import { closeNetwork, removeLeavers } from './remove-leavers.ts'

export interface DownRequest {
  readonly classId: string
  /** Default: the newest that the engine holds, or else the newest of this installation that the store knows. */
  readonly sessionId?: string
  readonly allowPartial: boolean
}

export async function downClass(context: ClassContext, run: Run, request: DownRequest): Promise<DownAnswer> {
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
  return await takeDown(context, run, request, record, held)
}

/** What is not here may be safe where it was begun. */
const engineChanged = ({ classId, sessionId }: SessionRecord): Problem =>
  new Problem(
    'engine-changed',
    `Session ${sessionId} of class '${classId}' belongs to another engine, where its sandboxes may be. Nothing was changed. Take it down at the service of that engine, or ask the operator to connect this one to it.`,
  )

async function takeDown(
  context: ClassContext,
  run: Run,
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
    down: found.down ?? { by: run.actor, at: new Date().toISOString(), allowPartial },
  }
  try {
    await writeSession(store, record)
  } catch (error) {
    if (held) refuseWithoutStore(error)
    throw error
  }

  const leavers = leaversOf(record, held)
  run.progress.expectStudents(leavers.map(({ studentId }) => studentId))
  await Promise.all(leavers.map((leaver) => collectLeaver(context, run, record, leaver)))
  if (!allowPartial) refuseUnlessAllCommitted(store, record, leavers, [])

  const leaked = await removeLeavers(context, run, record, leavers)
  // A sandbox that is left holds its names and its network, so the session is not over; a leaked network makes way by itself.
  const sandboxLeft = leavers.some(({ outcome }) => outcome.state === 'kept' || outcome.state === 'collected')
  if (!sandboxLeft && held?.network) leaked.push(...(await closeNetwork(context, run, held.network)))

  if (!allowPartial) refuseUnlessAllCommitted(store, record, leavers, leaked)
  const students = await Promise.all(
    leavers.map(({ outcome }) => context.collectGate(record.classId, () => confirmOutcome(context, run, outcome))),
  )
  const complete = students.every(({ error }) => error === undefined)
  const answer: DownAnswer = answerOf(store, record, complete ? 'down' : 'down-partial', students, leaked)
  if (!sandboxLeft && !students.some(isUnconfirmed)) await recordEnd(context, run, record, answer)
  return answer
}

/** Everything is safe and gone by now: a record that cannot be written is made up for by the next call. */
async function recordEnd({ store }: ClassContext, run: Run, record: SessionRecord, answer: DownAnswer): Promise<void> {
  const { removing: _, ...settled } = record
  try {
    await writeSession(store, { ...settled, ended: { at: new Date().toISOString(), answer } })
  } catch (error) {
    run.log.error({ err: error }, 'end of the session not recorded')
  }
}

function refuseUnlessAllCommitted(
  store: ClassContext['store'],
  record: SessionRecord,
  leavers: readonly Leaver[],
  leaked: DownAnswer['leaked'],
): void {
  const students = leavers.map(({ outcome }) => outcome)
  if (students.every(({ error }) => error === undefined)) return
  const words = {
    consequence: 'nothing of them was removed',
    next: ' Repeat the call when the cause is gone, or with allowPartial to let the others go.',
  }
  throw collectFailure(students, words, answerOf(store, record, 'collect-failed', students, leaked))
}
