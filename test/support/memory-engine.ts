// An engine in memory: what it holds, and what other hands do to it in a test. It lists what was done to it, and lets a test put
// a fault on either side of every effect.

import assert from 'node:assert/strict'
import { networkName } from '../../src/names.ts'
import type { LogPiece } from '../../src/runtime/archive.ts'
import { RuntimeError } from '../../src/runtime/errors.ts'
import type { SandboxState, SessionIdentity } from '../../src/runtime/held.ts'
import type { CommandResult, ImageFacts, ProxyState, Runtime } from '../../src/runtime/port.ts'
import type { Thing } from './memory-archive.ts'

export interface MemoryContainer {
  readonly id: string
  readonly name: string
  readonly session: SessionIdentity
  readonly studentId: string
  readonly spec: string
  readonly collect: string
  readonly volume: string
  readonly imageId: string
  /** In no network, or in one that is gone. */
  isDetached: boolean
  state: SandboxState
  startedAt: string
  finishedAt: string
  exitCode: number
  /** Of the life that ended last. */
  outOfMemory: boolean
  restarts: number
  mayRestart: boolean
  logs: LogPiece[]
}

export interface MemoryVolume {
  readonly name: string
  readonly session: SessionIdentity
  readonly studentId: string
  readonly collect: string
  /** None before the workspace is prepared. */
  things: Thing[]
}

export interface MemoryNetwork {
  readonly id: string
  readonly internal: boolean
  readonly session: SessionIdentity
}

/** Called with `stop SV001`, `close-network class-os101-a` and so on. */
export type RuntimeHook = (event: string) => void | Promise<void>

export const never = '0001-01-01T00:00:00Z'
export const up: readonly SandboxState[] = ['running', 'starting', 'unhealthy', 'paused', 'restarting']

export class MemoryEngine {
  /** Every effect and reading that was done, in order. `survey`, `image`, `room` and `check` are left out. */
  readonly events: string[] = []
  readonly images = new Map<string, ImageFacts>([
    ['busybox:1.36', { id: 'sha256:image', digest: 'busybox@sha256:digest', size: 1000, volumes: [] }],
  ])
  host = { memoryMb: 65_536, hasFreeSubnet: true }
  runtimes: readonly string[] = ['runc']
  /** What is written in sandboxes does not come out of them. */
  keepsWrites = false
  /** Undefined: it has no lasting id. */
  engine: string | undefined = 'engine-1'
  readonly networks: Map<string, MemoryNetwork>
  readonly containers = new Map<string, MemoryContainer>()
  readonly volumes = new Map<string, MemoryVolume>()
  /** Throwing here: the engine refused, and nothing was done. */
  before: RuntimeHook = () => {}
  /** Throwing here: it was done, and the answer was lost. */
  after: RuntimeHook = () => {}
  hasProxy = true
  proxyState: Omit<ProxyState, 'unattached'> = { isRunning: true, version: undefined }
  /** Who is told of every change; a test tells of those that it makes itself. */
  readonly watchers = new Set<Parameters<Runtime['watch']>[1]>()
  /** Networks that a recreated proxy is not attached to. */
  readonly unattached = new Set<string>()
  /** Networks that a container of another hand's is in. */
  readonly entered = new Set<string>()
  /** Names of networks, containers and volumes that are not the service's. */
  readonly foreign = new Set<string>()
  /** State that a student's container goes to when it is started, where that is not `running`. */
  readonly startsAs = new Map<string, SandboxState>()
  onExec: (studentId: string, command: readonly string[]) => Partial<CommandResult> = () => ({})
  #made = 0
  #ticks = 0

  /** `networks` are other engines' too, where they are those of a Swarm. */
  constructor(networks: Map<string, MemoryNetwork> = new Map()) {
    this.networks = networks
  }

  /** The student's newest container; fails the test where there is none. */
  container(studentId: string): MemoryContainer {
    return found([...this.containers.values()].findLast((each) => each.studentId === studentId))
  }

  /** The student's newest volume; fails the test where there is none. */
  volume(studentId: string): MemoryVolume {
    return found([...this.volumes.values()].findLast((each) => each.studentId === studentId))
  }

  /** As the student would: adds files to the workspace. */
  write(studentId: string, ...things: Thing[]): void {
    this.volume(studentId).things.push(...things)
  }

  /** As another hand would. */
  start(container: MemoryContainer): void {
    container.restarts = 0
    container.state = this.startsAs.get(container.studentId) ?? 'running'
    container.startedAt = this.now()
    container.logs.push({ stream: 'stdout', bytes: Buffer.from(`started ${container.startedAt}\n`) })
    if (container.state === 'exited') this.exit(container, 1)
  }

  /** As `docker network prune` would: networks without a container that runs. */
  pruneNetworks(): void {
    for (const id of this.networks.keys()) {
      if (!this.containersIn(id).some(({ state }) => up.includes(state))) this.dropNetwork(id)
    }
  }

  /** As another hand would: its containers are in no network then. */
  dropNetwork(id: string): void {
    for (const container of this.containersIn(id)) container.isDetached = true
    this.networks.delete(id)
  }

  protected containersIn(networkId: string): MemoryContainer[] {
    const sessionId = this.networks.get(networkId)?.session.sessionId
    return [...this.containers.values()].filter(({ session }) => session.sessionId === sessionId)
  }

  /** As the container's own process would. */
  exit(container: MemoryContainer, exitCode: number): void {
    container.state = 'exited'
    container.exitCode = exitCode
    container.outOfMemory = false
    container.finishedAt = this.now()
  }

  /** As the kernel and the engine would: its programs take more memory than there is, and it is started again. */
  exhaustMemory(container: MemoryContainer): void {
    const restarts = container.restarts + 1
    this.exit(container, 137)
    this.start(container)
    Object.assign(container, { outOfMemory: true, restarts })
  }

  /** Each event that begins so waits, until the function that is returned is called. */
  hold(beginning: string): () => void {
    let release = () => {}
    const released = new Promise<void>((resolve) => {
      release = resolve
    })
    this.before = (event) => (event.startsWith(beginning) ? released : undefined)
    return release
  }

  /** What is there, such as `container SV001 running`, sorted. */
  held(): string[] {
    return [
      ...[...this.networks.values()].map(({ session }) => `network ${networkName(session.classId)}`),
      ...[...this.containers.values()].map(({ studentId, state }) => `container ${studentId} ${state}`),
      ...[...this.volumes.values()].map(({ studentId }) => `volume ${studentId}`),
    ].sort()
  }

  protected async step<T>(event: string, effect: () => T): Promise<T> {
    await this.before(event)
    const result = effect()
    this.events.push(event)
    for (const tell of this.watchers) tell('sandboxes')
    await this.after(event)
    return result
  }

  protected get(containerId: string): MemoryContainer {
    const container = this.containers.get(containerId)
    if (!container) throw new RuntimeError('gone', `No such container: ${containerId}`)
    return container
  }

  protected newId(kind: string): string {
    this.#made++
    return `${kind}-${this.#made}`
  }

  /** Later at each call. */
  protected now(): string {
    this.#ticks++
    return new Date(Date.UTC(2026, 0, 1, 0, 0, this.#ticks)).toISOString()
  }

  protected findImage(reference: string): ImageFacts | undefined {
    const isIt = ({ id, digest }: ImageFacts) => id === reference || digest === reference
    return this.images.get(reference) ?? [...this.images.values()].find(isIt)
  }

  /** All that they are called. */
  protected imageNames(): Set<string> {
    return new Set([...this.images].flatMap(([name, { id, digest }]) => [name, id, ...(digest ? [digest] : [])]))
  }

  protected requireProxy(): void {
    if (!this.hasProxy) throw new RuntimeError('proxy-missing', 'There is no proxy.')
  }

  protected refuseForeign(kind: string, name: string): void {
    if (!this.foreign.has(name)) return
    throw new RuntimeError('name-taken', `A ${kind} named ${name} exists that this service did not make.`)
  }
}

function found<T>(value: T | undefined): T {
  assert(value !== undefined, 'there is no such thing in the engine')
  return value
}
