// One student's way from a running sandbox to a committed bag, and from there to nothing left on the engine.
// The two halves are apart so that a down can commit every bag before it removes the first sandbox.

import { confirmBag } from '../../bag/confirm.ts'
import { readBag } from '../../bag/find.ts'
import type { UnarchivedThing } from '../../bag/tag-files.ts'
import { type FrozenCollect, parseFrozenCollect } from '../../catalogue/frozen-lab.ts'
import type { CollectionTarget } from '../../collection/bag-work.ts'
import { type Bag, collect } from '../../collection/collect.ts'
import { CollectError } from '../../collection/errors.ts'
import { RuntimeError } from '../../runtime/errors.ts'
import { type HeldSandbox, isHalfRemoved, isRunning, type SessionIdentity, withoutRunner } from '../../runtime/held.ts'
import type { SealedSandbox } from '../../runtime/port.ts'
import type { SessionRecord } from '../../sessions/record.ts'
import type { Action, ClassContext } from '../context.ts'

export interface CollectedStudent {
  readonly bag: Bag
  /** That which the bag is of. */
  readonly life: Pick<SealedSandbox, 'id' | 'startedAt' | 'finishedAt'>
  /** What is to go with it. */
  readonly files?: string | undefined
  /** Its removal was begun, and recorded, in an earlier call: the sandbox may be gone. */
  readonly isBegun?: true
}

/** What the engine would not remove, and why. */
export class NotRemoved extends RuntimeError {
  override readonly name = 'NotRemoved'
  readonly what: 'sandbox' | 'files'

  constructor(what: 'sandbox' | 'files', cause: RuntimeError) {
    super(cause.code, cause.message, cause)
    this.what = what
  }
}

/** Whether the engine may have removed something before this error: what is left is then no sandbox that anybody worked in. */
export const mayHaveBegun = ({ isBegun }: CollectedStudent, error: unknown): boolean =>
  isBegun === true || (error instanceof NotRemoved && error.code !== 'running')

/** Stops the sandbox and makes its bag. Rejects with CollectError or RuntimeError; the sandbox is then kept. */
export async function collectStudent(
  context: ClassContext,
  action: Action,
  record: SessionRecord,
  found: HeldSandbox,
  kind: 'final' | 'snapshot',
): Promise<CollectedStudent> {
  const { runtime } = context
  action.progress.enter(found.studentId, 'stopping')
  const sandbox = await withoutHalfRemoved(runtime, action, found)
  const looked = await lookBefore(runtime, sandbox)
  const id = sandbox.id ?? (await recoverFiles(runtime, record, sandbox, looked))
  const sealed = await runtime.seal(id, looked.frozen.stopSeconds)
  const bag = await makeBag(context, action, record, sandbox, { kind, container: sealed, ...looked })
  return { bag: sandbox.filesOnly ? await asCommitted(context, bag) : bag, life: sealed, files: sandbox.files }
}

/**
 * Another hand's removal of the sandbox has stopped half-way. It is brought to its end, where the engine can; the work is in
 * its files, which can be read either way.
 */
async function withoutHalfRemoved(
  runtime: ClassContext['runtime'],
  { log }: Action,
  sandbox: HeldSandbox,
): Promise<HeldSandbox> {
  const { id, studentId, files } = sandbox
  if (id === undefined || !isHalfRemoved(sandbox)) return sandbox
  if (files === undefined) {
    throw new CollectError(
      'failed',
      'Its volume is gone, and its container is being removed: there is nothing to read.',
    )
  }
  await runtime.removeSandbox(id).catch((error: unknown) => {
    if (error instanceof RuntimeError && error.code === 'unavailable') throw error
    log.error({ err: error, studentId, container: id }, 'the engine cannot finish the removal of a container')
  })
  return withoutRunner(sandbox)
}

/** A bag that was committed while the sandbox was whole may hold more than what is left of it. */
async function asCommitted({ store }: ClassContext, bag: Bag): Promise<Bag> {
  const committed = await readBag(store, bag.collectionId, bag.prefix)
  return 'missing' in committed ? bag : committed
}

/** A snapshot bag of a running sandbox, which stands still meanwhile and then goes on. Rejects as collectStudent does. */
export async function snapshotStudent(
  context: ClassContext,
  action: Action,
  record: SessionRecord,
  sandbox: HeldSandbox & { readonly id: string },
): Promise<Bag> {
  const { runtime } = context
  const looked = await lookBefore(runtime, sandbox)
  try {
    const container = await runtime.freeze(sandbox.id)
    return await makeBag(context, action, record, sandbox, { kind: 'snapshot', container, ...looked })
  } finally {
    await runtime.thaw(sandbox.id)
  }
}

/** What only a running sandbox can tell, and what its label says of how to collect it. */
async function lookBefore(runtime: ClassContext['runtime'], sandbox: HeldSandbox) {
  const frozen = parseFrozenCollect(sandbox.collect)
  if (!frozen)
    throw new CollectError('failed', 'The collect label of the sandbox cannot be read. Ask the operator to look at it.')
  const notes: string[] = []
  const runs = isRunning(sandbox)
  const unarchived = runs ? await beforeStop(runtime, sandbox.id, frozen, notes) : []
  if (!runs) notes.push('The sandbox was not running: sockets could not be looked for.')
  return { frozen, notes, unarchived }
}

function makeBag(
  { runtime, store }: ClassContext,
  action: Action,
  record: SessionRecord,
  sandbox: HeldSandbox,
  looked: Awaited<ReturnType<typeof lookBefore>> & Pick<CollectionTarget, 'kind' | 'container'>,
): Promise<Bag> {
  const { frozen, ...rest } = looked
  action.progress.enter(sandbox.studentId, 'reading')
  return collect(
    runtime,
    store,
    {
      ...rest,
      session: identityOf(record),
      studentId: sandbox.studentId,
      logsLost: sandbox.filesOnly,
      collect: frozen,
      imageDigest: record.frozenLab?.imageDigest,
      actor: action.actor,
    },
    {
      onInventory(files, bytes) {
        action.progress.expectFiles(sandbox.studentId, files, bytes)
        action.progress.enter(sandbox.studentId, 'storing')
      },
      onStored: (files, bytes) => action.progress.filesStored(sandbox.studentId, files, bytes),
    },
    action.signal,
  )
}

/**
 * Removes what was collected: only if it is still the very life that the bag was made of, by id, itself before its files,
 * and only if the store still holds the bag: it may have been committed long ago, while the others were collected.
 */
export async function removeCollected(
  { runtime, store }: ClassContext,
  { signal }: Action,
  collected: CollectedStudent,
): Promise<void> {
  await confirmBag(store, collected.bag.prefix, collected.bag.manifestSha256, signal)
  const { life, files, isBegun } = collected
  const now = await runtime.inspectSealed(life.id).catch((error: unknown) => {
    if (isBegun && error instanceof RuntimeError && error.code === 'gone') return undefined
    throw error
  })
  if (now && (now.startedAt !== life.startedAt || now.finishedAt !== life.finishedAt)) {
    throw new RuntimeError('running', 'The sandbox ran again after it was collected. Take the class down again.')
  }
  await removing('sandbox', runtime.removeSandbox(life.id))
  if (files !== undefined) await removing('files', runtime.removeFiles(files))
}

async function removing(what: NotRemoved['what'], removal: Promise<void>): Promise<void> {
  await removal.catch((error: unknown) => {
    throw error instanceof RuntimeError ? new NotRemoved(what, error) : error
  })
}

export const identityOf = (record: SessionRecord): SessionIdentity => ({
  classId: record.classId,
  sessionId: record.sessionId,
  subject: record.subject,
  lab: record.lab,
  createdBy: record.createdBy,
  expiresAt: record.expiresAt,
  store: record.store,
})

/** A sandbox that was removed by another hand left its files: they are made readable. */
async function recoverFiles(
  runtime: ClassContext['runtime'],
  record: SessionRecord,
  sandbox: HeldSandbox,
  { frozen, notes }: { readonly frozen: FrozenCollect; readonly notes: string[] },
): Promise<string> {
  notes.push(
    'The container had been removed by another hand; its volume was collected through a new one, and its logs are lost.',
  )
  return await runtime.recover(identityOf(record), sandbox, frozen.workspace, record.frozenLab?.imageId)
}

const socketSearchMs = 10_000

/** What only a running sandbox can do: the lab's own command, and a look for sockets, which the engine's archive leaves out. */
async function beforeStop(
  runtime: ClassContext['runtime'],
  id: string,
  frozen: FrozenCollect,
  notes: string[],
): Promise<UnarchivedThing[]> {
  const { beforeCollect } = frozen.rules
  if (beforeCollect) {
    const outcome = await tryExec(runtime, id, beforeCollect.command, beforeCollect.timeoutSeconds * 1000)
    notes.push(`beforeCollect: ${outcome.said}`)
  }
  const search = await tryExec(runtime, id, ['find', frozen.workspace, '-type', 's', '-print0'], socketSearchMs)
  if (search.stdout === undefined) {
    notes.push(`Sockets could not be looked for: ${search.said}`)
    return []
  }
  // Each path ends with a zero byte: what is behind the last one is part of a path.
  const paths = Buffer.from(search.stdout).toString('latin1').split('\0').slice(0, -1)
  if (search.truncated === true) notes.push('There are more sockets than could be listed: some are not named.')
  const inside = Buffer.from(`${frozen.workspace}/`).toString('latin1')
  return paths
    .filter((path) => path.startsWith(inside))
    .map((path) => ({ path: path.slice(inside.length), type: 'socket' }))
}

/** Any failure is recorded and stops nothing: the files matter more. An engine that is gone says so at the next step. */
async function tryExec(
  runtime: ClassContext['runtime'],
  id: string,
  command: readonly string[],
  timeoutMs: number,
): Promise<{ said: string; stdout?: Uint8Array; truncated?: boolean }> {
  try {
    const { exitCode, stdout, stderr, truncated = false } = await runtime.exec(id, command, timeoutMs)
    const missing = exitCode === 126 || exitCode === 127
    const words = Buffer.from(stderr).toString('utf8').trim().slice(0, 500)
    return { said: `exit code ${exitCode}${words ? `: ${words}` : ''}`, ...(missing ? {} : { stdout, truncated }) }
  } catch (error) {
    return { said: error instanceof Error ? error.message : String(error) }
  }
}
