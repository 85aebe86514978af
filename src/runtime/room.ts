// Whether an engine, or several, have room for what is asked of them, and where.

/** What is to be made beside what is there. */
export interface Demand {
  /** Who is to get a sandbox. */
  readonly newcomers: readonly Newcomer[]
  /** Of one of their sandboxes, in MiB. */
  readonly memoryMb: number
  /** What the sandboxes that are there may use, in MiB, by the node that they are on: no engine tells that. */
  readonly usedMb: ReadonlyMap<string | undefined, number>
  /** The nodes that others of their class are on. */
  readonly ofClass: ReadonlySet<string>
  readonly networks: 0 | 1
  /** The container runtime that the lab asks for. */
  readonly runtime: string | undefined
  /** The lab's image; undefined: it is nowhere. */
  readonly image: { readonly id: string; readonly digest: string | undefined } | undefined
}

export interface Newcomer {
  readonly studentId: string
  /** Where they were placed already: they are placed nowhere else. */
  readonly node?: string | undefined
}

/** `node`: none of several takes anything new; `image`: none of those that do has it. */
export type Lack = 'node' | 'runtime' | 'image' | 'memory' | 'network'

export interface Placement {
  /** What there is not enough of; empty: the demand can be met. */
  readonly lacks: readonly Lack[]
  /** Of several, the node of each newcomer who had none, by the student; empty where something lacks. */
  readonly nodes: ReadonlyMap<string, string>
  /** In MiB: of the demand's, what is on what `memoryMb` of the room counts. */
  readonly usedMb: number
}

export interface Room {
  /** All that there is and takes something new, in MiB, whoever uses it. */
  readonly memoryMb: number
  /** Whether one more class network fits. */
  readonly hasFreeSubnet: boolean
  /** Tells where it goes, and takes no room away. */
  place(demand: Demand): Placement
}

/** The room of one host; `runtimes` by their names, such as `runc`. */
export function roomOfHost(memoryMb: number, hasFreeSubnet: boolean, runtimes: readonly string[]): Room {
  return {
    memoryMb,
    hasFreeSubnet,
    place({ newcomers, memoryMb: eachMb, usedMb, networks, runtime }) {
      const lacks: Lack[] = []
      const used = sum(usedMb.values())
      const neededMb = newcomers.length * eachMb
      if (newcomers.length > 0 && runtime !== undefined && !runtimes.includes(runtime)) lacks.push('runtime')
      if (neededMb > 0 && used + neededMb > memoryMb) lacks.push('memory')
      if (networks > 0 && !hasFreeSubnet) lacks.push('network')
      return { lacks, nodes: new Map(), usedMb: used }
    },
  }
}

export const sum = (numbers: Iterable<number>): number => [...numbers].reduce((total, each) => total + each, 0)

export const noSubnetAdvice =
  'Every subnet of the pool is in use. Take classes down that have ended, or ask the operator for a larger CLASS_SUBNET_POOL.'
