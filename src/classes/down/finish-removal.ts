// A removal that was begun on the strength of a committed bag is finished, not collected again: what it has left holds no new
// work, and a bag of that would hold less than the committed one.
// An entry in the record may only be kept while nothing can have run since. It is dropped, in the store, before
// its student gets a sandbox again.

import { confirmBag } from '../../bag/confirm.ts'
import { CollectError } from '../../collection/errors.ts'
import { foldId, sameId } from '../../names.ts'
import { RuntimeError } from '../../runtime/errors.ts'
import { findSandbox, type HeldSandbox, type HeldSession, isHalfRemoved } from '../../runtime/held.ts'
import { isUnreachable, requireReachable } from '../../runtime/unreachable.ts'
import { readSession, type SessionRecord, writeSession } from '../../sessions/record.ts'
import type { ClassContext, Run } from '../context.ts'
import type { CollectedStudent } from './collect-student.ts'
import { removeCollected } from './remove-collected.ts'

type Removal = NonNullable<SessionRecord['removing']>[number]

export const findRemoval = ({ removing = [] }: SessionRecord, studentId: string): Removal | undefined =>
  removing.find((each) => sameId(each.studentId, studentId))

/** To be written before the first of what was collected is removed. */
export function withRemovals(
  record: SessionRecord,
  begun: readonly { readonly studentId: string; readonly collected: CollectedStudent }[],
): SessionRecord {
  const others = withoutRemovals(
    record,
    begun.map(({ studentId }) => studentId),
  )
  const entries = begun.map(({ studentId, collected }): Removal => {
    const { bag, life, files = null } = collected
    const { id, startedAt, finishedAt } = life
    return { studentId, bag, container: { id, startedAt, finishedAt }, volume: files }
  })
  return { ...others, removing: [...(others.removing ?? []), ...entries] }
}

export function withoutRemovals(record: SessionRecord, students: readonly string[]): SessionRecord {
  const { removing = [], ...rest } = record
  const gone = new Set(students.map(foldId))
  const left = removing.filter(({ studentId }) => !gone.has(foldId(studentId)))
  return left.length > 0 ? { ...rest, removing: left } : rest
}

/** For those whose operation may have changed the record in the store meanwhile. */
export async function recordRemovals(
  { store }: ClassContext,
  { classId, sessionId }: SessionRecord,
  begun: Parameters<typeof withRemovals>[1],
): Promise<void> {
  const record = await readSession(store, classId, sessionId)
  if (!record) throw new CollectError('failed', 'The record of the session is gone. Take the class down.')
  await writeSession(store, withRemovals(record, begun))
}

/** A whole sandbox may run, by any hand: what was said of an earlier life of it is no longer true. */
export function withoutStaleRemovals(record: SessionRecord, held: HeldSession | undefined): SessionRecord {
  const stale = record.removing?.filter(({ studentId }) => {
    const sandbox = findSandbox(held, studentId)
    return sandbox?.id !== undefined && !isHalfRemoved(sandbox) && !isUnreachable(sandbox)
  })
  return stale?.length
    ? withoutRemovals(
        record,
        stale.map(({ studentId }) => studentId),
      )
    : record
}

/**
 * What was collected of this sandbox, where the rest of it is only what its removal has left; undefined: it is to be collected.
 * Rejects with CollectError where the store does not hold that bag any more.
 */
export async function begunRemoval(
  { runtime, store }: ClassContext,
  { signal }: Run,
  record: SessionRecord,
  sandbox: HeldSandbox,
): Promise<CollectedStudent | undefined> {
  const removal = findRemoval(record, sandbox.studentId)
  if (!removal) return undefined
  requireReachable(sandbox)
  if (sandbox.id !== undefined) {
    if (!isHalfRemoved(sandbox) || sandbox.id !== removal.container.id) return undefined
    const { startedAt, finishedAt } = await runtime.inspectSealed(sandbox.id)
    if (startedAt !== removal.container.startedAt || finishedAt !== removal.container.finishedAt) return undefined
  }
  // Files that were not to go are a student's, whole.
  else if (removal.volume === null) return undefined
  const { bag, volume } = removal
  await confirmBag(store, bag.prefix, bag.manifestSha256, signal)
  return { bag, life: removal.container, isBegun: true, ...(volume === null ? {} : { files: volume }) }
}

export interface Raisable {
  readonly record: SessionRecord
  readonly held: HeldSession | undefined
  /** Whose removal cannot be finished yet, and why. */
  readonly stuck: ReadonlyMap<string, RuntimeError>
}

/**
 * Finishes the removals of students who are to get a sandbox, so that nobody is given half a workspace for their own. The
 * record that it answers with is to be written before the first sandbox is made.
 */
export async function finishRemovals(
  context: ClassContext,
  run: Run,
  found: SessionRecord,
  held: HeldSession | undefined,
  students: readonly string[],
): Promise<Raisable> {
  const stuck = new Map<string, RuntimeError>()
  const finished: string[] = []
  let record = withoutStaleRemovals(found, held)
  for (const studentId of students) {
    if (!findRemoval(record, studentId)) continue
    const sandbox = findSandbox(held, studentId)
    try {
      const begun = sandbox && (await begunRemoval(context, run, record, sandbox))
      if (begun) {
        await removeCollected(context, run, begun)
        finished.push(foldId(studentId))
      }
      record = withoutRemovals(record, [studentId])
    } catch (error) {
      run.log.error({ err: error, studentId }, 'a removal that was begun cannot be finished')
      stuck.set(studentId, asStuck(error))
    }
  }
  const sandboxes = held?.sandboxes.filter((each) => !finished.includes(foldId(each.studentId))) ?? []
  return { record, held: held && { ...held, sandboxes }, stuck }
}

const asStuck = (error: unknown): RuntimeError =>
  new RuntimeError(
    error instanceof RuntimeError ? error.code : 'failed',
    `What is left of this student's earlier sandbox, whose work is in a bag, cannot be removed yet: ${error instanceof Error ? error.message : String(error)} Ask the operator to look at it, then repeat the call.`,
    error,
  )
