// Waiting for sandboxes to be up, by listing a session's containers: one call for all of them, and none that can block.

import { setTimeout as delay } from 'node:timers/promises'
import type { ContainerSummary } from '../../engine-api/index.ts'
import { label } from '../names.ts'
import type { DockerContext } from './docker-context.ts'
import { readState } from './docker-survey.ts'
import type { SessionIdentity } from './port.ts'

const pollMs = 150

/**
 * A container is up when it runs in the same life at two polls: one that exits at once is restarted by the engine after
 * 100 ms, so it too is seen running at most polls, but with another StartedAt each time.
 */
export async function waitReady(
  { engine, installation }: DockerContext,
  session: SessionIdentity,
  containerIds: readonly string[],
  signal: AbortSignal,
): Promise<Map<string, string>> {
  const labels = [`${label.installation}=${installation}`, `${label.session}=${session.sessionId}`]
  const waiting = new Set(containerIds)
  const lives = new Map<string, string>()
  const reasons = new Map<string, string>()
  while (waiting.size > 0) {
    const listed = await engine.containers.list({ all: true, filters: { label: labels } })
    const found = new Map(listed.map((each) => [each.Id, each]))
    await Promise.all([...waiting].map((id) => look(id, found.get(id))))
    if (waiting.size > 0) await delay(pollMs)
  }
  return reasons

  async function look(id: string, summary: ContainerSummary | undefined): Promise<void> {
    const state = summary && readState(summary)
    if (state === 'starting' && !signal.aborted) return
    if (summary && state === 'running') {
      const { StartedAt } = (await engine.containers.inspect(id)).State
      const before = lives.get(id)
      lives.set(id, StartedAt)
      if (before === undefined && !signal.aborted) return
      if (before === StartedAt) {
        waiting.delete(id)
        return
      }
    }
    waiting.delete(id)
    reasons.set(id, summary ? await whyNotUp(summary) : 'It was removed by another hand.')
  }

  async function whyNotUp(summary: ContainerSummary): Promise<string> {
    const state = readState(summary)
    if (state === 'starting') return 'Its health check did not pass in time.'
    if (state === 'unhealthy') return 'Its health check says it is unhealthy.'
    if (state === 'paused') return 'It is paused.'
    const { State } = await engine.containers.inspect(summary.Id)
    if (State.Running) return 'Its command ends and is started again and again. Ask the operator to correct the lab.'
    const code = exitCodeOf(summary) ?? String(State.ExitCode)
    if (code === '126' || code === '127') {
      return `Its command cannot be run (exit code ${code}): the image does not have it, or it is not executable. Ask the operator to correct the lab.`
    }
    const detail = State.OOMKilled ? ' (out of memory)' : State.Error ? ` (${State.Error})` : ''
    return `Its command ended with exit code ${code}${detail}. Ask the operator to correct the lab.`
  }
}

/** A container that is restarted again and again shows its last exit code only in the list: `Restarting (127) 2 seconds ago`. */
const exitCodeOf = ({ Status }: ContainerSummary): string | undefined => /^\w+ \((\d+)\)/.exec(Status)?.[1]
