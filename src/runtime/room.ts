// Whether an engine has room for what is asked of it.

/** What is to be made beside what is there. */
export interface Demand {
  readonly sandboxes: number
  /** Of all of them, in MiB. */
  readonly memoryMb: number
  /** What the sandboxes that are there may use, in MiB: no engine tells that. */
  readonly usedMb: number
  readonly networks: 0 | 1
  /** The container runtime that the lab asks for. */
  readonly runtime: string | undefined
}

export type Lack = 'runtime' | 'memory' | 'network'

export interface Room {
  /** All that there is, in MiB, whoever uses it. */
  readonly memoryMb: number
  /** Whether one more class network fits. */
  readonly hasFreeSubnet: boolean
  /** What it has not enough of; empty: the demand can be met. */
  lacks(demand: Demand): readonly Lack[]
}

/** The room of one host; `runtimes` by their names, such as `runc`. */
export function roomOfHost(memoryMb: number, hasFreeSubnet: boolean, runtimes: readonly string[]): Room {
  return {
    memoryMb,
    hasFreeSubnet,
    lacks({ sandboxes, memoryMb: neededMb, usedMb, networks, runtime }) {
      const lacks: Lack[] = []
      if (sandboxes > 0 && runtime !== undefined && !runtimes.includes(runtime)) lacks.push('runtime')
      if (neededMb > 0 && usedMb + neededMb > memoryMb) lacks.push('memory')
      if (networks > 0 && !hasFreeSubnet) lacks.push('network')
      return lacks
    },
  }
}

export const noSubnetAdvice =
  'Every subnet of the pool is in use. Take classes down that have ended, or ask the operator for a larger CLASS_SUBNET_POOL.'
