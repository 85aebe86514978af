// The runtime port on one Docker Engine. Each method is one line to its part; errors leave in the port's words.

import { createEngine, type Engine, isEngineError } from '../../../engine-api/index.ts'
import type { NodeRuntime } from '../fleet/ports.ts'
import type { ImageFacts, Runtime } from '../port.ts'
import { archiveSandbox } from './archive.ts'
import type { DockerContext } from './context.ts'
import { translated, translatedEach } from './errors.ts'
import { HealthLooks } from './health.ts'
import { createEngineId } from './identity.ts'
import { lifeOf } from './life.ts'
import { readLogs } from './logs.ts'
import { attachProxy, closeNetwork, openNetwork, readRoom } from './network.ts'
import { Proofs } from './proofs.ts'
import { proveCollection } from './prove.ts'
import { waitReady } from './ready.ts'
import { removeContainer, removeVolume } from './remove.ts'
import { rescueVolume } from './rescue.ts'
import { readHost } from './resources.ts'
import { asSealed, freezeSandbox, sealSandbox } from './seal.ts'
import { startSandbox } from './start.ts'
import { surveyDocker } from './survey.ts'
import { watchEngine } from './watch.ts'
import { rehearseContents } from './workspace.ts'

type FleetCalls = Pick<NodeRuntime, 'identify' | 'resources' | 'holds' | 'clearProof' | 'revive'>

export type DockerSettings = Pick<DockerContext, 'installation' | 'proxy' | 'subnets'>

/** `engineOptions` are those of the engine client: host, TLS folder, observer. */
export function createDockerRuntime(
  engineOptions: Parameters<typeof createEngine>[0],
  settings: DockerSettings,
): Runtime {
  const engine = createEngine(engineOptions)
  const networks = { engine, driver: 'bridge', reservedSubnets: new Set<string>(), givenUpSubnets: new Map() } as const
  const context = contextOf(engine, settings, networks)
  const engineId = createEngineId(() => engine.system.info())

  return {
    ...runtimeOn(context),
    check: () => translated(versionOf(engine)),
    engineId: () => translated(engineId()),
    room: () => translated(readRoom(context)),
    lacksImage: (reference) => translated(lacksImage(engine, reference)),
    nodes: async (images) => [await translated(readHost(context, images, (each) => lacksImage(engine, each)))],
    survey: (classId) => translated(surveyDocker(context, classId)),
  }
}

/** What the nodes of a Swarm have in common, their manager's engine among it. */
export type SharedNetworks = Pick<DockerContext, 'reservedSubnets' | 'givenUpSubnets'> & DockerContext['networks']

export function contextOf(
  engine: Engine,
  settings: DockerSettings,
  { reservedSubnets, givenUpSubnets, ...networks }: SharedNetworks,
): DockerContext {
  const own = { health: new HealthLooks(engine), proofs: new Proofs() }
  return { ...settings, engine, networks, reservedSubnets, givenUpSubnets, ...own }
}

export const versionOf = async (engine: Engine): Promise<{ readonly version: string }> => ({
  version: (await engine.system.info()).ServerVersion,
})

/** What is asked of one engine, whether it is alone or a node of several. */
export function runtimeOn(context: DockerContext): Omit<NodeRuntime, keyof FleetCalls> {
  const { engine } = context
  return {
    image: (reference) => translated(findImage(engine, reference)),
    pull: (reference, signal) => translated(engine.images.pull(withTag(reference), signal ? { signal } : {})),
    openNetwork: (plan) => translated(openNetwork(context, plan)),
    proveCollection: (plan, signal) => translated(proveCollection(context, plan, signal)),
    watch: (...listener) => watchEngine(context, ...listener),
    attachProxy: (networkIds) => translated(attachProxy(context, networkIds)),
    startSandbox: (...sandbox) => startSandbox(context, ...sandbox),
    rehearse: (plan, contents) => translated(rehearseContents(plan.frozenLab.workspace, contents)),
    waitReady: (session, ids, signal) => translated(waitReady(context, session, ids, signal)),
    recover: (...files) => translated(rescueVolume(context, ...files)),
    exec: (id, command, timeoutMs) =>
      translated(engine.exec.run(id, { command, timeoutMs, maxOutputBytes: 1024 * 1024 })),
    lifeOf: (id) => translated(lifeOf(context, id)),
    seal: (id, graceSeconds) => translated(sealSandbox(context, id, graceSeconds)),
    inspectSealed: (id) => translated(engine.containers.inspect(id).then(asSealed)),
    freeze: (id) => translated(freezeSandbox(context, id)),
    thaw: (id) => translated(engine.containers.unpause(id).then(() => undefined)),
    archive: (id, workspace, signal) => archiveSandbox(context, id, workspace, signal),
    logs: (id, signal, last) => translatedEach(readLogs(context, id, signal, last)),
    removeSandbox: (id) => translated(removeContainer(context, id)),
    removeFiles: (name) => translated(removeVolume(context, name)),
    closeNetwork: (id) => translated(closeNetwork(context, id)),
    close: () => engine.close(),
  }
}

async function findImage(engine: Engine, reference: string): Promise<ImageFacts | undefined> {
  try {
    const { Id, RepoDigests, Size, Config } = await engine.images.inspect(reference)
    return { id: Id, digest: RepoDigests?.[0], size: Size, volumes: Object.keys(Config?.Volumes ?? {}) }
  } catch (error) {
    if (isEngineError(error, 'not-found')) return undefined
    throw error
  }
}

const lacksImage = async (engine: Engine, reference: string): Promise<boolean> =>
  (await findImage(engine, reference)) === undefined

/** As the docker command does: `busybox` means `busybox:latest`, not every tag of the repository. */
const withTag = (reference: string): string => (/[:@][^/]+$/.test(reference) ? reference : `${reference}:latest`)
