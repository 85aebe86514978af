// A Swarm as a fleet: its manager's engine has the nodes and the networks, and each node's own engine what is on that node. Sandboxes
// are containers of their node, never services: those a Swarm ends by force, and moves to another node without their files.

import { createEngine, type Engine, type SwarmNode } from '../../../engine-api/index.ts'
import type { FleetMember, Manager, NodeRuntime } from '../fleet/ports.ts'
import { createFleetRuntime, type FleetParts } from '../fleet/runtime.ts'
import type { Runtime } from '../port.ts'
import { translated } from './errors.ts'
import { closeNetwork, hasFreeSubnet, openNetwork } from './network.ts'
import { clearProof } from './prove.ts'
import { readResources } from './resources.ts'
import { reviveContainers } from './revive.ts'
import { contextOf, type DockerSettings, runtimeOn, type SharedNetworks, versionOf } from './runtime.ts'
import { surveyDocker, surveyNetworks } from './survey.ts'

type EngineOptions = Parameters<typeof createEngine>[0]

/** `urlTemplate`: where a node's engine is, with `{addr}` for its address. `manager` are the options of the manager's. */
export function createSwarmRuntime(
  manager: EngineOptions,
  urlTemplate: string,
  settings: DockerSettings,
  { placements, log, onNodeCall }: Pick<FleetParts, 'placements' | 'log'> & NodeCalls,
): Runtime {
  const engine = createEngine(withFittingTls(manager))
  const networks = { engine, driver: 'overlay', reservedSubnets: new Set<string>(), givenUpSubnets: new Map() } as const
  return createFleetRuntime({
    manager: managerOn(engine, settings, networks),
    openNode: ({ address }) => {
      const host = urlTemplate.replaceAll('{addr}', address.includes(':') ? `[${address}]` : address)
      return nodeOn(createEngine(withFittingTls({ ...manager, host, onCall: onNodeCall?.(host) })), settings, networks)
    },
    placements,
    hasProxy: settings.proxy.container !== undefined,
    log,
  })
}

/** The manager may be the host that the service is on, whose socket needs no certificate. */
function withFittingTls({ certPath, ...options }: EngineOptions): EngineOptions {
  return certPath === undefined || !options.host.startsWith('tcp:') ? options : { ...options, certPath }
}

interface NodeCalls {
  /** The observer of the calls of the engine at this address. */
  readonly onNodeCall?: (host: string) => EngineOptions['onCall']
}

function managerOn(engine: Engine, settings: DockerSettings, networks: SharedNetworks): Manager {
  const context = contextOf(engine, settings, networks)
  return {
    check: () => translated(versionOf(engine)),
    engineId: () => translated(engine.system.info().then(({ Swarm }) => Swarm?.Cluster?.ID)),
    members: async () => (await translated(engine.nodes.list())).map(memberOf),
    sessions: (classId) => translated(surveyNetworks(context, classId)),
    hasFreeSubnet: () => translated(hasFreeSubnet(context)),
    // Without a proxy: one that there is is on a node, which then does this.
    openNetwork: (plan) => translated(openNetwork(context, plan)),
    closeNetwork: (id) => translated(closeNetwork(context, id)),
    close: () => engine.close(),
  }
}

function nodeOn(engine: Engine, settings: DockerSettings, networks: SharedNetworks): NodeRuntime {
  const context = contextOf(engine, settings, networks)
  return {
    ...runtimeOn(context),
    identify: () => translated(engine.system.info().then(({ Swarm }) => Swarm?.NodeID)),
    resources: () => translated(readResources(context)),
    holds: (sessions, classId) => translated(surveyDocker(context, classId, sessions)),
    clearProof: (classId) => translated(clearProof(context, classId)),
    revive: (ids) => translated(reviveContainers(context, ids)),
  }
}

function memberOf({ ID: id, Spec, Description, Status, ManagerStatus }: SwarmNode): FleetMember {
  const { Hostname: name = id } = Description
  // A manager that listens everywhere may not know its own address as a node.
  const isNowhere = Status.Addr === '' || Status.Addr === '0.0.0.0'
  const address = isNowhere ? (ManagerStatus?.Addr.replace(/:\d+$/, '') ?? Status.Addr) : Status.Addr
  return { id, name, address, state: Status.State, availability: Spec.Availability }
}
