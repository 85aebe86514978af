// A bag whose files are to go into a fresh sandbox: tried out before the old one goes, and what does not come back is named.

import { asCollectError } from '../collection/errors.ts'
import { restoredContents, type Unrestored, unrestored } from '../collection/restore.ts'
import { bagPrefix } from '../names.ts'
import { asProblem } from '../port-problems.ts'
import { Problem } from '../problems.ts'
import type { Contents } from '../runtime/archive.ts'
import type { SessionPlan } from '../runtime/port.ts'
import { sandboxUser } from '../runtime/sandbox-user.ts'
import type { ClassContext, Run } from './context.ts'
import { outageOf } from './outage.ts'

export interface NotRestored {
  readonly total: number
  readonly first: { readonly path: string; readonly reason: string }[]
}

const namedAtMost = 100

/** What the student's new workspace begins with. */
export function contentsOf(
  { store }: ClassContext,
  { signal }: Run,
  plan: SessionPlan,
  studentId: string,
  collectionId: string,
): Contents {
  const [uid = Number.NaN, gid = Number.NaN] = sandboxUser(plan, studentId).split(':').map(Number)
  const prefix = bagPrefix(plan.classId, plan.sessionId, studentId, collectionId)
  return () => restoredContents(store, prefix, { uid, gid }, signal)
}

/**
 * The whole bag is read, each file held against its SHA-256, and packed as the new workspace would be: Problem 'restore-failed'
 * where it cannot be put back. Answers with what will not be as it was.
 */
export async function tryOut(
  context: ClassContext,
  run: Run,
  plan: SessionPlan,
  studentId: string,
  collectionId: string,
): Promise<NotRestored> {
  try {
    const altered = await context.runtime.rehearse(plan, contentsOf(context, run, plan, studentId, collectionId))
    const known = await nameUnrestored(context, run, plan, studentId, collectionId)
    const first = [...known.first, ...altered.map(readable)].slice(0, namedAtMost)
    return { total: known.total + altered.length, first }
  } catch (error) {
    const fault = asCollectError(error)
    if (run.signal.aborted) throw asProblem(error, 'up-failed')
    throw new Problem(
      outageOf(fault) ?? 'restore-failed',
      `restore: ${fault.message} Nothing was removed. Choose another bag, or reset without one.`,
      { cause: error },
    )
  }
}

export async function nameUnrestored(
  { store }: ClassContext,
  { signal }: Run,
  { classId, sessionId }: SessionPlan,
  studentId: string,
  collectionId: string,
): Promise<NotRestored> {
  const first: NotRestored['first'] = []
  let total = 0
  for await (const each of unrestored(store, bagPrefix(classId, sessionId, studentId, collectionId), signal)) {
    total += 1
    if (first.length < namedAtMost) first.push(readable(each))
  }
  return { total, first }
}

const readable = ({ path, reason }: Unrestored) => ({ path: Buffer.from(path).toString() || '.', reason })
