// up-class: network, Traefik, the proof that work can be collected, then a sandbox for each student. Repeating it converges:
// late joiners are added, what died is started again, nothing else is touched. What a failed up created is rolled back, nothing more.

import { findSandbox, isRunning, type StoreIdentity } from '../../runtime/held.ts'
import type { Runtime } from '../../runtime/port.ts'
import { seatStudents } from '../../runtime/seats.ts'
import type { UpAnswer } from '../../sessions/outcomes.ts'
import { removeSession, type UpIntent, writeSession } from '../../sessions/record.ts'
import { storeIdentity } from '../../sessions/store-identity.ts'
import type { ClassContext, Run } from '../context.ts'
import { finishRemovals } from '../down/finish-removal.ts'
import { noteVanished } from '../vanished.ts'
import { examine, type Findings, refusals, weigh } from './admission.ts'
import type { UpOrder } from './order.ts'
import type { Look } from './reservations.ts'
import { rollBack } from './roll-back.ts'
import { type ChosenSession, findInterrupted, joinSession, newSession, planOf, type Up } from './session.ts'
import { startStudents } from './start-students.ts'

export async function upClass(context: ClassContext, run: Run, order: UpOrder): Promise<UpAnswer> {
  const { students, ttlMinutes, allowPartial } = order
  const intent = { by: run.actor, at: new Date().toISOString(), students: [...students], ttlMinutes, allowPartial }
  const look = await beginLook(context)
  try {
    const seen = await examine(context, order)
    const store = await storeIdentity(context.store)
    const session = admit(context, run, weigh(seen, look.reserved()), store)
    return await startSession(context, run, look, session, intent)
  } finally {
    look.end()
  }
}

async function beginLook({ store, reservations }: ClassContext): Promise<Look> {
  // Work that cannot be collected must not begin.
  await store.check()
  return reservations.look()
}

/** Problem: the first of the reasons why this up must not begin. */
function admit({ installation }: ClassContext, run: Run, findings: Findings, store: StoreIdentity): ChosenSession {
  const [refusal] = refusals(findings)
  if (refusal) throw refusal
  const { order, running, image, earlier } = findings
  const { elsewhere } = earlier
  if (elsewhere) {
    const { classId, sessionId, engine } = elsewhere
    // An engine that is lost for good must not lock its classes for ever.
    run.log.warn({ classId, sessionId, engine }, 'the class is also up on another engine')
  }
  const record = running
    ? joinSession(running.record, order)
    : newSession(installation, run.actor, order, image, store, earlier)
  const seated = seatStudents(record, order.students, findings.uids, findings.placement.nodes)
  return { record: seated, isNew: !running, held: running?.held }
}

interface Interrupted {
  readonly classId: string
  readonly sessionId: string
  /** What its record said when it was found. */
  readonly seen: UpIntent
}

/**
 * Goes on with an up that was interrupted, as if its call were repeated; the lab is the one that the session froze. It was let
 * through when it was asked for, and is not judged again.
 */
export async function finishUp(
  context: ClassContext,
  run: Run,
  { classId, sessionId, seen }: Interrupted,
): Promise<UpAnswer> {
  const look = await beginLook(context)
  try {
    const { intent, ...session } = await findInterrupted(context, classId, sessionId, seen)
    return await startSession(context, run, look, session, intent)
  } finally {
    look.end()
  }
}

/** Reserves what the up needs before it waits for anything: between the judgement and that, nobody else may be judged. */
async function startSession(
  context: ClassContext,
  run: Run,
  look: Look,
  session: ChosenSession,
  intent: UpIntent,
): Promise<UpAnswer> {
  const plan = planOf(session.record)
  const { classId, sessionId, subject, frozenLab } = plan
  const { cpus, memoryMb } = frozenLab
  const { students, allowPartial } = intent
  look.reserve({ classId, sessionId, subject, students, cpus, memoryMb, seats: session.record.seats })

  const asked = { context, run, students, allowPartial, ...session, plan }
  const cleared = { ...asked, ...(await finishRemovals(context, run, asked.record, asked.held, asked.students)) }
  const up = { ...cleared, ...(await noteVanished(context, run, cleared, intent.at)) }
  const { record } = up
  const underWay = [...new Set([...(record.up?.students ?? []), ...students])]
  await writeSession(context.store, { ...record, up: { ...intent, students: underWay } })
  let network: Awaited<ReturnType<Runtime['openNetwork']>>
  try {
    network = await context.runtime.openNetwork(up.plan)
  } catch (error) {
    if (run.signal.aborted) throw error
    const undone = session.isNew ? removeSession(context.store, record) : writeSession(context.store, record)
    await undone.catch((err: unknown) => run.log.error({ err }, 'record of the failed up not taken back'))
    throw error
  }
  try {
    if (startsAny(up)) await context.runtime.proveCollection(up.plan, run.signal)
  } catch (error) {
    if (!run.signal.aborted) await rollBack(up, network, [])
    throw error
  }
  return await startStudents(up, network)
}

function startsAny({ held, students }: Up): boolean {
  const runs = (studentId: string): boolean => {
    const sandbox = findSandbox(held, studentId)
    return sandbox !== undefined && isRunning(sandbox)
  }
  return !students.every(runs)
}
