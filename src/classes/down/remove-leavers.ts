// The part of a down that removes: sandboxes whose bags are committed, then the network. What the engine would not remove is
// answered, and named as an operator finds it there.

import { asCollectError } from '../../collection/errors.ts'
import type { DownAnswer } from '../../sessions/outcomes.ts'
import { type SessionRecord, writeSession } from '../../sessions/record.ts'
import type { ClassContext, Run } from '../context.ts'
import { keptStudent } from './answer.ts'
import type { Leaver } from './collect-leavers.ts'
import { withoutRemovals, withRemovals } from './finish-removal.ts'
import { mayHaveBegun, NotRemoved, removeCollected } from './remove-collected.ts'

type Leaked = DownAnswer['leaked'][number]

/** That it has begun is in the record before the first of it goes: an engine may die, or stop, in the middle of any removal. */
export async function removeLeavers(
  context: ClassContext,
  run: Run,
  record: SessionRecord,
  leavers: readonly Leaver[],
): Promise<Leaked[]> {
  const begun = leavers.flatMap(({ studentId, collected }) => (collected ? [{ studentId, collected }] : []))
  if (begun.length === 0) return []
  const recorded = withRemovals(record, begun)
  await writeSession(context.store, recorded)
  const leaked = await Promise.all(
    leavers.map((leaver) => context.collectGate(record.classId, () => removeLeaver(context, run, leaver))),
  )
  const untouched = leavers.filter(({ collected, isBegun }) => collected && !isBegun)
  const students = untouched.map(({ studentId }) => studentId)
  if (students.length > 0) await writeSession(context.store, withoutRemovals(recorded, students))
  return leaked.flat()
}

async function removeLeaver(context: ClassContext, run: Run, leaver: Leaver): Promise<Leaked[]> {
  const { collected, outcome, studentId } = leaver
  if (!collected) return []
  leaver.isBegun = true
  run.progress.enter(studentId, 'removing')
  try {
    await removeCollected(context, run, collected)
    run.progress.enter(studentId, 'removed')
    leaver.outcome = { ...outcome, state: 'removed' }
    return []
  } catch (error) {
    const fault = asCollectError(error)
    run.log.error({ err: error, studentId }, 'sandbox not removed')
    run.progress.enter(studentId, 'failed')
    leaver.isBegun = mayHaveBegun(collected, error)
    const toCollectAgain = fault.code === 'changed' || fault.code === 'store-mismatch'
    if (!toCollectAgain) return [{ ...placeOf(error, leaver), reason: fault.message }]
    leaver.outcome = { ...outcome, ...keptStudent(studentId, fault) }
    return []
  }
}

/** What is left, as an operator finds it on the engine. */
function placeOf(error: unknown, { collected, sandbox, studentId }: Leaver): { kind: string; name: string } {
  const isFiles = error instanceof NotRemoved && error.what === 'files'
  if (isFiles) return { kind: 'volume', name: collected?.files ?? studentId }
  return { kind: 'sandbox', name: sandbox?.name ?? studentId }
}

export async function closeNetwork(
  context: ClassContext,
  run: Run,
  network: { id: string; name: string },
): Promise<Leaked[]> {
  try {
    await context.runtime.closeNetwork(network.id)
    return []
  } catch (error) {
    run.log.error({ err: error, network: network.name }, 'network not removed')
    return [{ kind: 'network', name: network.name, reason: asCollectError(error).message }]
  }
}
