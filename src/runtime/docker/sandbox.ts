// One student's sandbox on the engine: made, started, stopped, archived, removed. Long, since each step relies on what the one
// before it left.

import { posix } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { type Container, type Engine, isEngineError, type TarEntry } from '../../../engine-api/index.ts'
import { specHash } from '../../catalogue/frozen-lab.ts'
import { containerName, label, volumeName } from '../../names.ts'
import {
  type ArchiveEntry,
  type Contents,
  type FrozenContainer,
  type HeldSandbox,
  isHalfRemoved,
  type RaisedSandbox,
  RuntimeError,
  type SessionPlan,
  type StoppedContainer,
} from '../port.ts'
import { sandboxUser } from '../sandbox-user.ts'
import { fixedAddress, namingTakenAddress, rejoinNetwork } from './address.ts'
import type { DockerContext } from './context.ts'
import { asRuntimeError, isRefusal, resent, translatedEach } from './errors.ts'
import { restartPolicy, sandboxBody, volumeBody } from './sandbox-body.ts'
import { prepareWorkspace } from './workspace.ts'

export async function raiseSandbox(
  context: DockerContext,
  plan: SessionPlan,
  studentId: string,
  held: HeldSandbox | undefined,
  done: RaisedSandbox,
  contents?: Contents,
): Promise<void> {
  // The volume is the student's, and the container that only made it readable is not. Of one that is half removed the volume
  // is whole: the engine removes it only after every container of it.
  const container = held?.container
  if (held && container && (isHalfRemoved(container) || (container.isWrap && container.state === 'created'))) {
    await removeSandboxContainer(context, container.id)
    return await raiseSandbox(context, plan, studentId, { ...held, container: undefined }, done, contents)
  }
  const { state, spec, name } = held?.container ?? {}
  if (spec !== undefined && spec !== specHash(plan.frozenLab)) throw notOurs(name)
  if (held?.container?.isDetached && state !== 'paused') {
    await rejoinNetwork(context, plan, studentId, held.container.id)
  }
  if (state === 'running' || state === 'starting' || state === 'unhealthy' || state === 'restarting') return
  if (state === 'paused') {
    throw new RuntimeError(
      'failed',
      `Somebody is working on this sandbox by hand: it is paused. Repeat the call when that has ended.`,
    )
  }
  if (held?.volume === undefined) await makeVolume(context, plan, studentId, done)
  const existing = held?.container?.id
  const containerId =
    existing ??
    (await createContainer(
      context,
      plan,
      studentId,
      containerName(plan.classId, studentId),
      await fixedAddress(context, plan, studentId),
    ))
  done.containerId = containerId
  if (existing === undefined || state === 'created')
    await prepareWorkspace(
      context,
      { workspace: plan.frozenLab.workspace, user: sandboxUser(plan, studentId) },
      containerId,
      contents,
    )
  // A down or a reset that failed after its stop has taken the policy away.
  else await context.engine.containers.update(containerId, { RestartPolicy: restartPolicy })
  await namingTakenAddress(context.engine.containers.start(containerId))
}

/** The engine answers an existing volume of that name instead of refusing: its labels say whose it is. */
async function makeVolume(
  context: DockerContext,
  plan: SessionPlan,
  studentId: string,
  done: RaisedSandbox,
): Promise<void> {
  const body = volumeBody(context.installation, plan, studentId)
  // Before the call: an answer that is lost does not say whether the volume was made.
  done.createdVolume = body.Name
  const volume = await context.engine.volumes.create(body)
  const labels = volume.Labels ?? {}
  if (labels[label.installation] === context.installation && labels[label.session] === plan.sessionId) return
  done.createdVolume = undefined
  throw new RuntimeError(
    'name-taken',
    `A volume named ${body.Name} exists that this service did not make. Ask the operator to remove it.`,
  )
}

async function createContainer(
  context: DockerContext,
  plan: SessionPlan,
  studentId: string,
  name: string,
  address?: string,
): Promise<string> {
  const body = sandboxBody(context.installation, context.proxy, plan, studentId, address)
  try {
    const { Id } = await context.engine.containers.create({ name, body })
    return Id
  } catch (error) {
    if (isEngineError(error, 'not-found')) {
      throw new RuntimeError(
        'image-missing',
        `The image of lab '${plan.lab}' is no longer on the engine. Ask the operator to load it again.`,
        error,
      )
    }
    if (!isEngineError(error, 'conflict')) throw error
    return await adopt(context.engine, name, {
      [label.installation]: context.installation,
      [label.session]: plan.sessionId,
      [label.student]: studentId,
      [label.spec]: specHash(plan.frozenLab),
    })
  }
}

/** An answer that was lost, or another process: the container may be the very one that was asked for. */
export async function adopt(engine: Engine, name: string, expected: Readonly<Record<string, string>>): Promise<string> {
  const found = await engine.containers.inspect(name)
  const labels = found.Config.Labels ?? {}
  if (Object.entries(expected).every(([each, value]) => labels[each] === value)) return found.Id
  throw notOurs(name)
}

const notOurs = (name = ''): RuntimeError =>
  new RuntimeError(
    'name-taken',
    `A container named ${name} exists that this session did not make. It is left alone: ask the operator to look at it.`,
  )

/**
 * Restart policy first: a stopped container must stay stopped while it is collected. Podman 4 cannot change it, and leaves
 * alone what was stopped by call; that nobody started it again is checked before it is removed, on every engine.
 */
export async function stopSandbox(
  { engine }: DockerContext,
  containerId: string,
  graceSeconds: number,
): Promise<StoppedContainer> {
  const neverRestart = () => resent(() => engine.containers.update(containerId, { RestartPolicy: { Name: 'no' } }))
  // One that ends again and again is, for a moment, neither running nor stopped: then the engine refuses the update.
  const refused = await neverRestart().then(
    () => false,
    (error: unknown) => {
      if (isRefusal(error)) return true
      throw error
    },
  )
  await resent(() => engine.containers.stop(containerId, { graceSeconds }))
  // What was stopped by call is not restarted without a policy either: an engine whose disk is full can write none.
  if (refused) {
    await neverRestart().catch((error: unknown) => {
      if (!isRefusal(error)) throw error
    })
  }
  return asStopped(await engine.containers.inspect(containerId))
}

export async function freezeSandbox({ engine }: DockerContext, containerId: string): Promise<FrozenContainer> {
  await engine.containers.pause(containerId)
  const { Id, State, Image } = await engine.containers.inspect(containerId)
  if (!State.Paused) throw new RuntimeError('running', 'The sandbox was let go on by another hand. Repeat the call.')
  return { id: Id, startedAt: State.StartedAt, finishedAt: null, exitCode: null, outOfMemory: false, imageId: Image }
}

export function asStopped(container: Container): StoppedContainer {
  const { State } = container
  // `stopping` is Podman's word for a process that has its signal and still runs.
  if (State.Running || State.Paused || State.Restarting || State.Status === 'stopping') {
    throw new RuntimeError(
      'running',
      'The sandbox runs, though it was stopped: somebody started it again. Take the class down again.',
    )
  }
  return {
    id: container.Id,
    startedAt: State.StartedAt,
    finishedAt: State.FinishedAt,
    exitCode: State.ExitCode,
    outOfMemory: State.OOMKilled,
    imageId: container.Image,
  }
}

/**
 * Bytes of a directory's path in the sandbox. The engine reads below a folder of its own, in paths of at most 4095 bytes
 * with a last name of at most 255, and leaves out what it cannot reach, in every reading and without a word.
 */
const longestDirectory = 3500

/** The workspace's entries, their paths relative to it. An archive that is anything else than that directory is refused. */
export async function* archiveSandbox(
  context: DockerContext,
  containerId: string,
  workspace: string,
  signal: AbortSignal,
): AsyncGenerator<ArchiveEntry> {
  const root = Buffer.from(posix.basename(workspace))
  let first = true
  try {
    for await (const entry of readPrepared(context, containerId, workspace, signal)) {
      if (first && !(entry.type === 'directory' && entry.name.equals(root))) {
        throw new RuntimeError(
          'archive',
          'The workspace is not a directory: the archive does not begin with one. Ask the operator to look at the sandbox.',
        )
      }
      first = false
      const { type, size, mode, uid, gid, mtimeMs, body, linkName, xattrs } = entry
      const linkTarget = type === 'hard-link' ? relativeTo(root, linkName) : linkName
      const path = relativeTo(root, entry.name)
      if (type === 'directory' && Buffer.byteLength(workspace) + 1 + path.length > longestDirectory) {
        throw new RuntimeError(
          'archive',
          `The workspace has a directory whose path is longer than ${longestDirectory} bytes: the engine may leave out what is in it. Ask the student or the operator to move or rename it.`,
        )
      }
      const facts = { path, type, size, mode, uid, gid, mtimeMs, linkTarget, ...(xattrs ? { xattrs } : {}) }
      yield { ...facts, body: translatedEach(body) }
    }
  } catch (error) {
    throw asArchiveError(error)
  }
}

/** An up that was interrupted may have left a sandbox that never ran and has no workspace: it gets one, and that is read. */
async function* readPrepared(
  context: DockerContext,
  containerId: string,
  workspace: string,
  signal: AbortSignal,
): AsyncGenerator<TarEntry> {
  const { containers } = context.engine
  try {
    yield* containers.archive(containerId, workspace, { signal })
  } catch (error) {
    if (!isEngineError(error, 'not-found')) throw error
    const container = await containers.inspect(containerId)
    const user = neverRan(container) ? container.Config.User : await userOfEmpty(context, container, workspace, signal)
    if (!user) throw error
    await prepareWorkspace(context, { workspace, user }, containerId)
    yield* containers.archive(containerId, workspace, { signal })
  }
}

/** Nobody's, where the volume of a rescue container holds nothing at all: it was made for a sandbox that never came to be. */
async function userOfEmpty(
  { engine }: DockerContext,
  { Id, Name, Config, State }: Container,
  workspace: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const {
    [label.class]: classId = '',
    [label.student]: studentId = '',
    [label.session]: sessionId = '',
  } = Config.Labels ?? {}
  const isRescue = Name === `/${volumeName(classId, studentId, sessionId)}` && State.StartedAt.startsWith('0001-')
  if (!isRescue) return undefined
  const above = posix.dirname(workspace)
  const root = Buffer.from(posix.basename(above))
  for await (const { type, name } of engine.containers.archive(Id, above, { signal })) {
    if (type !== 'directory' || !name.equals(root)) return undefined
  }
  return '65534:65534'
}

/** A wrap never runs either, but the student's own container did before it: what is not in its volume is lost. */
function neverRan({ Name, Config, State }: Container): boolean {
  const { [label.class]: classId, [label.student]: studentId } = Config.Labels ?? {}
  const isOwn = classId && studentId && Name === `/${containerName(classId, studentId)}`
  return Boolean(isOwn) && State.StartedAt.startsWith('0001-')
}

/** A path that is not there is never taken for a workspace with no files. */
function asArchiveError(error: unknown): unknown {
  if (!isEngineError(error, 'not-found')) return asRuntimeError(error)
  return new RuntimeError('archive', 'The sandbox or its workspace is not on the engine any more.', error)
}

function relativeTo(root: Buffer, name: Buffer): Buffer {
  if (name.equals(root)) return Buffer.alloc(0)
  const slash = 0x2f
  if (name.subarray(0, root.length).equals(root) && name[root.length] === slash) return name.subarray(root.length + 1)
  throw new RuntimeError(
    'archive',
    'The archive names something outside the workspace. Ask the operator to look at the sandbox.',
  )
}

const removalPolls = 50
const removalPollMs = 200

/** By id and never with force: that the engine refuses to remove a running container is the last fence. */
export async function removeSandboxContainer({ engine }: DockerContext, containerId: string): Promise<void> {
  for (let poll = 1; ; poll++) {
    try {
      await resent(() => engine.containers.remove(containerId))
      return
    } catch (error) {
      if (!isRefusal(error)) throw error
      const found = await engine.containers.inspect(containerId).catch((cause: unknown) => {
        if (isEngineError(cause, 'not-found')) return undefined
        throw cause
      })
      if (!found) return
      asStopped(found)
      // Not running: a conflict is another removal of it, which is waited for; anything else is said as it is.
      if (poll === removalPolls || !isEngineError(error, 'conflict')) throw error
      await delay(removalPollMs)
    }
  }
}

export async function removeSandboxVolume({ engine }: DockerContext, name: string): Promise<void> {
  await resent(() => engine.volumes.remove(name))
}
