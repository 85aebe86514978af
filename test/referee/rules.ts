// The rules that every removal must keep, whatever the service believes: each is asked of the engine and of the store anew.

import { findBagFault } from './bags.ts'
import {
  type Container,
  filtered,
  installationOf,
  isProof,
  type Labels,
  look,
  sandboxFilters,
  studentOf,
} from './engine.ts'
import type { StoreView } from './store.ts'
import { readTruth } from './truth.ts'

/**
 * - `no-bag`, `file-missing`, `file-differs`, `not-in-manifest`: what the student has is not safe
 * - `force`: force, link or v, which take more than was named, or take it by force
 * - `by-name`: a container or network by another word than its whole id
 * - `running`: the container runs, is paused or restarts
 * - `container-left`: a volume before its container
 * - `sandboxes-left`: a network before its session's last container or volume
 * - `not-ours`: something without the service's label
 * - `prune`: any prune
 * - `undecided`: the engine or the store did not answer the referee
 */
export interface Violation {
  readonly rule:
    | NonNullable<Awaited<ReturnType<typeof findBagFault>>>['rule']
    | 'force'
    | 'by-name'
    | 'running'
    | 'container-left'
    | 'sandboxes-left'
    | 'not-ours'
    | 'prune'
    | 'undecided'
  readonly detail: string
}

export interface Rules {
  /** The first rule that a request breaks; undefined for one that may pass. */
  judge(method: string, url: string): Promise<Violation | undefined>
  /** The engine has started what this path names: there may be work in it from now on. */
  started(url: string): Promise<void>
}

const wholeId = /^[0-9a-f]{64}$/

export function createRules(engineSocket: string, store: StoreView, truthFile: string): Rules {
  /** `class/session/student` of everybody whose sandbox was started. */
  const ran = new Set<string>()

  async function judgeContainer(id: string): Promise<Violation | undefined> {
    const container = await look<Container>(engineSocket, `/containers/${id}/json`)
    if (container === undefined) return undefined
    const { State, Config } = container
    if (!installationOf(Config.Labels)) return { rule: 'not-ours', detail: id }
    if (State.Running || State.Paused || State.Restarting) return { rule: 'running', detail: JSON.stringify(State) }
    return await judgeWork(Config.Labels, !State.StartedAt.startsWith('0001-'))
  }

  async function judgeVolume(name: string): Promise<Violation | undefined> {
    const volume = await look<{ Labels: Labels }>(engineSocket, `/volumes/${name}`)
    if (volume === undefined) return undefined
    if (!installationOf(volume.Labels)) return { rule: 'not-ours', detail: name }
    const users = await containersWith({ volume: [decodeURIComponent(name)] })
    if (users.length > 0) return { rule: 'container-left', detail: users.join() }
    return await judgeWork(volume.Labels, false)
  }

  async function judgeNetwork(id: string): Promise<Violation | undefined> {
    const network = await look<{ Labels: Labels }>(engineSocket, `/networks/${id}`)
    if (network === undefined) return undefined
    if (!installationOf(network.Labels)) return { rule: 'not-ours', detail: id }
    const label = sandboxFilters(network.Labels)
    const containers = await containersWith({ label })
    const volumes = await look<{ Volumes: { Name: string }[] | null }>(engineSocket, `/volumes?${filtered({ label })}`)
    const left = [...containers, ...(volumes?.Volumes ?? []).map(({ Name }) => Name)]
    return left.length === 0 ? undefined : { rule: 'sandboxes-left', detail: left.join() }
  }

  async function containersWith(filters: Parameters<typeof filtered>[0]): Promise<string[]> {
    const found = await look<{ Id: string }[]>(engineSocket, `/containers/json?all=1&${filtered(filters)}`)
    return (found ?? []).map(({ Id }) => Id)
  }

  /** What never ran, and into which nobody put anything, holds no work: a failed up may take it back. Nor does a proof hold any. */
  async function judgeWork(labels: Labels, hasRun: boolean): Promise<Violation | undefined> {
    const student = studentOf(labels)
    if (isProof(labels)) return undefined
    if (student === undefined) return { rule: 'not-ours', detail: 'a sandbox without class, session or student' }
    const files = (await readTruth(truthFile)).get(student)
    if (!hasRun && !ran.has(student) && files === undefined) return undefined
    return await findBagFault(store, student, files ?? new Map())
  }

  async function judgeRemoval(kind: string, name: string, query: URLSearchParams): Promise<Violation | undefined> {
    const more = ['force', 'link', 'v'].filter((parameter) => query.has(parameter))
    if (more.length > 0) return { rule: 'force', detail: more.join() }
    if (kind === 'volumes') return await judgeVolume(name)
    if (!wholeId.test(name)) return { rule: 'by-name', detail: name }
    return kind === 'containers' ? await judgeContainer(name) : await judgeNetwork(name)
  }

  return {
    async judge(method, url) {
      const { pathname, searchParams } = new URL(url, 'http://engine')
      if (/\/prune$/.test(pathname)) return { rule: 'prune', detail: pathname }
      const [, kind, name] = /^(?:\/v[\d.]+)?\/(containers|volumes|networks)\/([^/]+)$/.exec(pathname) ?? []
      if (method !== 'DELETE' || kind === undefined || name === undefined) return undefined
      try {
        return await judgeRemoval(kind, name, searchParams)
      } catch (error) {
        return { rule: 'undecided', detail: String(error) }
      }
    },
    async started(url) {
      const [, name] = /\/containers\/([^/?]+)\/start/.exec(url) ?? []
      const container = await look<Container>(engineSocket, `/containers/${name}/json`)
      const student = studentOf(container?.Config.Labels ?? null)
      if (student !== undefined) ran.add(student)
    },
  }
}
