// discard-student: an admin gives up a sandbox that cannot be collected. It is collected once more first, and again where that
// fails, so that only what really cannot be saved is lost, and never for a fault that may pass. The one way by which uncollected
// work may go.

import { type Static, Type } from '@sinclair/typebox'
import { asCollectError, CollectError, type CollectErrorCode } from '../collection/errors.ts'
import { sameId } from '../names.ts'
import { Problem } from '../problems.ts'
import { type HeldSandbox, isHalfRemoved } from '../runtime/held.ts'
import { newestOfStudent, recordOf } from '../sessions/held.ts'
import { DownAnswer, DownStudent } from '../sessions/outcomes.ts'
import { type SessionRecord, withoutStudent, writeSession } from '../sessions/record.ts'
import type { ClassContext, Run } from './context.ts'
import { answerOf, bagMembers, noBag } from './down/answer.ts'
import { type CollectedStudent, collectStudent } from './down/collect-student.ts'
import { begunRemoval, withoutRemovals, withRemovals } from './down/finish-removal.ts'
import { mayHaveBegun, removeCollected } from './down/remove-collected.ts'
import { giveUpLostNode } from './give-up-lost-node.ts'
import { outageOf } from './outage.ts'

export interface DiscardRequest {
  readonly classId: string
  readonly studentId: string
  /** Why, in the admin's words; it stays in the session's record. */
  readonly reason: string
  /** It is on a node that cannot be asked and is lost for good: then it is not collected once more. */
  readonly nodeIsLost?: boolean
}

export const DiscardAnswer = Type.Composite([
  Type.Omit(DownAnswer, ['state', 'leaked']),
  Type.Object({ state: DownStudent.properties.state }),
])
type DiscardAnswer = Static<typeof DiscardAnswer>

/** Time for a sandbox that nothing more is expected of. */
const stopSeconds = 10

export async function discardStudent(context: ClassContext, run: Run, request: DiscardRequest): Promise<DiscardAnswer> {
  run.progress.expectStudents([request.studentId])
  const { record, outcome } = request.nodeIsLost
    ? await giveUpLostNode(context, run, request)
    : await collectOrGiveUp(context, run, request)
  run.progress.studentDone(request.studentId, 'done')
  const { leaked: _, ...answer } = answerOf(context.store, record, outcome.state, [outcome], [])
  return answer
}

async function collectOrGiveUp(context: ClassContext, run: Run, request: DiscardRequest) {
  const { record, sandbox, collected } = await collectTwice(context, run, request)
  const outcome =
    collected instanceof CollectError
      ? await giveUp(context, run, { record, sandbox, reason: request.reason, fault: collected })
      : await remove(context, run, record, sandbox, collected)
  return { record, outcome }
}

interface Attempt {
  readonly record: SessionRecord
  readonly sandbox: HeldSandbox
  readonly collected: CollectedStudent | CollectError
}

/** A fault counts only where it comes twice: one that is gone, or another one, a moment later is not the sandbox's own. */
async function collectTwice(context: ClassContext, run: Run, request: DiscardRequest): Promise<Attempt> {
  const first = await tryCollect(context, run, request)
  if (!(first.collected instanceof CollectError)) return first
  refuseToGiveUp(first.collected, run.signal, first.sandbox)
  const second = await tryCollect(context, run, request)
  if (!(second.collected instanceof CollectError)) return second
  refuseToGiveUp(second.collected, run.signal, second.sandbox)
  if (second.collected.code !== first.collected.code) throw refusal('collect-failed', second.collected)
  return second
}

/** Looks again each time: an attempt that failed may have made files readable that were not. */
async function tryCollect(context: ClassContext, run: Run, request: DiscardRequest): Promise<Attempt> {
  const { classId, studentId } = request
  const found = await newestOfStudent(context, classId, studentId)
  if (!found) throw new Problem('unknown-student', `studentId: '${studentId}' has no sandbox in class '${classId}'.`)
  const { held, sandbox } = found
  const record = await recordOf(context, held)
  const kind = record.down ? 'final' : 'snapshot'
  const collected = await begunRemoval(context, run, record, sandbox)
    .then((begun) => begun ?? collectStudent(context, run, record, sandbox, kind))
    .catch(asCollectError)
  return { record, sandbox, collected }
}

async function remove(
  context: ClassContext,
  run: Run,
  record: SessionRecord,
  { studentId }: HeldSandbox,
  collected: CollectedStudent,
): Promise<DownStudent> {
  // Of a running class, a student whose work is in a snapshot is no longer one whose sandbox a down looks for.
  const settled = record.down ? record : withoutStudent(record, studentId)
  await writeSession(context.store, withRemovals(settled, [{ studentId, collected }]))
  await removeCollected(context, run, collected).catch(async (error: unknown) => {
    if (!mayHaveBegun(collected, error)) await writeSession(context.store, withoutRemovals(settled, [studentId]))
    refuseToGiveUp(asCollectError(error), run.signal)
    throw error
  })
  if (!record.down) await writeSession(context.store, withoutRemovals(settled, [studentId]))
  return { studentId, state: 'removed', ...bagMembers(collected.bag) }
}

async function giveUp(
  { runtime, store }: ClassContext,
  { actor, log }: Run,
  {
    record,
    sandbox,
    reason,
    fault,
  }: { record: SessionRecord; sandbox: HeldSandbox; reason: string; fault: CollectError },
): Promise<DownStudent> {
  const { studentId, id, files } = sandbox
  const error = { code: fault.code, detail: fault.message }
  const others = record.discarded?.filter((each) => !sameId(each.studentId, studentId)) ?? []
  const discarded = [...others, { by: actor, at: new Date().toISOString(), studentId, reason, error }]
  await writeSession(store, { ...withoutRemovals(withoutStudent(record, studentId), [studentId]), discarded })
  log.warn({ studentId, reason, err: fault }, 'sandbox is given up with the work that is in it')
  if (id !== undefined) {
    if (!isHalfRemoved(sandbox)) await runtime.seal(id, stopSeconds)
    await runtime.removeSandbox(id)
  }
  if (files !== undefined) await runtime.removeFiles(files)
  return { studentId, state: 'discarded', ...noBag, error, reason }
}

/** Faults that are not the sandbox's own, beside a store or an engine that does not answer. */
const passing: readonly CollectErrorCode[] = ['store-mismatch', 'changed']

/** What may pass by itself is no reason to lose anything. */
function refuseToGiveUp(fault: CollectError, signal: AbortSignal, sandbox?: HeldSandbox): void {
  if (signal.aborted) throw new Problem('shutting-down', 'The service is stopping; nothing was given up.')
  const { code } = fault
  const outage = outageOf(fault)
  if (outage) throw refusal(outage, fault)
  // Nobody has looked into files that could not be made readable: an archive call may read them all.
  const isUnread = sandbox?.state === 'missing' && code === 'failed'
  if (passing.includes(code) || isUnread || isOfThisMachine(fault.cause)) throw refusal('collect-failed', fault)
}

const refusal = (code: 'store-unavailable' | 'engine-unavailable' | 'collect-failed', fault: CollectError): Problem =>
  new Problem(code, `${fault.message} Nothing was given up.`, { cause: fault })

/** A fault of the service's own system, as a full disk or too many open files: `ENOSPC`, `EMFILE`. */
const isOfThisMachine = (cause: unknown): boolean =>
  cause instanceof Error && 'code' in cause && typeof cause.code === 'string' && /^E[A-Z0-9]+$/.test(cause.code)
