// A failed up takes back what it created, and only that. A sandbox that ran, even for a second, may hold work: it goes the
// way of every down, into a committed bag first. What cannot be collected is kept.

import { findSandbox, type HeldSandbox, type RaisedSandbox } from '../runtime/port.ts'
import { collectStudent, removeCollected } from './collect-student.ts'
import { answerOf, bagMembers } from './down-answer.ts'
import { type DownStudent, removeSession, writeSession } from './session-record.ts'
import type { Up } from './up-class.ts'

export const interruptedUp = 'The up was interrupted, and everything is kept as it is.'

/** Resolves with one sentence that says what is left. */
export async function takeBack(
  up: Up,
  network: { readonly id: string; readonly created: boolean },
  raised: ReadonlyMap<string, RaisedSandbox>,
): Promise<string> {
  const { context, action } = up
  const outcomes = await Promise.all(
    [...raised].map(([studentId, done]) =>
      context.collectGate(up.record.classId, async () => {
        try {
          return await takeBackSandbox(up, studentId, done)
        } catch (error) {
          action.log.error({ err: error, studentId }, 'sandbox of a failed up could not be taken back')
          return 'kept'
        }
      }),
    ),
  )
  const collected = outcomes.filter((outcome) => typeof outcome === 'object')
  const kept = outcomes.includes('kept')
  if (action.signal.aborted) return interruptedUp
  try {
    if (network.created && !kept) await context.runtime.closeNetwork(network.id)
    if (network.created && !kept && up.isNew) await endSession(up, collected)
    else await writeSession(context.store, up.record)
  } catch (error) {
    action.log.error({ err: error }, 'network or record of a failed up could not be taken back')
    return 'The network or the record could not be removed: take the class down.'
  }
  if (kept) return 'Some sandboxes could not be taken back and are kept: take the class down.'
  return network.created
    ? 'What this call created is removed.'
    : 'What was there before stays; what this call created is removed.'
}

/** A session that came to nothing leaves no record, unless bags stand beside it. */
async function endSession({ context: { store }, record }: Up, collected: DownStudent[]): Promise<void> {
  if (collected.length === 0) return await removeSession(store, record)
  const answer = answerOf(store, record, 'down', collected, [])
  await writeSession(store, { ...record, ended: { at: new Date().toISOString(), answer } })
}

async function takeBackSandbox(up: Up, studentId: string, done: RaisedSandbox): Promise<DownStudent | 'untouched'> {
  const { context, action, record } = up
  const ran = await takeBackIdle(up, studentId, done)
  if (!ran) return 'untouched'
  const collected = await collectStudent(context, action, record, ran, 'snapshot')
  // An older volume stays, for the next container of this student.
  await removeCollected(context, action, { ...collected, volume: done.createdVolume })
  return { studentId, state: 'removed', ...bagMembers(collected.bag) }
}

/**
 * Takes back a sandbox of this call whose container never ran, and so can hold no work. Answers with one that did run.
 * What the engine has now and had not before is of this call, also where an answer was lost on the way.
 */
export async function takeBackIdle(up: Up, studentId: string, done: RaisedSandbox): Promise<HeldSandbox | undefined> {
  const { context, record } = up
  const { runtime } = context
  up.action.signal.throwIfAborted()
  const before = findSandbox(up.held, studentId)
  const session = (await runtime.survey(record.classId)).find(({ sessionId }) => sessionId === record.sessionId)
  const now = findSandbox(session, studentId)
  if (now?.container && now.container.id !== before?.container?.id) {
    if (now.container.state !== 'created') return now
    await runtime.removeContainer(now.container.id)
  }
  // Removed by another hand meanwhile: it may have run, and its work is in the volume.
  if (now && !now.container && done.containerId !== undefined) return now
  if (done.createdVolume !== undefined) await runtime.removeVolume(done.createdVolume)
  return undefined
}
