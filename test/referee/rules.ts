// The rules that every removal and every archive call must keep, whatever the service believes: each is asked of the engine and of the store anew.

import { archiveCallOf, judgeArchive } from './archives.ts'
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
 * - `moving`: an archive is read from or written to a sandbox whose programs run, or they are let run while it is
 * - `not-plain`: what is written is something else than a plain tar that begins with the workspace
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
    | 'moving'
    | 'not-plain'
    | 'undecided'
  readonly detail: string
}

export interface Rules {
  /** The first rule that a request breaks; undefined for one that may pass. `head`: the first bytes of what an archive call sends. */
  judge(method: string, url: string, head?: Buffer): Promise<Violation | undefined>
  /** An archive call has begun. Answers how to tell that it has ended. */
  archiving(url: string): () => void
  /** The engine has started what this path names: there may be work in it from now on. */
  started(url: string): Promise<void>
}

const decided = (judgement: Promise<Violation | undefined>): Promise<Violation | undefined> =>
  judgement.catch((error: unknown) => ({ rule: 'undecided' as const, detail: String(error) }))

const wholeId = /^[0-9a-f]{64}$/

export function createRules(engineSocket: string, store: StoreView, truthFile: string): Rules {
  /** `class/session/student` of everybody whose sandbox was started. */
  const ran = new Set<string>()
  /** Containers of which an archive call is under way, by what the call names them. */
  const archived: string[] = []

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
    async judge(method, url, head) {
      const { pathname, searchParams } = new URL(url, 'http://engine')
      if (/\/prune$/.test(pathname)) return { rule: 'prune', detail: pathname }
      const [, moved = ''] = /\/containers\/([^/]+)\/(?:start|restart|unpause)$/.exec(pathname) ?? []
      if (archived.includes(moved)) return { rule: 'moving', detail: `an archive of ${moved} is under way` }
      const call = archiveCallOf(url)
      if (call) return await decided(judgeArchive(engineSocket, call, head))
      const [, kind, name] = /^(?:\/v[\d.]+)?\/(containers|volumes|networks)\/([^/]+)$/.exec(pathname) ?? []
      if (method !== 'DELETE' || kind === undefined || name === undefined) return undefined
      return await decided(judgeRemoval(kind, name, searchParams))
    },
    archiving(url) {
      const container = archiveCallOf(url)?.container ?? ''
      archived.push(container)
      return () => void archived.splice(archived.indexOf(container), 1)
    },
    async started(url) {
      const [, name] = /\/containers\/([^/?]+)\/start/.exec(url) ?? []
      const container = await look<Container>(engineSocket, `/containers/${name}/json`)
      const student = studentOf(container?.Config.Labels ?? null)
      if (student !== undefined) ran.add(student)
    },
  }
}
