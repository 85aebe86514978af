// reset-student: a student's sandbox is collected, removed and made anew, with the files of an earlier bag in it if asked for.
// The session's record says what was begun, and which container is the old one: after a crash the sweep goes on with it.

import { type Static, Type } from '@sinclair/typebox'
import { asCollectError } from '../collection/errors.ts'
import { requireBag, restoredContents } from '../collection/restore.ts'
import { bagPrefix } from '../names.ts'
import { Nullable } from '../nullable.ts'
import { Problem } from '../problems.ts'
import { findSandbox, type HeldSandbox } from '../runtime/port.ts'
import { findOpen, letGoOn, type Open, removeHalfSnapshots } from './collect-class.ts'
import { collectStudent, removeCollected } from './collect-student.ts'
import { type Action, asProblem, type ClassContext } from './context.ts'
import { bagMembers } from './down-answer.ts'
import { DownStudent, type ResetIntent, type SessionRecord, withoutStudent, writeSession } from './session-record.ts'
import { UpStudent } from './up-answer.ts'
import { raiseStudents } from './up-class.ts'
import { planOf } from './up-session.ts'

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
  student: Type.Optional(UpStudent),
})
export type ResetAnswer = Static<typeof ResetAnswer>

export async function resetStudent(context: ClassContext, action: Action, request: ResetRequest): Promise<ResetAnswer> {
  const { classId, studentId: asked, restore = null } = request
  return await attempt(context, action, classId, async ({ held, record }) => {
    const sandbox = findSandbox(held, asked)
    if (!sandbox) {
      throw new Problem(
        'unknown-student',
        `studentId: '${asked}' has no sandbox in class '${classId}'. POST /room/up-class makes one for everybody who has none.`,
      )
    }
    const { studentId, container } = sandbox
    const bag = restore === null ? undefined : bagPrefix(record.classId, record.sessionId, studentId, restore)
    if (bag !== undefined) await requireBag(context.store, bag, action.signal)
    return { by: action.actor, at: new Date().toISOString(), studentId, containerId: container?.id ?? null, restore }
  })
}

/** Goes on with a reset that was interrupted. */
export async function finishReset(context: ClassContext, action: Action, classId: string): Promise<ResetAnswer> {
  return await attempt(context, action, classId, async ({ record }) => {
    if (record.reset) return record.reset
    throw new Problem('class-not-up', `The interrupted reset in class '${classId}' has ended meanwhile.`)
  })
}

async function attempt(
  context: ClassContext,
  action: Action,
  classId: string,
  decide: (open: Open) => Promise<ResetIntent>,
): Promise<ResetAnswer> {
  try {
    // Work that cannot be collected must not begin.
    await context.store.check()
    const open = await findOpen(context, classId)
    await letGoOn(context, open)
    const intent = await decide(open)
    const { reset: _, ...settled } = open.record
    return await carryOut(context, action, { held: open.held, record: settled }, intent)
  } catch (error) {
    throw asProblem(error, 'collect-failed')
  }
}

async function carryOut(
  context: ClassContext,
  action: Action,
  { held, record }: Open,
  intent: ResetIntent,
): Promise<ResetAnswer> {
  const { store, runtime } = context
  const { classId, sessionId } = record
  const { studentId, restore } = intent
  await writeSession(store, { ...record, reset: intent })
  await removeHalfSnapshots(store, action, record, studentId)
  const sandbox = findSandbox(held, studentId)
  const isOld = sandbox !== undefined && !isFresh(sandbox, intent)
  const collected = isOld ? await takeOld(context, action, record, sandbox, intent) : null

  // Until the fresh sandbox is there, a down has nobody to look for.
  const without = withoutStudent(record, studentId)
  const plan = planOf(record)
  const network = await runtime.openNetwork(plan)
  const now = (await runtime.survey(classId)).find((session) => session.sessionId === sessionId)
  const contents = restore === null ? undefined : bagPrefix(classId, sessionId, studentId, restore)
  const {
    students: [student],
  } = await raiseStudents(
    {
      context,
      action,
      record: without,
      isNew: false,
      held: now,
      plan,
      students: [studentId],
      allowPartial: false,
      ...(contents === undefined ? {} : { contents: () => restoredContents(store, contents, action.signal) }),
    },
    network,
  )
  return { classId, sessionId, state: 'reset', collected, restored: restore, ...(student ? { student } : {}) }
}

/** A container of the student's own that is not the one the reset began with: the old one is gone. */
const isFresh = ({ container }: HeldSandbox, { containerId }: ResetIntent): boolean =>
  container !== undefined && !container.isWrap && container.id !== containerId

/** Into a committed bag, then away. What cannot be collected stays, and the reset has come to its end. */
async function takeOld(
  context: ClassContext,
  action: Action,
  record: SessionRecord,
  sandbox: HeldSandbox,
  intent: ResetIntent,
): Promise<DownStudent> {
  const { studentId } = sandbox
  let settled = record
  try {
    const collected = await collectStudent(context, action, record, sandbox, 'snapshot')
    // Their work is safe now: a down must not miss what the removal, or one whose answer is lost, takes away.
    settled = withoutStudent(record, studentId)
    await writeSession(context.store, { ...settled, reset: intent })
    await removeCollected(context, action, collected)
    return { studentId, state: 'removed', ...bagMembers(collected.bag) }
  } catch (error) {
    action.log.error({ err: error, studentId }, 'sandbox not collected: it is not reset')
    if (!action.signal.aborted) await writeSession(context.store, settled)
    const { code, message } = asCollectError(error)
    throw new Problem(
      code === 'store-unavailable' || code === 'engine-unavailable' ? code : 'collect-failed',
      `${message} The sandbox is kept: POST /room/up-class starts it again.`,
      { cause: error },
    )
  }
}
