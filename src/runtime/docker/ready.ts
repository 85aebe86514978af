// Waiting for sandboxes to be up, by listing a session's containers: one call for all of them, and none that can block.

import { setTimeout as delay } from 'node:timers/promises'
import type { ContainerSummary } from '../../../engine-api/index.ts'
import { createGate } from '../../gate.ts'
import { label } from '../../names.ts'
import type { SessionIdentity } from '../held.ts'
import type { DockerContext } from './context.ts'
import { withoutPaths } from './errors.ts'
import { readState } from './survey.ts'

const pollMs = 150

/** A program that ends at once is restarted by the engine after 100 ms, then 200 ms: a life this long is a real one. */
const steadyMs = 400

/** Of one up: fewer than the connections that the engine client has for a call, so that inspections which hang leave some to others. */
const inspectionsAtOnce = 4

/**
 * A container is up when it is seen running in one life for some time, and still runs when the last one is up. A glance
 * is not enough: one that exits at once and is restarted is seen running at most polls, with another StartedAt each time.
 */
export async function waitReady(
  { engine, installation, health }: DockerContext,
  session: SessionIdentity,
  containerIds: readonly string[],
  signal: AbortSignal,
): Promise<Map<string, string>> {
  const labels = [`${label.installation}=${installation}`, `${label.session}=${session.sessionId}`]
  const waiting = new Set(containerIds)
  const lives = new Map<string, { startedAt: string; since: number }>()
  const engineTime = new EngineTime()
  const reasons = new Map<string, string>()
  const gate = createGate(inspectionsAtOnce)
  while (waiting.size > 0) {
    const listed = await list()
    await Promise.all([...waiting].map((id) => gate(() => look(id, listed.get(id)))))
    if (waiting.size > 0) await delay(pollMs)
  }
  const last = await list()
  for (const id of containerIds) {
    const summary = last.get(id)
    if (!reasons.has(id) && (!summary || readState(summary) !== 'running')) reasons.set(id, await whyNotUp(summary))
  }
  return reasons

  async function list(): Promise<Map<string, ContainerSummary>> {
    const listed = await engine.containers.list({ all: true, filters: { label: labels } })
    return new Map(listed.map((each) => [each.Id, each]))
  }

  async function look(id: string, summary: ContainerSummary | undefined): Promise<void> {
    const state = summary && readState(summary)
    if (state === 'starting' && !signal.aborted) return
    // Frozen a moment ago, by a collection: its next probe says how it is.
    if (state === 'unhealthy' && !signal.aborted && !(await health.isIll(id))) return
    if (state === 'running') {
      const { State, RestartCount } = await engine.containers.inspect(id)
      const { StartedAt } = State
      engineTime.hasBeen(StartedAt)
      // One that was never started again has lived since then; another is watched from now on.
      const since = RestartCount === 0 ? engineTime.at(StartedAt) : performance.now()
      const life = lives.get(id) ?? { startedAt: StartedAt, since }
      lives.set(id, life)
      const sameLife = life.startedAt === StartedAt
      if (sameLife && performance.now() - life.since < steadyMs && !signal.aborted) return
      waiting.delete(id)
      if (!sameLife) reasons.set(id, await whyNotUp(summary))
      return
    }
    waiting.delete(id)
    reasons.set(id, await whyNotUp(summary))
  }

  async function whyNotUp(seen: ContainerSummary | undefined): Promise<string> {
    const summary = seen && (await betweenTwoLives(seen))
    if (!summary) return 'It was removed by another hand.'
    const state = readState(summary)
    if (state === 'starting') return 'Its health check did not pass in time.'
    if (state === 'unhealthy') return 'Its health check says it is unhealthy.'
    if (state === 'paused') return 'It is paused.'
    const { State, Path, Args } = await engine.containers.inspect(summary.Id)
    const code = exitCodeOf(summary) ?? (State.Running ? undefined : String(State.ExitCode))
    const program = Path === undefined ? [] : [Path, ...(Args ?? [])]
    if (code === '126' || code === '127') return notRun(code, program, session.lab)
    const ended = code === undefined ? 'ends' : `ended with exit code ${code}`
    if (State.Running)
      return `Its command ${ended} and is started again and again. Ask the operator to correct the lab.`
    const detail = State.OOMKilled ? ' (out of memory)' : State.Error ? ` (${withoutPaths(State.Error)})` : ''
    return `Its command ${ended}${detail}. Ask the operator to correct the lab.`
  }

  /** Seen running in one of many short lives: only between two of them is it told how one ended. */
  async function betweenTwoLives(seen: ContainerSummary): Promise<ContainerSummary | undefined> {
    let summary: ContainerSummary | undefined = seen
    for (let looks = 0; looks < looksForEnd && summary && readState(summary) === 'running'; looks++) {
      await delay(pollMs)
      summary = (await list()).get(seen.Id)
    }
    return summary
  }
}

/**
 * The engine's clock by ours, as it says of a start what time it was: it may be later than this, so that no life is taken for longer
 * than it was.
 */
class EngineTime {
  #latest = Number.NEGATIVE_INFINITY
  #seenAt = 0

  hasBeen(time: string): void {
    const milliseconds = Date.parse(time)
    if (milliseconds <= this.#latest) return
    this.#latest = milliseconds
    this.#seenAt = performance.now()
  }

  /** By our clock. */
  at(time: string): number {
    return this.#seenAt - (this.#latest - Date.parse(time))
  }
}

/** How often a program that runs again is looked at for the end of its life: some seconds in all. */
const looksForEnd = 10

/** What init and shells say of a program that is absent (127), or that they may not run (126). */
function notRun(code: '126' | '127', [path, ...args]: readonly string[], lab: string): string {
  const fault = code === '127' ? 'is not in the image' : 'is in the image, but cannot be run by its user'
  const named = path === undefined ? 'Its program' : `The program '${path}' of lab '${lab}'`
  // A shell tells of what it was to call in the same way.
  const program = args.some((each) => /^-\w*c$/.test(each)) ? `${named}, or one that it calls,` : named
  return `${program} ${fault} (exit code ${code}). Ask the operator to correct the lab.`
}

/** A container that is restarted again and again shows its last exit code only in the list: `Restarting (127) 2 seconds ago`. */
const exitCodeOf = ({ Status }: ContainerSummary): string | undefined => /^\w+ \((\d+)\)/.exec(Status)?.[1]
