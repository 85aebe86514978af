// What every part of the Docker runtime works with.

import type { Engine } from '../../../engine-api/index.ts'
import type { SubnetConfig } from '../../config/ranges.ts'
import type { ProxyConfig } from '../../config.ts'
import type { HealthLooks } from './health.ts'
import type { Proofs } from './proofs.ts'

/** Who has the networks: on one host the engine itself, of several nodes the manager's. */
export interface NetworkSide {
  readonly engine: Engine
  /** An overlay spans the nodes, and each knows it by its id alone until something on it is in it. */
  readonly driver: 'bridge' | 'overlay'
}

export interface DockerContext {
  readonly engine: Engine
  readonly networks: NetworkSide
  readonly installation: string
  readonly proxy: ProxyConfig
  readonly subnets: SubnetConfig
  /** Subnets that a network is being created with right now, so that two classes at once do not try the same one. */
  readonly reservedSubnets: Set<string>
  /** Subnets of networks that were removed, and when (milliseconds of a clock that never goes back). */
  readonly givenUpSubnets: Map<string, number>
  readonly health: HealthLooks
  readonly proofs: Proofs
}
