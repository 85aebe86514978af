// The nodes of a fleet, as the manager tells of them now. One that it does not tell of any more is kept, since its sandboxes are.

import type { Logger } from 'pino'
import { FleetNode } from './node.ts'
import type { FleetMember, Manager, NodeRuntime } from './ports.ts'
import { manyWaiting } from './raced.ts'

export class Members {
  readonly nodes = new Map<string, FleetNode>()
  readonly #manager: Manager
  readonly #open: (member: FleetMember) => NodeRuntime
  readonly #log: Logger
  readonly #stopping = manyWaiting()
  readonly #watchers = new Set<(what: 'sandboxes' | 'proxy') => void>()

  constructor(manager: Manager, open: (member: FleetMember) => NodeRuntime, log: Logger) {
    this.#manager = manager
    this.#open = open
    this.#log = log
  }

  /** RuntimeError 'unavailable' where the manager does not tell. */
  async refresh(): Promise<readonly FleetNode[]> {
    const members = await this.#manager.members()
    for (const member of members) {
      const node = this.nodes.get(member.id)
      if (node?.member.address === member.address) node.sees(member)
      else this.#add(member, node)
    }
    const present = new Set(members.map(({ id }) => id))
    for (const [id, node] of this.nodes) if (!present.has(id)) node.leave('It is no more among the nodes of the Swarm.')
    const nodes = [...this.nodes.values()]
    await Promise.all(nodes.map((node) => node.greet()))
    return nodes
  }

  watch(signal: AbortSignal, changed: (what: 'sandboxes' | 'proxy') => void): void {
    this.#watchers.add(changed)
    signal.addEventListener('abort', () => this.#watchers.delete(changed))
  }

  async close(): Promise<void> {
    this.#stopping.abort()
    await Promise.all([...this.nodes.values()].map((node) => node.close()))
  }

  #add(member: FleetMember, before: FleetNode | undefined): void {
    const runtime = this.#open(member)
    const tell = (what: 'sandboxes' | 'proxy'): void => {
      for (const changed of this.#watchers) changed(what)
    }
    const node = new FleetNode(member, runtime, this.#log, () => tell('proxy'), before)
    this.nodes.set(member.id, node)
    void runtime.watch(this.#stopping.signal, (what) => {
      if (what === 'missed') node.mayHaveDied()
      tell(what === 'missed' ? 'proxy' : what)
    })
    if (!before) return
    before.leave('It has another address now.')
    void before.close().catch((error: unknown) => this.#log.warn({ err: error }, 'connections of a node not closed'))
  }
}
