// One student's way from a running sandbox to a committed bag, and from there to nothing left on the engine.
// The two halves are apart so that a down can commit every bag before it removes the first sandbox.

import { confirmBag } from '../../bag/confirm.ts'
import { readBag } from '../../bag/find.ts'
import type { UnarchivedThing } from '../../bag/tag-files.ts'
import { type FrozenCollect, parseFrozenCollect } from '../../catalogue/frozen-lab.ts'
import type { CollectionTarget } from '../../collection/bag-work.ts'
import { type Bag, collect } from '../../collection/collect.ts'
import { CollectError } from '../../collection/errors.ts'
import type { HeldContainer, HeldSandbox, SessionIdentity, StoppedContainer } from '../../runtime/port.ts'
import { isHalfRemoved, RuntimeError } from '../../runtime/port.ts'
import type { SessionRecord } from '../../sessions/record.ts'
import type { Action, ClassContext } from '../context.ts'

export interface CollectedStudent {
  readonly bag: Bag
  readonly container: Pick<StoppedContainer, 'id' | 'startedAt' | 'finishedAt'>
  readonly volume?: string | undefined
  /** Its removal was begun, and recorded, in an earlier call: the container may be gone. */
  readonly isBegun?: true
}

/** What the engine would not remove, and why. */
export class NotRemoved extends RuntimeError {
  override readonly name = 'NotRemoved'
  readonly kind: 'container' | 'volume'

  constructor(kind: 'container' | 'volume', cause: RuntimeError) {
    super(cause.code, cause.message, cause)
    this.kind = kind
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
  const id = sandbox.container?.id ?? (await rescueVolume(runtime, record, sandbox, looked))
  const container = await runtime.stop(id, looked.frozen.stopSeconds)
  const bag = await makeBag(context, action, record, sandbox, { kind, container, ...looked })
  const isWhole = sandbox.container?.isWrap === false
  return { bag: isWhole ? bag : await asCommitted(context, bag), container, volume: sandbox.volume }
}

/**
 * Another hand's removal of the container has stopped half-way. It is brought to its end, where the engine can; the work is in
 * the volume, which can be read either way.
 */
async function withoutHalfRemoved(
  runtime: ClassContext['runtime'],
  { log }: Action,
  sandbox: HeldSandbox,
): Promise<HeldSandbox> {
  const { container, studentId, volume } = sandbox
  if (!container || !isHalfRemoved(container)) return sandbox
  if (volume === undefined) {
    throw new CollectError(
      'failed',
      'Its volume is gone, and its container is being removed: there is nothing to read.',
    )
  }
  await runtime.removeContainer(container.id).catch((error: unknown) => {
    if (error instanceof RuntimeError && error.code === 'unavailable') throw error
    log.error({ err: error, studentId, container: container.id }, 'the engine cannot finish the removal of a container')
  })
  return { ...sandbox, container: undefined }
}

/** A bag that was committed before the container went may hold more than the volume still does. */
async function asCommitted({ store }: ClassContext, bag: Bag): Promise<Bag> {
  const committed = await readBag(store, bag.collectionId, bag.prefix)
  return 'missing' in committed ? bag : committed
}

/** A snapshot bag of a running sandbox, which stands still meanwhile and then goes on. Rejects as collectStudent does. */
export async function snapshotStudent(
  context: ClassContext,
  action: Action,
  record: SessionRecord,
  sandbox: HeldSandbox & { readonly container: HeldContainer },
): Promise<Bag> {
  const { runtime } = context
  const looked = await lookBefore(runtime, sandbox)
  try {
    const container = await runtime.freeze(sandbox.container.id)
    return await makeBag(context, action, record, sandbox, { kind: 'snapshot', container, ...looked })
  } finally {
    await runtime.thaw(sandbox.container.id)
  }
}

/** What only a running sandbox can tell, and what its label says of how to collect it. */
async function lookBefore(runtime: ClassContext['runtime'], sandbox: HeldSandbox) {
  const frozen = parseFrozenCollect(sandbox.collect)
  if (!frozen)
    throw new CollectError('failed', 'The collect label of the sandbox cannot be read. Ask the operator to look at it.')
  const notes: string[] = []
  const running = isRunning(sandbox.container)
  const unarchived = running === undefined ? [] : await beforeStop(runtime, running.id, frozen, notes)
  if (running === undefined) notes.push('The sandbox was not running: sockets could not be looked for.')
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
      logsLost: sandbox.container?.isWrap ?? true,
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
 * Removes what was collected: only if it is still the very life that the bag was made of, by id, container before volume,
 * and only if the store still holds the bag: it may have been committed long ago, while the others were collected.
 */
export async function removeCollected(
  { runtime, store }: ClassContext,
  { signal }: Action,
  collected: CollectedStudent,
): Promise<void> {
  await confirmBag(store, collected.bag.prefix, collected.bag.manifestSha256, signal)
  const { container, volume, isBegun } = collected
  const now = await runtime.inspectStopped(container.id).catch((error: unknown) => {
    if (isBegun && error instanceof RuntimeError && error.code === 'gone') return undefined
    throw error
  })
  if (now && (now.startedAt !== container.startedAt || now.finishedAt !== container.finishedAt)) {
    throw new RuntimeError('running', 'The sandbox ran again after it was collected. Take the class down again.')
  }
  await removing('container', runtime.removeContainer(container.id))
  if (volume !== undefined) await removing('volume', runtime.removeVolume(volume))
}

async function removing(kind: NotRemoved['kind'], removal: Promise<void>): Promise<void> {
  await removal.catch((error: unknown) => {
    throw error instanceof RuntimeError ? new NotRemoved(kind, error) : error
  })
}

export const isRunning = (container: HeldContainer | undefined): HeldContainer | undefined =>
  container && ['running', 'starting', 'unhealthy'].includes(container.state) ? container : undefined

export const identityOf = (record: SessionRecord): SessionIdentity => ({
  classId: record.classId,
  sessionId: record.sessionId,
  subject: record.subject,
  lab: record.lab,
  createdBy: record.createdBy,
  expiresAt: record.expiresAt,
  store: record.store,
})

/** A container that was removed by another hand left its volume: a new one around it makes the files readable. */
async function rescueVolume(
  runtime: ClassContext['runtime'],
  record: SessionRecord,
  sandbox: HeldSandbox,
  { frozen, notes }: { readonly frozen: FrozenCollect; readonly notes: string[] },
): Promise<string> {
  notes.push(
    'The container had been removed by another hand; its volume was collected through a new one, and its logs are lost.',
  )
  return await runtime.rescue(identityOf(record), sandbox, frozen.workspace, record.frozenLab?.imageId)
}

const socketSearchMs = 10_000

/** What only a running sandbox can do: the lab's own command, and a look for sockets, which the engine's archive leaves out. */
async function beforeStop(
  runtime: ClassContext['runtime'],
  containerId: string,
  frozen: FrozenCollect,
  notes: string[],
): Promise<UnarchivedThing[]> {
  const { beforeCollect } = frozen.rules
  if (beforeCollect) {
    const outcome = await tryExec(runtime, containerId, beforeCollect.command, beforeCollect.timeoutSeconds * 1000)
    notes.push(`beforeCollect: ${outcome.said}`)
  }
  const search = await tryExec(
    runtime,
    containerId,
    ['find', frozen.workspace, '-type', 's', '-print0'],
    socketSearchMs,
  )
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
  containerId: string,
  command: readonly string[],
  timeoutMs: number,
): Promise<{ said: string; stdout?: Uint8Array; truncated?: boolean }> {
  try {
    const { exitCode, stdout, stderr, truncated = false } = await runtime.exec(containerId, command, timeoutMs)
    const missing = exitCode === 126 || exitCode === 127
    const words = Buffer.from(stderr).toString('utf8').trim().slice(0, 500)
    return { said: `exit code ${exitCode}${words ? `: ${words}` : ''}`, ...(missing ? {} : { stdout, truncated }) }
  } catch (error) {
    return { said: error instanceof Error ? error.message : String(error) }
  }
}
