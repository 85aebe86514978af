// Which session an up is for: the running one, which keeps the lab it started with, a new one with the lab frozen now, or
// the one of an up that was interrupted.

import type { FrozenLab } from '../../catalogue/frozen-lab.ts'
import { foldId, newSessionId } from '../../names.ts'
import { Problem } from '../../problems.ts'
import type { Contents } from '../../runtime/archive.ts'
import type { RuntimeError } from '../../runtime/errors.ts'
import type { HeldSession, StoreIdentity } from '../../runtime/held.ts'
import type { ImageFacts, SessionPlan, StartedSandbox } from '../../runtime/port.ts'
import { findHeld, type KnownSession, type OpenSession } from '../../sessions/held.ts'
import { isExpired, readSession, type SessionRecord, type UpIntent } from '../../sessions/record.ts'
import { StoreError } from '../../store/port.ts'
import type { ClassContext, Run } from '../context.ts'
import type { Noted } from '../vanished.ts'
import type { EarlierSessions } from './earlier-sessions.ts'
import type { UpOrder } from './order.ts'

export interface ChosenSession {
  readonly record: SessionRecord
  /** This up begins the session: if it comes to nothing, so does its record. */
  readonly isNew: boolean
  /** What the engine held of it before this up. */
  readonly held: HeldSession | undefined
}

/** An up that was let through. */
export interface Up extends ChosenSession {
  readonly context: ClassContext
  readonly run: Run
  readonly students: readonly string[]
  readonly allowPartial: boolean
  readonly plan: SessionPlan
  /** What lies in a new workspace before its sandbox starts; nothing where absent. */
  readonly contents?: Contents
  readonly vanished?: Noted['vanished']
  /** Who cannot be given one, since what is left of the one before cannot be removed; and why. */
  readonly stuck?: ReadonlyMap<string, RuntimeError>
}

/** What became of one student in an up so far. */
export interface StartedStudent {
  readonly studentId: string
  readonly sandbox: StartedSandbox
  /** Why they have none that is ready. */
  readonly error?: { readonly code: string; readonly detail: string }
}

/** Of a class's sessions on the engine, the one that an up joins, and one that must be taken down first. */
export function chooseSession(
  sessions: readonly KnownSession[],
  vanished: SessionRecord | undefined,
): {
  running: OpenSession | undefined
  unfinished: HeldSession | undefined
} {
  let running: ReturnType<typeof chooseSession>['running']
  let unfinished: HeldSession | undefined
  for (const { held, record } of sessions) {
    // What an ended session could not remove (leaked) is safe in its bags and in nobody's way.
    if (record?.ended) continue
    // A network whose creation was answered to nobody: it holds no work and makes way by itself.
    if (!record && held.sandboxes.length === 0) continue
    if (!record || record.down) unfinished ??= held
    else running = { held, record }
  }
  if (running || unfinished || !vanished) return { running, unfinished }
  const nothing: HeldSession = { ...vanished, network: undefined, sandboxes: [] }
  if (vanished.down || isExpired(vanished)) unfinished = nothing
  else running = { held: nothing, record: vanished }
  return { running, unfinished }
}

/** The record of a running session for one more up. */
export function joinSession(record: SessionRecord, order: UpOrder): SessionRecord {
  const { up: interrupted, ...ended } = record
  // An up that a crash interrupted stays to be finished, unless this one is for all of its students.
  const covered = interrupted?.students.every((studentId) => order.students.includes(studentId)) ?? true
  return covered ? ended : record
}

export const imageMissing = (lab: string, image: string): Problem =>
  new Problem(
    'lab-image-missing',
    `The image '${image}' of lab '${lab}' is not on the engine. It is pulled when the service starts; ask the operator to load it.`,
  )

/** Problem 'lab-image-missing'. */
export function newSession(
  installation: string,
  createdBy: string,
  { lab, labName, ofClass, ttlMinutes }: UpOrder,
  image: ImageFacts | undefined,
  store: StoreIdentity,
  { engine, newest }: EarlierSessions,
): SessionRecord {
  if (!image) throw imageMissing(labName, lab.image)
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
    sessionId: newSessionId(now, newest),
    subject: ofClass.subject,
    lab: labName,
    frozenLab,
    createdBy,
    store,
    ...(engine === undefined ? {} : { engine }),
    createdAt: now.toISOString(),
    expiresAt: new Date(now.getTime() + ttlMinutes * 60_000).toISOString(),
    students: [],
    seats: [],
  }
}

/**
 * The session of an up that was interrupted, for the same students, without the mark that it has not ended. `seen`: what that
 * mark said. Where another process has come to the end of it meanwhile, those who came up are left of it.
 */
export async function findInterrupted(
  { runtime, store }: ClassContext,
  classId: string,
  sessionId: string,
  seen: UpIntent,
): Promise<ChosenSession & { readonly intent: UpIntent }> {
  const found = await readSession(store, classId, sessionId)
  const cameUp = new Set(found?.students.map(foldId))
  const left = found?.up ?? { ...seen, students: seen.students.filter((studentId) => cameUp.has(foldId(studentId))) }
  if (!found || left.students.length === 0 || found.down || found.ended) {
    throw new Problem('class-not-up', `The interrupted up of class '${classId}' has ended meanwhile.`)
  }
  const { up: _, ...record } = found
  const held = await findHeld(runtime, record)
  return { record, intent: left, isNew: record.students.length === 0, held }
}

export function planOf(record: SessionRecord): SessionPlan {
  const { classId, sessionId, subject, lab, createdBy, expiresAt, frozenLab, seats, store } = record
  if (!frozenLab) throw new StoreError('refused', `The record of session ${sessionId} does not say what its lab is.`)
  return { classId, sessionId, subject, lab, createdBy, expiresAt, frozenLab, seats, ...(store ? { store } : {}) }
}
