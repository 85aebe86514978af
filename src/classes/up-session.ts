// Which session an up is for: the running one, which keeps the lab it started with, a new one with the lab frozen now, or
// the one of an up that was interrupted.

import type { FrozenLab } from '../lab.ts'
import { newSessionId } from '../names.ts'
import { Problem } from '../problems.ts'
import type { HeldSession, SessionPlan } from '../runtime/port.ts'
import { StoreError } from '../store/port.ts'
import type { Action, ClassContext } from './context.ts'
import { readSession, type SessionRecord, type UpIntent } from './session-record.ts'
import type { UpOrder } from './up-order.ts'

export interface ChosenSession {
  readonly record: SessionRecord
  /** This up begins the session: if it comes to nothing, so does its record. */
  readonly isNew: boolean
  /** What the engine held of it before this up. */
  readonly held: HeldSession | undefined
}

export async function chooseSession(context: ClassContext, action: Action, order: UpOrder): Promise<ChosenSession> {
  const held = await findRunningSession(context, order.ofClass.classId)
  if (held) return { record: await joinSession(context, held, order), isNew: false, held }
  return { record: await newSession(context, action, order), isNew: true, held }
}

/** The session that the engine holds for this class, unless it is one whose down has begun. */
async function findRunningSession({ runtime, store }: ClassContext, classId: string): Promise<HeldSession | undefined> {
  let running: HeldSession | undefined
  for (const held of await runtime.survey(classId)) {
    const record = await readSession(store, held.classId, held.sessionId)
    // What an ended session could not remove (leaked) is safe in its bags and in nobody's way.
    if (record?.ended) continue
    // A network whose creation was answered to nobody: it holds no work and makes way by itself.
    if (!record && held.sandboxes.length === 0) continue
    if (!record || record.down) {
      throw new Problem(
        'down-unfinished',
        `Session ${held.sessionId} of class '${held.classId}' is not finished: POST /room/down-class first, with allowPartial if a sandbox cannot be collected.`,
      )
    }
    running = held
  }
  return running
}

async function joinSession({ store }: ClassContext, held: HeldSession, order: UpOrder): Promise<SessionRecord> {
  if (order.askedLab && order.labName !== held.lab) {
    throw new Problem(
      'lab-differs',
      `Class '${held.classId}' is up with lab '${held.lab}'; a session keeps its lab. Take the class down first, or leave 'lab' out.`,
    )
  }
  const record = await readSession(store, held.classId, held.sessionId)
  if (!record) throw new StoreError('not-found', `The record of session ${held.sessionId} vanished from the store.`)
  const { up: interrupted, ...ended } = record
  // An up that a crash interrupted stays to be finished, unless this one is for all of its students.
  const covered = interrupted?.students.every((studentId) => order.students.includes(studentId)) ?? true
  return covered ? ended : record
}

/** The session of an up that was interrupted, for the same students, without the mark that it has not ended. */
export async function findInterrupted(
  { runtime, store }: ClassContext,
  classId: string,
  sessionId: string,
): Promise<ChosenSession & { readonly intent: UpIntent }> {
  const found = await readSession(store, classId, sessionId)
  if (!found?.up || found.down || found.ended) {
    throw new Problem('class-not-up', `The interrupted up of class '${classId}' has ended meanwhile.`)
  }
  const { up: intent, ...record } = found
  const held = (await runtime.survey(classId)).find((session) => session.sessionId === sessionId)
  return { record, intent, isNew: record.students.length === 0, held }
}

async function newSession(
  { runtime, installation }: ClassContext,
  action: Action,
  order: UpOrder,
): Promise<SessionRecord> {
  const { lab, labName, ofClass } = order
  const image = await runtime.image(lab.image)
  if (!image) {
    throw new Problem(
      'lab-image-missing',
      `The image '${lab.image}' of lab '${labName}' is not on the engine. It is pulled when the service starts; ask the operator to load it.`,
    )
  }
  const now = new Date()
  const frozenLab: FrozenLab = {
    ...lab,
    name: labName,
    imageId: image.id,
    ...(image.digest === undefined ? {} : { imageDigest: image.digest }),
  }
  return {
    schemaVersion: 1,
    installation,
    classId: ofClass.classId,
    sessionId: newSessionId(now),
    subject: ofClass.subject,
    lab: labName,
    frozenLab,
    createdBy: action.actor,
    createdAt: now.toISOString(),
    expiresAt: new Date(now.getTime() + order.ttlMinutes * 60_000).toISOString(),
    students: [],
  }
}

export function planOf(record: SessionRecord): SessionPlan {
  const { classId, sessionId, subject, lab, createdBy, expiresAt, frozenLab } = record
  if (!frozenLab) throw new StoreError('refused', `The record of session ${sessionId} does not say what its lab is.`)
  return { classId, sessionId, subject, lab, createdBy, expiresAt, frozenLab }
}
