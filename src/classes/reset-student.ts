// reset-student: a student's sandbox is collected, removed and made anew, with the files of an earlier bag in it if asked for.
// The session's record says what was begun, and which container is the old one: after a crash the sweep goes on with it.

import { type Static, Type } from '@sinclair/typebox'
import { asCollectError } from '../collection/errors.ts'
import { requireBag } from '../collection/restore.ts'
import { bagPrefix } from '../names.ts'
import { Nullable } from '../nullable.ts'
import { Problem } from '../problems.ts'
import { findSandbox, type HeldSandbox } from '../runtime/held.ts'
import { requireReachable } from '../runtime/unreachable.ts'
import { findHeld, findOpen, type OpenSession } from '../sessions/held.ts'
import { DownStudent, UpStudent } from '../sessions/outcomes.ts'
import { type ResetIntent, readSession, type SessionRecord, withoutStudent, writeSession } from '../sessions/record.ts'
import { removeHalfSnapshots, resume } from './collect-class.ts'
import type { ClassContext, Run } from './context.ts'
import { bagMembers } from './down/answer.ts'
import { type CollectedStudent, collectStudent } from './down/collect-student.ts'
import {
  begunRemoval,
  findRemoval,
  withoutRemovals,
  withoutStaleRemovals,
  withRemovals,
} from './down/finish-removal.ts'
import { mayHaveBegun, removeCollected } from './down/remove-collected.ts'
import { outageOf } from './outage.ts'
import { contentsOf, type NotRestored, nameUnrestored, tryOut } from './restore-bag.ts'
import { planOf } from './up/session.ts'
import { startStudents } from './up/start-students.ts'

export interface ResetRequest {
  readonly classId: string
  readonly studentId: string
  /** Collection id of a bag of this student in this session. */
  readonly restore?: string
}

export const ResetAnswer = Type.Object({
  classId: Type.String(),
  sessionId: Type.String(),
  state: Type.Literal('reset'),
  /** The bag of what was there before; null where an interrupted reset had removed that already. */
  collected: Nullable(DownStudent),
  restored: Nullable(Type.String({ description: 'Collection id of the bag whose files were put back.' })),
  notRestored: Type.Optional(
    Type.Array(Type.Object({ path: Type.String(), reason: Type.String() }), {
      description: 'With `restored`: what is not there as it was in the workspace, the first hundred.',
    }),
  ),
  notRestoredTotal: Type.Optional(Type.Integer()),
  student: Type.Optional(UpStudent),
})
export type ResetAnswer = Static<typeof ResetAnswer>

export async function resetStudent(context: ClassContext, run: Run, request: ResetRequest): Promise<ResetAnswer> {
  const { classId, studentId: asked, restore = null } = request
  return await attempt(context, run, classId, async ({ held, record }) => {
    const sandbox = findSandbox(held, asked)
    if (!sandbox) {
      throw new Problem(
        'unknown-student',
        `studentId: '${asked}' has no sandbox in class '${classId}'. POST /room/up-class makes one for everybody who has none.`,
      )
    }
    const { studentId, id = null } = sandbox
    const bag = restore === null ? undefined : bagPrefix(record.classId, record.sessionId, studentId, restore)
    if (bag !== undefined) await requireBag(context.store, bag, run.signal)
    return { by: run.actor, at: new Date().toISOString(), studentId, containerId: id, restore }
  })
}

/** Goes on with a reset that was interrupted. */
export async function finishReset(
  context: ClassContext,
  run: Run,
  { classId }: { readonly classId: string },
): Promise<ResetAnswer> {
  return await attempt(context, run, classId, async ({ record }) => {
    if (record.reset) return record.reset
    throw new Problem('class-not-up', `The interrupted reset in class '${classId}' has ended meanwhile.`)
  })
}

async function attempt(
  context: ClassContext,
  run: Run,
  classId: string,
  decide: (open: OpenSession) => Promise<ResetIntent>,
): Promise<ResetAnswer> {
  // Work that cannot be collected must not begin.
  await context.store.check()
  const open = await findOpen(context, classId)
  await resume(context, open)
  const intent = await decide(open)
  const { reset: _, ...settled } = open.record
  return await carryOut(context, run, { held: open.held, record: withoutStaleRemovals(settled, open.held) }, intent)
}

async function carryOut(
  context: ClassContext,
  run: Run,
  { held, record }: OpenSession,
  intent: ResetIntent,
): Promise<ResetAnswer> {
  const { classId, sessionId } = record
  const { studentId, restore } = intent
  const sandbox = findSandbox(held, studentId)
  requireReachable(sandbox)
  const isOld = sandbox !== undefined && !isFresh(sandbox, intent)
  const missing = restore === null ? undefined : await examineBag(context, run, record, { ...intent, restore }, isOld)
  await writeSession(context.store, { ...record, reset: intent })
  await proveFirst(context, run, record, isOld)
  await removeHalfSnapshots(context.store, run, record, studentId)
  const collected = isOld ? await takeOld(context, run, record, sandbox, intent) : null
  const before = collected?.bag ? lastOf(collected.bag) : intent.before

  const now = before === undefined ? intent : { ...intent, before }
  const cleared = withoutRemovals(record, [studentId])
  // Nothing is left of the old one: what comes now is work, and no part of that removal.
  if (collected || findRemoval(record, studentId))
    await writeSession(context.store, { ...withoutStudent(cleared, studentId), reset: now })
  const student = await startFresh(context, run, cleared, now)
  const left = missing && { notRestored: missing.first, notRestoredTotal: missing.total }
  return { classId, sessionId, state: 'reset', collected, restored: restore, ...left, ...(student ? { student } : {}) }
}

/** A fresh sandbox whose work would be lost ends the reset too. */
async function proveFirst(context: ClassContext, run: Run, record: SessionRecord, isOldThere: boolean): Promise<void> {
  try {
    await context.runtime.proveCollection(planOf(record), run.signal)
  } catch (error) {
    if (isOldThere && !run.signal.aborted) await writeSession(context.store, record)
    throw error
  }
}

/** A bag that cannot be put back ends the reset, with everything as it is: Problem. */
async function examineBag(
  context: ClassContext,
  run: Run,
  record: SessionRecord,
  { studentId, restore }: ResetIntent & { readonly restore: string },
  isOldThere: boolean,
): Promise<NotRestored> {
  const look = isOldThere ? tryOut : nameUnrestored
  try {
    return await look(context, run, planOf(record), studentId, restore)
  } catch (error) {
    // A reset that was interrupted is in the record; this is its end.
    if (isOldThere && !run.signal.aborted) await writeSession(context.store, record)
    throw error
  }
}

/** The fresh sandbox. One that will not come up with the bag's files comes up with what was there before, and the problem says so. */
async function startFresh(context: ClassContext, run: Run, record: SessionRecord, intent: ResetIntent) {
  const { studentId, restore, before } = intent
  const plan = planOf(record)
  const start = async (from: string | null) => {
    const network = await context.runtime.openNetwork(plan)
    const now = await findHeld(context.runtime, record)
    const contents = from === null ? {} : { contents: contentsOf(context, run, plan, studentId, from) }
    // Until the fresh sandbox is there, a down has nobody to look for.
    const up = { context, run, record: withoutStudent(record, studentId), isNew: false, held: now, plan }
    const students = [studentId]
    return await startStudents({ ...up, students, allowPartial: false, ...contents }, network)
  }
  try {
    return (await start(restore)).students[0]
  } catch (error) {
    if (!(error instanceof Problem) || error.code !== 'up-failed' || run.signal.aborted) throw error
    // Half of the one that failed may be in the way.
    const stored = await readSession(context.store, record.classId, record.sessionId)
    const isFree = stored !== undefined && findRemoval(stored, studentId) === undefined
    const canBeBack = isFree && restore !== null && before !== undefined
    const back = canBeBack ? await start(before).catch(() => undefined) : undefined
    throw new Problem('up-failed', afterFailure(intent, back !== undefined), {
      cause: error,
      extensions: error.extensions,
    })
  }
}

function afterFailure({ restore, before }: ResetIntent, isBack: boolean): string {
  const failed = `The fresh sandbox did not come up${restore === null ? '' : ` with the files of '${restore}'`}: see 'students'.`
  if (before === undefined) return `${failed} Correct the cause, then POST /room/up-class makes one.`
  if (isBack)
    return `${failed} What was there before is back, from the bag '${before}'. Correct the cause and repeat the call.`
  return `${failed} The old one is removed, and all that it held is in the bag '${before}'. Correct the cause; then POST /room/up-class makes an empty one, and POST /room/reset-student with restore '${before}' puts it back.`
}

/** The collection id of a bag. */
const lastOf = (prefix: string): string => prefix.split('/').at(-2) ?? ''

/** A sandbox that is not the one the reset began with: the old one is gone. */
const isFresh = ({ id, filesOnly }: HeldSandbox, { containerId }: ResetIntent): boolean =>
  id !== undefined && !filesOnly && id !== containerId

/** Into a committed bag, then away. What cannot be collected stays, and the reset has come to its end. */
async function takeOld(
  context: ClassContext,
  run: Run,
  record: SessionRecord,
  sandbox: HeldSandbox,
  intent: ResetIntent,
): Promise<DownStudent> {
  const { studentId } = sandbox
  let settled = record
  let collected: CollectedStudent | undefined
  try {
    collected =
      (await begunRemoval(context, run, record, sandbox)) ??
      (await collectStudent(context, run, record, sandbox, 'snapshot'))
    // Their work is safe now: a down must not miss what the removal, or one whose answer is lost, takes away.
    settled = withRemovals(withoutStudent(record, studentId), [{ studentId, collected }])
    await writeSession(context.store, { ...settled, reset: { ...intent, before: collected.bag.collectionId } })
    await removeCollected(context, run, collected)
    return { studentId, state: 'removed', ...bagMembers(collected.bag) }
  } catch (error) {
    run.log.error({ err: error, studentId }, 'sandbox not collected: it is not reset')
    if (collected && !mayHaveBegun(collected, error)) settled = withoutRemovals(settled, [studentId])
    if (!run.signal.aborted) await writeSession(context.store, settled)
    const fault = asCollectError(error)
    const { message } = fault
    throw new Problem(
      outageOf(fault) ?? 'collect-failed',
      `${message} The sandbox is kept: POST /room/up-class starts it again.`,
      { cause: error },
    )
  }
}
