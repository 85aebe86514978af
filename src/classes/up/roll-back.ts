// A failed up takes back what it created, and only that. A sandbox that ran, even for a second, may hold work: it goes the
// way of every down, into a committed bag first. What cannot be collected is kept.

import { findSandbox, type HeldSandbox } from '../../runtime/held.ts'
import { isUnreachable } from '../../runtime/unreachable.ts'
import { findHeld } from '../../sessions/held.ts'
import type { DownStudent } from '../../sessions/outcomes.ts'
import { removeSession, writeSession } from '../../sessions/record.ts'
import { answerOf, bagMembers } from '../down/answer.ts'
import { type CollectedStudent, collectStudent } from '../down/collect-student.ts'
import { recordRemovals, withRemovals } from '../down/finish-removal.ts'
import { mayHaveBegun, removeCollected } from '../down/remove-collected.ts'
import type { StartedStudent, Up } from './session.ts'

export const interruptedUp = 'The up was interrupted, and everything is kept as it is.'

/** Resolves with one sentence that says what is left. */
export async function rollBack(
  up: Up,
  network: { readonly id: string; readonly created: boolean },
  started: readonly StartedStudent[],
): Promise<string> {
  const { context, run } = up
  const leavers = started.map(({ studentId, sandbox }): Leaver => ({ studentId, sandbox, state: 'kept' }))
  await each(up, leavers, collectLeaver)
  const collected = leavers.flatMap((leaver) => (isCollected(leaver) ? [leaver] : []))
  if (collected.length > 0) {
    try {
      await recordRemovals(context, up.record, collected)
      await each(up, collected, removeLeaver)
    } catch (error) {
      run.log.error({ err: error }, 'removals of a failed up not recorded: the sandboxes are kept')
    }
  }
  const removed = collected.flatMap(({ studentId, state, collected: { bag } }): DownStudent[] =>
    state === 'gone' ? [{ studentId, state: 'removed', ...bagMembers(bag) }] : [],
  )
  const kept = leavers.some(({ state }) => state !== 'gone')
  if (run.signal.aborted) return interruptedUp
  const begun = collected.filter(({ state }) => state === 'half-removed')
  const record = begun.length > 0 ? withRemovals(up.record, begun) : up.record
  try {
    if (network.created && !kept) await context.runtime.closeNetwork(network.id)
    if (network.created && !kept && up.isNew) await endSession(up, removed)
    else await writeSession(context.store, record)
  } catch (error) {
    run.log.error({ err: error }, 'network or record of a failed up could not be taken back')
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

interface Leaver extends Pick<StartedStudent, 'studentId' | 'sandbox'> {
  /** `gone`: nothing that this call made is left. */
  state: 'kept' | 'half-removed' | 'gone'
  collected?: CollectedStudent
}
type CollectedLeaver = Leaver & { readonly collected: CollectedStudent }

const isCollected = (leaver: Leaver): leaver is CollectedLeaver => leaver.collected !== undefined

/** What fails for one is logged, and the others go on. */
async function each<Some extends Leaver>(
  up: Up,
  leavers: readonly Some[],
  work: (up: Up, leaver: Some) => Promise<void>,
): Promise<void> {
  const { context, run, record } = up
  await Promise.all(
    leavers.map((leaver) =>
      context.collectGate(record.classId, () =>
        work(up, leaver).catch((err: unknown) => {
          const { studentId } = leaver
          run.log.error({ err, studentId }, 'sandbox of a failed up could not be taken back')
        }),
      ),
    ),
  )
}

async function collectLeaver(up: Up, leaver: Leaver): Promise<void> {
  const ran = await rollBackIdle(up, leaver)
  if (!ran) leaver.state = 'gone'
  if (!ran) return
  const collected = await collectStudent(up.context, up.run, up.record, ran, 'snapshot')
  // Older files stay, for the next sandbox of this student.
  leaver.collected = { ...collected, files: leaver.sandbox.madeFiles }
}

async function removeLeaver({ context, run }: Up, leaver: CollectedLeaver): Promise<void> {
  const { collected } = leaver
  try {
    await removeCollected(context, run, collected)
    leaver.state = 'gone'
  } catch (error) {
    if (mayHaveBegun(collected, error)) leaver.state = 'half-removed'
    throw error
  }
}

/**
 * Takes back a sandbox of this call that never ran, and so can hold no work. Answers with one that did run.
 * What the engine has now and had not before is of this call, also where an answer was lost on the way.
 */
export async function rollBackIdle(
  up: Up,
  { studentId, sandbox: { id, madeFiles } }: Pick<StartedStudent, 'studentId' | 'sandbox'>,
): Promise<HeldSandbox | undefined> {
  const { context, record } = up
  const { runtime } = context
  up.run.signal.throwIfAborted()
  const before = findSandbox(up.held, studentId)
  // Nothing was done for one that could not be asked.
  if (isUnreachable(before)) return undefined
  const session = await findHeld(runtime, record)
  const now = findSandbox(session, studentId)
  if (now?.id !== undefined && now.id !== before?.id) {
    if (now.state !== 'created') return now
    await runtime.removeSandbox(now.id)
  }
  // Removed by another hand meanwhile: it may have run, and its work is in its files.
  if (now && now.id === undefined && id !== undefined) return now
  if (madeFiles !== undefined) await runtime.removeFiles(madeFiles)
  return undefined
}
