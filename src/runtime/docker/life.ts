// How a container has lived so far, as one inspection tells it.

import type { Container } from '../../../engine-api/index.ts'
import type { SandboxLife } from '../life.ts'
import type { DockerContext } from './context.ts'

/** An inspection waits for an archive of the same container, which no look may wait for. */
const inspectMs = 2_000

export async function lifeOf({ engine }: DockerContext, containerId: string): Promise<SandboxLife> {
  const { State, RestartCount } = await engine.containers.inspect(containerId, {
    signal: AbortSignal.timeout(inspectMs),
  })
  const { StartedAt, FinishedAt, OOMKilled, ExitCode } = State
  // Docker says of one that waits for its next start that it runs.
  const isUp = State.Running && !State.Restarting
  // Later engines say it of the life that is: Docker 26 and 28 do, 20.10 does not.
  const outOfMemory = isUp && !OOMKilled ? null : OOMKilled
  const lastDeath = { at: FinishedAt, exitCode: isUp ? null : ExitCode, outOfMemory }
  return {
    startedAt: isNever(StartedAt) ? null : StartedAt,
    restarts: RestartCount,
    lastDeath: isNever(FinishedAt) ? null : lastDeath,
  }
}

/** Also true while the first start is under way, if the engine has not come to it yet: an inspection waits for one that it is at. */
export const neverRan = ({ State }: Container): boolean => isNever(State.StartedAt)

const isNever = (time: string): boolean => time.startsWith('0001-')
