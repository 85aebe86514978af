// The part of an up that makes sandboxes: one for each student, bounded parallel, until each is ready or has failed. A reset
// makes its fresh sandbox by it too.

import { resolvesNames } from '../../catalogue/gvisor.ts'
import { foldId } from '../../names.ts'
import { Problem } from '../../problems.ts'
import { RuntimeError } from '../../runtime/errors.ts'
import { findSandbox } from '../../runtime/held.ts'
import type { StartedSandbox } from '../../runtime/port.ts'
import { requireReachable } from '../../runtime/unreachable.ts'
import { findHeld } from '../../sessions/held.ts'
import type { UpAnswer, UpStudent } from '../../sessions/outcomes.ts'
import { writeSession } from '../../sessions/record.ts'
import { endpointState } from '../../traefik/traefik.ts'
import { within } from '../../within.ts'
import { interruptedUp, rollBack, rollBackIdle } from './roll-back.ts'
import type { StartedStudent, Up } from './session.ts'

/** How long sandboxes may take from start to running and healthy. */
const readyTimeoutMs = 120_000

/** Problem 'up-failed' where it has no sandbox for each student; it is then as it was before. */
export async function startStudents(
  up: Up,
  network: { id: string; name: string; created: boolean },
): Promise<UpAnswer> {
  const { context, run, plan } = up
  run.progress.expectStudents(up.students)
  const started = await Promise.all(
    up.students.map((studentId) => context.upGate(plan.classId, () => startStudent(up, studentId))),
  )
  const outcomes = await waitReady(up, started)
  for (const { studentId, error } of outcomes) run.progress.enter(studentId, error ? 'failed' : 'running')
  const failed = outcomes.filter(({ error }) => error !== undefined)
  // Another process may have the class by now: what it finds is the record of an up that has not ended.
  const interrupted = run.signal.aborted
  const partial = !interrupted && up.allowPartial && failed.length > 0 && failed.length < outcomes.length
  if (partial) await rollBackFailed(up, failed)

  const students = await describeStudents(up, outcomes)
  const answer = {
    classId: plan.classId,
    sessionId: plan.sessionId,
    lab: plan.lab,
    resolvesNames: resolvesNames(plan.frozenLab),
    network: network.name,
    expiresAt: plan.expiresAt,
  }
  if (!interrupted && (failed.length === 0 || partial)) {
    await recordStudents(up, students)
    return { ...answer, state: partial ? 'up-partial' : 'up', students }
  }

  const missing = `${failed.length} of ${students.length} sandboxes did not come up; see 'students'.`
  const detail = interrupted
    ? `${interruptedUp} Repeat the call.`
    : `${missing} ${await rollBack(up, network, outcomes)} Correct the cause and repeat the call.`
  throw new Problem('up-failed', detail, { extensions: { ...answer, state: 'up-failed', students } })
}

async function startStudent({ context, run, ...up }: Up, studentId: string): Promise<StartedStudent> {
  let sandbox: StartedSandbox = { id: undefined, madeFiles: undefined }
  const held = findSandbox(up.held, studentId)
  try {
    if (run.signal.aborted) throw new RuntimeError('failed', 'The service is stopping.')
    const stuck = up.stuck?.get(studentId)
    if (stuck) throw stuck
    requireReachable(held)
    run.progress.enter(studentId, 'starting')
    sandbox = await context.runtime.startSandbox(up.plan, studentId, held, up.contents)
    if (sandbox.fault !== undefined) throw sandbox.fault
  } catch (error) {
    run.log.warn({ err: error, studentId }, 'sandbox did not come up')
    run.progress.studentDone(studentId, 'failed')
    return { studentId, sandbox, error: describe(error) }
  }
  run.progress.studentDone(studentId, 'starting')
  return { studentId, sandbox }
}

/** Files that nobody ran on would stand in the way of a down. A sandbox that ran stays, for down to collect. */
async function rollBackFailed(up: Up, failed: readonly StartedStudent[]): Promise<void> {
  for (const student of failed) {
    await rollBackIdle(up, student).catch((err: unknown) => {
      up.run.log.error({ err, studentId: student.studentId }, 'failed sandbox could not be taken back')
    })
  }
}

/**
 * The up has ended, and who came up with it is known. Only now: whoever is in the record and not on the engine at down was
 * removed by another hand.
 */
async function recordStudents({ context, record }: Up, students: readonly UpStudent[]): Promise<void> {
  // What is told of one that cannot be asked is of an earlier time, when it had come up or not.
  const present = students
    .filter(({ containerId, error }) => containerId !== null && error?.code !== 'engine-unreachable')
    .map(({ studentId }) => studentId)
  await writeSession(context.store, { ...record, students: [...new Set([...record.students, ...present])] })
}

/** Those whose sandbox does not become ready have failed. */
async function waitReady(
  { context, run, plan }: Up,
  started: readonly StartedStudent[],
): Promise<readonly StartedStudent[]> {
  const ids = started.flatMap(({ sandbox, error }) => (error ? [] : (sandbox.id ?? [])))
  const signal = within(readyTimeoutMs, run.signal)
  const reasons = await context.runtime.waitReady(plan, ids, signal)
  return started.map((student) => {
    const { sandbox, error } = student
    const reason = error || sandbox.id === undefined ? undefined : reasons.get(sandbox.id)
    return reason === undefined ? student : { ...student, error: { code: 'not-ready', detail: reason } }
  })
}

async function describeStudents(
  { context, run, plan, ...up }: Up,
  outcomes: readonly StartedStudent[],
): Promise<UpStudent[]> {
  // Before it is told where the pages are, they should be there.
  await context.traefik?.hasRoutes(run.signal)
  const session = await findHeld(context.runtime, plan)
  return outcomes.map(({ studentId, error }) => {
    const sandbox = findSandbox(session, studentId)
    const vanished = up.vanished?.get(foldId(studentId))
    return {
      studentId,
      state: error ? 'failed' : 'running',
      containerId: sandbox?.id ?? null,
      containerName: sandbox?.name ?? null,
      endpoint: sandbox?.endpoint ?? null,
      endpointState: endpointState(context.traefik, plan.classId, sandbox?.id, sandbox?.endpoint),
      ...(error ? { error } : {}),
      ...(vanished ? { vanished } : {}),
    }
  })
}

function describe(error: unknown): { code: string; detail: string } {
  if (error instanceof RuntimeError && error.code === 'unreachable')
    return { code: 'engine-unreachable', detail: error.message }
  if (error instanceof RuntimeError) return { code: error.code, detail: error.message }
  return { code: 'failed', detail: 'The service failed on this sandbox; its log says why.' }
}
