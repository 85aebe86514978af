// A fleet of engines in memory behind the runtime port: the real fleet runtime, on nodes and a manager that are not there. A node
// can be silent, die and come back, and be drained.

import type { TestContext } from 'node:test'
import { sameId } from '../../src/names.ts'
import { RuntimeError } from '../../src/runtime/errors.ts'
import type { FleetMember, Manager, NodeRuntime, Placements } from '../../src/runtime/fleet/ports.ts'
import { createFleetRuntime } from '../../src/runtime/fleet/runtime.ts'
import type { HeldSession } from '../../src/runtime/held.ts'
import type { Runtime } from '../../src/runtime/port.ts'
import { quiet, RefereedRuntime } from './memory-class.ts'
import { type MemoryContainer, type MemoryNetwork, up } from './memory-engine.ts'
import { engineGone } from './memory-runtime.ts'

export class MemoryNode extends RefereedRuntime implements NodeRuntime {
  readonly id: string
  readonly #peers: readonly MemoryNode[]
  #ids = 0
  member: FleetMember
  /** Another id than its own: at its address another node answers. */
  answersAs: string | undefined

  constructor(id: string, folder: string, networks: Map<string, MemoryNetwork>, peers: readonly MemoryNode[]) {
    super(folder, networks)
    this.id = id
    this.#peers = peers
    this.hasProxy = peers.length === 0
    this.member = { id, name: `node-${id}`, address: id, state: 'ready', availability: 'active' }
  }

  async identify() {
    await this.before('identify')
    return this.answersAs ?? this.id
  }

  async resources() {
    await this.before('resources')
    return { memoryMb: this.host.memoryMb, runtimes: this.runtimes, images: this.imageNames() }
  }

  async holds(_sessions: readonly HeldSession[], classId?: string): Promise<HeldSession[]> {
    return await this.tell(classId, [...this.containers.values(), ...this.volumes.values()])
  }

  async clearProof(): Promise<void> {
    await this.before('clear-proof')
  }

  async revive(ids: readonly string[]): Promise<void> {
    for (const id of ids) {
      const container = this.get(id)
      if (!container.mayRestart || container.state !== 'exited') continue
      await this.step(`revive ${container.studentId}`, () => this.start(container))
    }
  }

  /** Its engine does not answer, with `state` what the manager says of it. What runs on it runs on. */
  fallSilent(state = 'down'): void {
    this.member = { ...this.member, state }
    this.before = () => {
      throw engineGone()
    }
  }

  answerAgain(): void {
    this.member = { ...this.member, state: 'ready' }
    this.before = () => {}
  }

  /** Everything on it ends, though nobody stopped it. */
  die(): void {
    this.fallSilent()
    for (const container of this.containers.values()) if (up.includes(container.state)) this.exit(container, 137)
  }

  protected override containersIn(networkId: string): MemoryContainer[] {
    return this.#peers.flatMap((peer) => peer.ownIn(networkId))
  }

  /** Its own alone. */
  ownIn(networkId: string): MemoryContainer[] {
    return super.containersIn(networkId)
  }

  protected override newId(kind: string): string {
    this.#ids++
    return `${kind}-${this.id}-${this.#ids}`
  }
}

/** What the manager of these nodes says and does; its own node is the first one. */
class MemoryManager implements Manager {
  readonly #nodes: readonly MemoryNode[]
  readonly #first: MemoryNode
  isAway = false
  listsLastFirst = false
  /** Nodes that are no more of the Swarm. */
  readonly removed = new Set<string>()

  constructor(nodes: readonly MemoryNode[], first: MemoryNode) {
    this.#nodes = nodes
    this.#first = first
  }

  async check() {
    this.#requireAnswer()
    return { version: '20.10.24' }
  }

  async engineId() {
    this.#requireAnswer()
    return 'cluster-1'
  }

  async members() {
    this.#requireAnswer()
    const members = this.#nodes.map(({ member }) => member).filter(({ id }) => !this.removed.has(id))
    return this.listsLastFirst ? members.reverse() : members
  }

  async sessions(classId?: string): Promise<HeldSession[]> {
    this.#requireAnswer()
    const sessions = [...this.#first.networks.values()].map(({ session }) => session)
    const wanted = sessions.filter((each) => classId === undefined || sameId(each.classId, classId))
    return wanted.map((session) => ({ ...session, network: this.#first.networkOf(session), sandboxes: [] }))
  }

  async hasFreeSubnet() {
    this.#requireAnswer()
    return this.#first.host.hasFreeSubnet
  }

  async openNetwork(plan: Parameters<Runtime['openNetwork']>[0]) {
    this.#requireAnswer()
    return await this.#first.openNetwork(plan)
  }

  async closeNetwork(id: string) {
    this.#requireAnswer()
    await this.#first.closeNetwork(id)
  }

  async close(): Promise<void> {}

  #requireAnswer(): void {
    if (this.isAway) throw new RuntimeError('unavailable', 'The manager does not answer.')
  }
}

export interface MemoryFleet {
  readonly runtime: Runtime
  readonly nodes: readonly MemoryNode[]
  readonly manager: MemoryManager
  /** As a process that is started again: it has heard nothing yet. */
  restarted(): Runtime
}

export function openFleet(t: TestContext, ids: readonly string[], folder: string, placements: Placements): MemoryFleet {
  const networks = new Map<string, MemoryNetwork>()
  const nodes: MemoryNode[] = []
  for (const id of ids) nodes.push(new MemoryNode(id, folder, networks, nodes))
  const [first] = nodes
  if (!first) throw new Error('a fleet has a node')
  const manager = new MemoryManager(nodes, first)
  const open = (): Runtime => {
    const openNode = ({ id }: FleetMember): NodeRuntime => {
      const node = nodes.find((each) => each.id === id)
      if (!node) throw new Error(`there is no node ${id}`)
      return node
    }
    const runtime = createFleetRuntime({ manager, openNode, placements, hasProxy: true, log: quiet })
    t.after(() => runtime.close())
    return runtime
  }
  return { runtime: open(), nodes, manager, restarted: open }
}
