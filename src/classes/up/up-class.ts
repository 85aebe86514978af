// up-class: network, Traefik, then a sandbox for each student, bounded parallel. Repeating it converges: late joiners are
// added, what died is started again, nothing else is touched. What a failed up created is taken back, nothing more.

import { foldId } from '../../names.ts'
import { asProblem } from '../../port-problems.ts'
import { Problem } from '../../problems.ts'
import type { Contents } from '../../runtime/archive.ts'
import { RuntimeError } from '../../runtime/errors.ts'
import { findSandbox, type StoreIdentity } from '../../runtime/held.ts'
import type { Runtime, SessionPlan, StartedSandbox } from '../../runtime/port.ts'
import { seatStudents } from '../../runtime/seats.ts'
import { findHeld } from '../../sessions/held.ts'
import type { UpAnswer, UpStudent } from '../../sessions/outcomes.ts'
import { removeSession, type UpIntent, writeSession } from '../../sessions/record.ts'
import { storeIdentity } from '../../sessions/store-identity.ts'
import type { Action, ClassContext } from '../context.ts'
import { finishRemovals } from '../down/finish-removal.ts'
import { type Noted, noteVanished } from '../vanished.ts'
import { examine, type Findings, refusals, weigh } from './admission.ts'
import type { UpOrder } from './order.ts'
import { interruptedUp, rollBack, rollBackIdle } from './roll-back.ts'
import { type ChosenSession, findInterrupted, joinSession, newSession, planOf } from './session.ts'
import type { SessionShare } from './usage.ts'

/** How long sandboxes may take from start to running and healthy. */
const readyTimeoutMs = 120_000

export async function upClass(context: ClassContext, action: Action, order: UpOrder): Promise<UpAnswer> {
  const { students, ttlMinutes, allowPartial } = order
  const intent = { by: action.actor, at: new Date().toISOString(), students: [...students], ttlMinutes, allowPartial }
  return await attempt(
    context,
    action,
    async () => {
      const seen = await examine(context, order)
      return { seen, store: await storeIdentity(context.store) }
    },
    ({ seen, store }, reserved) => ({ intent, ...admit(context, action, weigh(seen, reserved), store) }),
  )
}

/** Problem: the first of the reasons why this up must not begin. */
function admit(
  { installation }: ClassContext,
  action: Action,
  findings: Findings,
  store: StoreIdentity,
): ChosenSession {
  const [refusal] = refusals(findings)
  if (refusal) throw refusal
  const { order, running, image, earlier } = findings
  const { elsewhere } = earlier
  if (elsewhere) {
    const { classId, sessionId, engine } = elsewhere
    // An engine that is lost for good must not lock its classes for ever.
    action.log.warn({ classId, sessionId, engine }, 'the class is also up on another engine')
  }
  const record = running
    ? joinSession(running.record, order)
    : newSession(installation, action.actor, order, image, store, earlier)
  return { record: seatStudents(record, order.students, findings.uids), isNew: !running, held: running?.held }
}

/**
 * Goes on with an up that was interrupted, as if its call were repeated; the lab is the one that the session froze. It was let
 * through when it was asked for, and is not judged again.
 */
export async function finishUp(
  context: ClassContext,
  action: Action,
  classId: string,
  sessionId: string,
): Promise<UpAnswer> {
  return await attempt(
    context,
    action,
    () => findInterrupted(context, classId, sessionId),
    (session) => session,
  )
}

type Admitted = ChosenSession & { readonly intent: UpIntent }

async function attempt<Seen>(
  context: ClassContext,
  action: Action,
  look: () => Promise<Seen>,
  judge: (seen: Seen, reserved: readonly SessionShare[]) => Admitted,
): Promise<UpAnswer> {
  try {
    // Work that cannot be collected must not begin.
    await context.store.check()
    return await context.reservations.hold(
      look,
      (seen, reserved) => {
        const session = judge(seen, reserved)
        const plan = planOf(session.record)
        const { classId, sessionId, subject, frozenLab } = plan
        const { cpus, memoryMb } = frozenLab
        const { students } = session.intent
        const uids = session.record.seats?.flatMap(({ uid }) => uid ?? []) ?? []
        return { session, plan, reservation: { classId, sessionId, subject, students, cpus, memoryMb, uids } }
      },
      async ({ session, plan }) => {
        const { students, allowPartial } = session.intent
        return await raiseSession({ context, action, students, allowPartial, ...session, plan }, session.intent)
      },
    )
  } catch (error) {
    throw asProblem(error, 'up-failed')
  }
}

export interface Up extends ChosenSession {
  readonly context: ClassContext
  readonly action: Action
  readonly students: readonly string[]
  readonly allowPartial: boolean
  readonly plan: SessionPlan
  /** What lies in a new workspace before its sandbox starts; nothing where absent. */
  readonly contents?: Contents
  readonly vanished?: Noted['vanished']
  /** Who cannot be given one, since what is left of the one before cannot be removed; and why. */
  readonly stuck?: ReadonlyMap<string, RuntimeError>
}

async function raiseSession(asked: Up, intent: UpIntent): Promise<UpAnswer> {
  const { context, action, isNew } = asked
  const cleared = { ...asked, ...(await finishRemovals(context, action, asked.record, asked.held, asked.students)) }
  const up = { ...cleared, ...(await noteVanished(context, action, cleared, intent.at)) }
  const { record } = up
  const students = union(record.up?.students ?? [], intent.students)
  await writeSession(context.store, { ...record, up: { ...intent, students } })
  let network: Awaited<ReturnType<Runtime['openNetwork']>>
  try {
    network = await context.runtime.openNetwork(up.plan)
  } catch (error) {
    if (action.signal.aborted) throw error
    const undone = isNew ? removeSession(context.store, record) : writeSession(context.store, record)
    await undone.catch((err: unknown) => action.log.error({ err }, 'record of the failed up not taken back'))
    throw error
  }
  return await raiseStudents(up, network)
}

const union = (a: readonly string[], b: readonly string[]): string[] => [...new Set([...a, ...b])]

const notStarted: StartedSandbox = { id: undefined, madeFiles: undefined }

/** Problem 'up-failed' where it has no sandbox for each student; it is then as it was before. */
export async function raiseStudents(
  up: Up,
  network: { id: string; name: string; created: boolean },
): Promise<UpAnswer> {
  const { context, action, plan } = up
  const started = new Map<string, StartedSandbox>()
  const errors = new Map<string, { code: string; detail: string }>()
  action.progress.expectStudents(up.students)

  await Promise.all(
    up.students.map((studentId) =>
      context.upGate(plan.classId, async () => {
        started.set(studentId, notStarted)
        const held = findSandbox(up.held, studentId)
        try {
          if (action.signal.aborted) throw new RuntimeError('failed', 'The service is stopping.')
          const stuck = up.stuck?.get(studentId)
          if (stuck) throw stuck
          action.progress.enter(studentId, 'starting')
          const sandbox = await context.runtime.startSandbox(plan, studentId, held, up.contents)
          started.set(studentId, sandbox)
          if (sandbox.fault !== undefined) throw sandbox.fault
        } catch (error) {
          errors.set(studentId, describe(error))
          action.log.warn({ err: error, studentId }, 'sandbox did not come up')
        }
        action.progress.studentDone(studentId, errors.has(studentId) ? 'failed' : 'starting')
      }),
    ),
  )
  await waitReady(up, started, errors)
  for (const studentId of up.students) action.progress.enter(studentId, errors.has(studentId) ? 'failed' : 'running')
  // Another process may have the class by now: what it finds is the record of an up that has not ended.
  const interrupted = action.signal.aborted
  const partial = !interrupted && up.allowPartial && errors.size > 0 && errors.size < up.students.length
  if (partial) await rollBackFailed(up, started, errors)

  const students = await describeStudents(up, errors)
  const answer = {
    classId: plan.classId,
    sessionId: plan.sessionId,
    lab: plan.lab,
    network: network.name,
    expiresAt: plan.expiresAt,
  }
  if (!interrupted && (errors.size === 0 || partial)) {
    await recordStudents(up, students)
    return { ...answer, state: partial ? 'up-partial' : 'up', students }
  }

  const missing = `${errors.size} of ${students.length} sandboxes did not come up; see 'students'.`
  const detail = interrupted
    ? `${interruptedUp} Repeat the call.`
    : `${missing} ${await rollBack(up, network, started)} Correct the cause and repeat the call.`
  throw new Problem('up-failed', detail, { extensions: { ...answer, state: 'up-failed', students } })
}

/** Files that nobody ran on would stand in the way of a down. A sandbox that ran stays, for down to collect. */
async function rollBackFailed(
  up: Up,
  started: ReadonlyMap<string, StartedSandbox>,
  errors: ReadonlyMap<string, unknown>,
): Promise<void> {
  for (const [studentId, sandbox] of started) {
    if (!errors.has(studentId)) continue
    await rollBackIdle(up, studentId, sandbox).catch((err: unknown) => {
      up.action.log.error({ err, studentId }, 'failed sandbox could not be taken back')
    })
  }
}

/**
 * The up has ended, and who came up with it is known. Only now: whoever is in the record and not on the engine at down was
 * removed by another hand.
 */
async function recordStudents({ context, record }: Up, students: readonly UpStudent[]): Promise<void> {
  const present = students.filter(({ containerId }) => containerId !== null).map(({ studentId }) => studentId)
  await writeSession(context.store, { ...record, students: union(record.students, present) })
}

async function waitReady(
  { context, action, plan }: Up,
  started: ReadonlyMap<string, StartedSandbox>,
  errors: Map<string, { code: string; detail: string }>,
): Promise<void> {
  const waiting = [...started].filter(([studentId]) => !errors.has(studentId))
  const ids = waiting.flatMap(([, { id }]) => id ?? [])
  const signal = AbortSignal.any([action.signal, AbortSignal.timeout(readyTimeoutMs)])
  const reasons = await context.runtime.waitReady(plan, ids, signal)
  for (const [studentId, { id }] of waiting) {
    const reason = id === undefined ? undefined : reasons.get(id)
    if (reason !== undefined) errors.set(studentId, { code: 'not-ready', detail: reason })
  }
}

async function describeStudents(
  { context, plan, ...up }: Up,
  errors: ReadonlyMap<string, { code: string; detail: string }>,
): Promise<UpStudent[]> {
  const session = await findHeld(context.runtime, plan)
  return up.students.map((studentId) => {
    const sandbox = findSandbox(session, studentId)
    const error = errors.get(studentId)
    const vanished = up.vanished?.get(foldId(studentId))
    return {
      studentId,
      state: error ? 'failed' : 'running',
      containerId: sandbox?.id ?? null,
      containerName: sandbox?.name ?? null,
      endpoint: sandbox?.endpoint ?? null,
      ...(error ? { error } : {}),
      ...(vanished ? { vanished } : {}),
    }
  })
}

function describe(error: unknown): { code: string; detail: string } {
  if (error instanceof RuntimeError) return { code: error.code, detail: error.message }
  return { code: 'failed', detail: 'The service failed on this sandbox; its log says why.' }
}
