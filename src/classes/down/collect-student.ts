// One student's way from a running sandbox, or from what is left of one, to a committed bag.

import { type Bag, readBag } from '../../bag/find.ts'
import { type FrozenCollect, parseFrozenCollect } from '../../catalogue/frozen-lab.ts'
import type { CollectionTarget } from '../../collection/bag-work.ts'
import { collect } from '../../collection/collect.ts'
import { CollectError } from '../../collection/errors.ts'
import { RuntimeError } from '../../runtime/errors.ts'
import { type HeldSandbox, isHalfRemoved, isRunning, type SessionIdentity, withoutRunner } from '../../runtime/held.ts'
import type { SealedSandbox } from '../../runtime/port.ts'
import { requireReachable } from '../../runtime/unreachable.ts'
import type { SessionRecord } from '../../sessions/record.ts'
import type { ClassContext, Run } from '../context.ts'
import { beforeStop } from './before-stop.ts'

export interface CollectedStudent {
  readonly bag: Bag
  /** That which the bag is of. */
  readonly life: Pick<SealedSandbox, 'id' | 'startedAt' | 'finishedAt'>
  /** What is to go with it. */
  readonly files?: string | undefined
  /** Its removal was begun, and recorded, in an earlier call: the sandbox may be gone. */
  readonly isBegun?: true
}

/** One that is to be stopped, with what only a running one can tell. */
export interface LookedAtStudent extends Awaited<ReturnType<typeof lookBefore>> {
  readonly sandbox: HeldSandbox
}

/** One that stands still for good. */
export interface StoppedStudent extends LookedAtStudent {
  readonly container: SealedSandbox
}

/** All of a student's way. Rejects with CollectError or RuntimeError; the sandbox is then kept. */
export async function collectStudent(
  context: ClassContext,
  run: Run,
  record: SessionRecord,
  found: HeldSandbox,
  kind: 'final' | 'snapshot',
): Promise<CollectedStudent> {
  const looked = await lookAtStudent(context, run, found)
  return await bagStudent(context, run, record, await stopStudent(context, record, looked), kind)
}

export async function lookAtStudent({ runtime }: ClassContext, run: Run, found: HeldSandbox): Promise<LookedAtStudent> {
  requireReachable(found)
  run.progress.enter(found.studentId, 'stopping')
  const sandbox = await withoutHalfRemoved(runtime, run, found)
  return { sandbox, ...(await lookBefore(runtime, sandbox)) }
}

export async function stopStudent(
  { runtime }: ClassContext,
  record: SessionRecord,
  looked: LookedAtStudent,
): Promise<StoppedStudent> {
  const { sandbox, frozen } = looked
  const id = sandbox.id ?? (await recoverFiles(runtime, record, sandbox, looked))
  return { ...looked, container: await runtime.seal(id, frozen.stopSeconds) }
}

export async function bagStudent(
  context: ClassContext,
  run: Run,
  record: SessionRecord,
  { sandbox, ...stopped }: StoppedStudent,
  kind: 'final' | 'snapshot',
): Promise<CollectedStudent> {
  const bag = await bagSandbox(context, run, record, sandbox, { kind, ...stopped })
  const { container: life } = stopped
  return { bag: sandbox.filesOnly ? await asCommitted(context, bag) : bag, life, files: sandbox.files }
}

/**
 * Another hand's removal of the sandbox has stopped half-way. It is brought to its end, where the engine can; the work is in
 * its files, which can be read either way.
 */
async function withoutHalfRemoved(
  runtime: ClassContext['runtime'],
  { log }: Run,
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
    if (error instanceof RuntimeError && isOutage(error)) throw error
    log.error({ err: error, studentId, container: id }, 'the engine cannot finish the removal of a container')
  })
  return withoutRunner(sandbox)
}

const isOutage = ({ code }: RuntimeError): boolean => code === 'unavailable' || code === 'unreachable'

/** A bag that was committed while the sandbox was whole may hold more than what is left of it. */
async function asCommitted({ store }: ClassContext, bag: Bag): Promise<Bag> {
  const committed = await readBag(store, bag.collectionId, bag.prefix)
  return 'missing' in committed ? bag : committed
}

/** A snapshot bag of a running sandbox, which stands still meanwhile and then goes on. Rejects as collectStudent does. */
export async function snapshotStudent(
  context: ClassContext,
  run: Run,
  record: SessionRecord,
  sandbox: HeldSandbox & { readonly id: string },
): Promise<Bag> {
  const { runtime } = context
  const looked = await lookBefore(runtime, sandbox)
  try {
    const container = await runtime.freeze(sandbox.id)
    return await bagSandbox(context, run, record, sandbox, { kind: 'snapshot', container, ...looked })
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

function bagSandbox(
  { runtime, store }: ClassContext,
  run: Run,
  record: SessionRecord,
  sandbox: HeldSandbox,
  looked: Awaited<ReturnType<typeof lookBefore>> & Pick<CollectionTarget, 'kind' | 'container'>,
): Promise<Bag> {
  const { frozen, ...rest } = looked
  run.progress.enter(sandbox.studentId, 'reading')
  return collect(
    runtime,
    store,
    {
      ...rest,
      session: sessionIdentity(record),
      studentId: sandbox.studentId,
      logsLost: sandbox.filesOnly,
      collect: frozen,
      imageDigest: record.frozenLab?.imageDigest,
      actor: run.actor,
    },
    {
      onInventory(files, bytes) {
        run.progress.expectFiles(sandbox.studentId, files, bytes)
        run.progress.enter(sandbox.studentId, 'storing')
      },
      onStored: (files, bytes) => run.progress.filesStored(sandbox.studentId, files, bytes),
    },
    run.signal,
  )
}

const sessionIdentity = (record: SessionRecord): SessionIdentity => ({
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
  return await runtime.recover(sessionIdentity(record), sandbox, frozen.workspace, record.frozenLab?.imageId)
}
