// collect-class: a snapshot bag of each running sandbox, and nothing is taken down. A sandbox stands still while its bag is
// made, so that the bag is of one moment. The session's record says so first: after a crash the sweep lets everybody go on.

import { type Static, Type } from '@sinclair/typebox'
import { isCommitted } from '../bag/find.ts'
import { bagDeclarationKey } from '../bag/tag-files.ts'
import { asCollectError } from '../collection/errors.ts'
import { snapshotTime, studentPrefix } from '../names.ts'
import { Problem } from '../problems.ts'
import { absentSandbox, findSandbox, type HeldSandbox, type HeldSession, isAbsent, isRunning } from '../runtime/held.ts'
import { isUnreachable, requireReachable } from '../runtime/unreachable.ts'
import { findHeld, findOpen, type OpenSession } from '../sessions/held.ts'
import { DownAnswer, DownStudent } from '../sessions/outcomes.ts'
import { type SessionRecord, writeSession } from '../sessions/record.ts'
import { chooseStudents } from './choose-students.ts'
import type { ClassContext, Run } from './context.ts'
import { answerOf, bagMembers, keptStudent, noBag } from './down/answer.ts'
import { snapshotStudent } from './down/collect-student.ts'
import { copyMembers, findLastCopy } from './last-copy.ts'
import { collectFailure } from './outage.ts'
import { vanishedStudents } from './vanished.ts'

export interface CollectRequest {
  readonly classId: string
  /** Default: everybody who has a sandbox. */
  readonly students?: readonly string[]
}

export const Snapshot = Type.Composite([
  Type.Omit(DownStudent, ['state']),
  Type.Object({
    state: Type.Union([
      Type.Literal('collected'),
      Type.Literal('not-running'),
      Type.Literal('failed'),
      Type.Literal('missing'),
    ]),
  }),
])
type Snapshot = Static<typeof Snapshot>

export const CollectAnswer = Type.Composite([
  Type.Omit(DownAnswer, ['state', 'students', 'leaked']),
  Type.Object({ state: Type.Literal('collected'), students: Type.Array(Snapshot) }),
])
export type CollectAnswer = Static<typeof CollectAnswer>

export async function collectClass(context: ClassContext, run: Run, request: CollectRequest): Promise<CollectAnswer> {
  const { store } = context
  await resume(context, await findOpen(context, request.classId))
  const { held, record } = await findOpen(context, request.classId)
  const sandboxes = chosen(held, record, request)
  await writeSession(store, { ...record, collect: { by: run.actor, at: new Date().toISOString() } })
  run.progress.expectStudents(sandboxes.map(({ studentId }) => studentId))
  const students = await Promise.all(
    sandboxes.map((sandbox) => context.collectGate(record.classId, () => snapshot(context, run, record, sandbox))),
  )
  await settle(context, run, record)
  if (students.every(({ state }) => state !== 'failed')) return collected(context, record, 'collected', students)
  const words = { consequence: 'all go on running', next: '' }
  throw collectFailure(students, words, collected(context, record, 'collect-failed', students))
}

/** After a crash: whoever stands still goes on, and what was not committed is removed. */
export async function settleCollect(
  context: ClassContext,
  run: Run,
  { classId }: { classId: string },
): Promise<object> {
  const open = await findOpen(context, classId)
  await resume(context, open)
  await settle(context, run, open.record)
  return { classId: open.held.classId, sessionId: open.held.sessionId }
}

/** Whom an interrupted collection left standing still. One that somebody else paused is theirs. */
export async function resume({ runtime }: ClassContext, { held, record }: OpenSession): Promise<void> {
  if (!record.collect) return
  for (const sandbox of held.sandboxes) {
    if (sandbox.id !== undefined && !isUnreachable(sandbox)) await runtime.thaw(sandbox.id)
  }
}

/** One whose sandbox another hand removed is named too: nothing is left of it. */
function chosen(held: HeldSession, record: SessionRecord, { students }: CollectRequest): readonly HeldSandbox[] {
  const { classId } = held
  const gone = vanishedStudents(record, held).filter((studentId) => !findSandbox(held, studentId))
  const sandboxes = [...held.sandboxes, ...gone.map(absentSandbox)]
  if (students === undefined) return sandboxes
  return chooseStudents(students, sandboxes, ({ studentId }) => studentId, `has no sandbox in class '${classId}'`)
}

async function snapshot(
  context: ClassContext,
  run: Run,
  record: SessionRecord,
  sandbox: HeldSandbox,
): Promise<Snapshot> {
  const { studentId } = sandbox
  try {
    if (isAbsent(sandbox)) {
      const copy = await findLastCopy(context, run, record, studentId)
      run.progress.studentDone(studentId, 'done')
      return { studentId, state: 'missing', ...copyMembers(copy) }
    }
    requireReachable(sandbox)
    if (!isRunning(sandbox)) {
      run.progress.studentDone(studentId, 'done')
      return { studentId, state: 'not-running', ...noBag }
    }
    const bag = await snapshotStudent(context, run, record, sandbox)
    run.progress.studentDone(studentId, 'collected')
    return { studentId, state: 'collected', ...bagMembers(bag) }
  } catch (error) {
    run.log.error({ err: error, studentId, container: sandbox.id }, 'no snapshot of this sandbox')
    run.progress.studentDone(studentId, 'failed')
    return { ...keptStudent(studentId, asCollectError(error)), state: 'failed' }
  }
}

/** The collection has ended: no old prefix without a commit mark stays behind, and the record says so. */
async function settle({ store, runtime }: ClassContext, run: Run, record: SessionRecord): Promise<void> {
  const { collect: _, ...settled } = record
  const session = await findHeld(runtime, record)
  for (const { studentId } of session?.sandboxes ?? []) await removeHalfSnapshots(store, run, record, studentId)
  if (session?.sandboxes.some(({ state }) => state === 'paused')) {
    throw new Problem('collect-failed', 'A sandbox stands still and does not go on yet. The service tries it again.')
  }
  // One that cannot be asked may stand still: the mark stays, and the sweep lets it go on when its node is back.
  if (session?.sandboxes.some(isUnreachable)) return
  await writeSession(store, settled)
}

/**
 * A younger one may be that of a living process that is taken for dead: it can commit at any instant, and then remove the
 * sandbox, while the bag is being removed here.
 */
const halfSnapshotMs = 60 * 60_000

/** What a collection of this student that did not come to its end has left in the store, once it is old enough. */
export async function removeHalfSnapshots(
  store: ClassContext['store'],
  { signal }: Run,
  { classId, sessionId }: SessionRecord,
  studentId: string,
): Promise<void> {
  const student = studentPrefix(classId, sessionId, studentId)
  for (const folder of await store.folders(student, signal)) {
    if (!isOldSnapshot(folder)) continue
    const bag = `${student}${folder}/`
    if (await isCommitted(store, bag)) continue
    const keys: string[] = []
    for await (const { key } of store.list(bag, signal)) keys.push(key)
    // A store that is wrong about one object must not cost a committed bag: both of its answers have to agree.
    if (keys.includes(bag + bagDeclarationKey)) continue
    for (const key of keys) await store.remove(key, signal)
  }
}

function isOldSnapshot(folder: string): boolean {
  const time = snapshotTime(folder)
  return time !== undefined && Date.now() - time.getTime() > halfSnapshotMs
}

const collected = <State extends string>(
  { store }: ClassContext,
  record: SessionRecord,
  state: State,
  students: Snapshot[],
) => {
  const { leaked: _, ...answer } = answerOf(store, record, state, [], [])
  return { ...answer, students }
}
