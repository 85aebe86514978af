// A sandbox that stands still, so that it can be read: stopped for good, or frozen for a while.

import type { Container } from '../../../engine-api/index.ts'
import { RuntimeError } from '../errors.ts'
import type { FrozenSandbox, SealedSandbox } from '../port.ts'
import type { DockerContext } from './context.ts'
import { isRefusal, resent } from './errors.ts'

/**
 * Restart policy first: a stopped container must stay stopped while it is collected. Podman 4 cannot change it, and leaves
 * alone what was stopped by call; that nobody started it again is checked before it is removed, on every engine.
 */
export async function sealSandbox(
  { engine }: DockerContext,
  containerId: string,
  graceSeconds: number,
): Promise<SealedSandbox> {
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
  return asSealed(await engine.containers.inspect(containerId))
}

export async function freezeSandbox({ engine }: DockerContext, containerId: string): Promise<FrozenSandbox> {
  await engine.containers.pause(containerId)
  const { Id, State, Image } = await engine.containers.inspect(containerId)
  if (!State.Paused) throw new RuntimeError('running', 'The sandbox was let go on by another hand. Repeat the call.')
  return { id: Id, startedAt: State.StartedAt, finishedAt: null, exitCode: null, outOfMemory: false, imageId: Image }
}

export function asSealed(container: Container): SealedSandbox {
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
