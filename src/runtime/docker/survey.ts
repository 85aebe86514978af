// What the engine holds of our installation, from three list calls. It inspects nothing but who is unhealthy: an inspection
// waits for any archive that is being read from that container, a list does not.

import type { ContainerSummary, Network, Volume } from '../../../engine-api/index.ts'
import type { ProxyConfig } from '../../config.ts'
import { containerName, foldId, hostName, label, networkName, sameId, volumeName } from '../../names.ts'
import {
  type HeldNetwork,
  type HeldSandbox,
  type HeldSession,
  type SandboxState,
  type SessionIdentity,
  withoutRunner,
} from '../held.ts'
import type { DockerContext } from './context.ts'
import type { HealthLooks } from './health.ts'
import { hostlessOption } from './sandbox-body.ts'

type Labels = Readonly<Record<string, string>>

interface Gathered {
  readonly identity: SessionIdentity
  readonly network: HeldSession['network']
  readonly sandboxes: Map<string, GatheredSandbox>
}

type GatheredSandbox = { -readonly [Member in keyof HeldSandbox]: HeldSandbox[Member] }

/** `known`: sessions by their networks, where those are another engine's to tell. */
export async function surveyDocker(
  context: DockerContext,
  classId: string | undefined,
  known?: readonly HeldSession[],
): Promise<HeldSession[]> {
  const { engine, proxy, health } = context
  const filters = ofInstallation(context)
  const [withNetworks, containers, volumes] = await Promise.all([
    known ?? surveyNetworks(context, classId),
    engine.containers.list({ all: true, filters }),
    engine.volumes.list({ filters }),
  ])
  const sessions = new Map<string, Gathered>()
  const gather = (labels: Labels | null | undefined): Gathered | undefined => {
    const identity = readIdentity(labels ?? {})
    if (!identity || (classId !== undefined && !sameId(identity.classId, classId))) return undefined
    const gathered = sessions.get(keyOf(identity))
    if (gathered) return gathered
    const fresh: Gathered = { identity, network: undefined, sandboxes: new Map() }
    sessions.set(keyOf(identity), fresh)
    return fresh
  }
  for (const { network, sandboxes: _, ...identity } of withNetworks) {
    sessions.set(keyOf(identity), { identity, network, sandboxes: new Map() })
  }
  for (const container of containers) {
    const name = ownName(container)
    if (name !== undefined) addContainer(gather(container.Labels), container, name, proxy)
  }
  for (const volume of volumes) if (isOwnVolume(volume)) addVolume(gather(volume.Labels), volume)
  const gathered = [...sessions.values()].flatMap(({ sandboxes }) => [...sandboxes.values()])
  await Promise.all(gathered.map((sandbox) => correctHealth(health, sandbox)))
  return [...sessions.values()].map(({ identity, network, sandboxes }) => ({
    ...identity,
    network,
    sandboxes: [...sandboxes.values()].sort((a, b) => (foldId(a.studentId) < foldId(b.studentId) ? -1 : 1)),
  }))
}

/** Sessions by their networks alone. */
export async function surveyNetworks(context: DockerContext, classId: string | undefined): Promise<HeldSession[]> {
  const networks = await context.networks.engine.networks.list({ filters: ofInstallation(context) })
  return networks.flatMap((network) => {
    const identity = readIdentity(network.Labels ?? {})
    if (!identity || (classId !== undefined && !sameId(identity.classId, classId))) return []
    return [{ ...identity, network: heldNetwork(network), sandboxes: [] }]
  })
}

const ofInstallation = ({ installation }: DockerContext) => ({ label: [`${label.installation}=${installation}`] })

const keyOf = ({ classId, sessionId }: SessionIdentity): string => `${foldId(classId)}/${sessionId}`

/** Of one that is unhealthy the list says no more. */
async function correctHealth(health: HealthLooks, sandbox: GatheredSandbox): Promise<void> {
  const { id, state } = sandbox
  if (id === undefined) return
  if (state !== 'unhealthy') health.isWell(id)
  else if (!(await health.isIll(id).catch(() => true))) sandbox.state = 'running'
}

/**
 * Undefined for a container of another hand that has our labels: an image made of a sandbox hands them on. One without any
 * name is being removed.
 */
function ownName({ Id, Names, Labels }: ContainerSummary): string | undefined {
  if (!Names?.length) return Id
  const { [label.class]: classId = '', [label.student]: studentId = '', [label.session]: sessionId = '' } = Labels ?? {}
  const own = [containerName(classId, studentId), volumeName(classId, studentId, sessionId)]
  return Names.map((name) => name.replace(/^\//, '')).find((name) => own.includes(name))
}

/** A copy that somebody made with its labels is theirs. */
function isOwnVolume({ Name, Labels }: Volume): boolean {
  const { [label.class]: classId = '', [label.student]: studentId = '', [label.session]: sessionId = '' } = Labels ?? {}
  return Name === volumeName(classId, studentId, sessionId)
}

/** Undefined for a thing that carries our installation but not all of our labels: it was not made by this service. */
function readIdentity(labels: Labels): SessionIdentity | undefined {
  const { [label.class]: classId, [label.session]: sessionId, [label.subject]: subject, [label.lab]: lab } = labels
  const { [label.createdBy]: createdBy, [label.expiresAt]: expiresAt } = labels
  if (!classId || !sessionId || !subject || !lab || createdBy === undefined || expiresAt === undefined) return undefined
  const { [label.store]: id, [label.storeName]: name = '' } = labels
  return { classId, sessionId, subject, lab, createdBy, expiresAt, ...(id ? { store: { id, name } } : {}) }
}

function heldNetwork({ Id: id, Name: name, Driver, Internal: internal, Options, Labels, IPAM }: Network): HeldNetwork {
  // Podman lists no option that it does not know: there the host is in every network. An overlay is on no host.
  const hasHost = Driver === 'bridge' ? Options?.[hostlessOption] !== 'true' : Driver !== 'overlay'
  const rawPackets = Labels?.[label.rawPackets] !== 'false'
  return { id, name, subnet: IPAM.Config?.[0]?.Subnet, internal, hasHost, rawPackets }
}

function addVolume(session: Gathered | undefined, volume: Volume): void {
  const sandbox = session && sandboxOf(session, volume.Labels ?? {})
  if (sandbox) sandbox.files = volume.Name
}

function addContainer(
  session: Gathered | undefined,
  container: ContainerSummary,
  name: string,
  proxy: ProxyConfig,
): void {
  const labels = container.Labels ?? {}
  const sandbox = session && sandboxOf(session, labels)
  if (!sandbox) return
  const { classId, sessionId } = session.identity
  const isRescue = name === volumeName(classId, sandbox.studentId, sessionId)
  // Beside its own container, a rescue container is what an interrupted reading of the volume left.
  if (isRescue && sandbox.id !== undefined) return
  Object.assign(sandbox, {
    id: container.Id,
    name,
    filesOnly: isRescue,
    state: readState(container),
    spec: labels[label.spec] ?? '',
    endpoint: endpointOf(classId, sandbox.studentId, container, proxy),
    server: serverOf(classId, container),
    isDetached: isDetached(session, container),
  } satisfies Partial<HeldSandbox>)
}

/** An engine that lists no networks of a container says nothing of this. One that never ran has a network's name only. */
function isDetached({ identity, network }: Gathered, { NetworkSettings }: ContainerSummary): boolean {
  const attached = NetworkSettings?.Networks
  if (!attached) return false
  const place = placeIn(attached, identity.classId, network)
  if (!network || !place) return true
  // Podman gives the name for the id.
  return !['', undefined, network.id, network.name].includes(place.NetworkID)
}

/** An overlay is named by its id for as long as the container was never in it. */
const placeIn = <Place>(
  attached: Readonly<Record<string, Place>>,
  classId: string,
  network: HeldNetwork | undefined,
): Place | undefined => attached[networkName(classId)] ?? attached[network?.id ?? '']

function sandboxOf(session: Gathered, labels: Labels): GatheredSandbox | undefined {
  const studentId = labels[label.student]
  if (!studentId) return undefined
  const known = session.sandboxes.get(foldId(studentId))
  if (known) return known
  const fresh = withoutRunner({ studentId, files: undefined, collect: labels[label.collect] ?? '' })
  session.sandboxes.set(foldId(studentId), fresh)
  return fresh
}

const containerStates = ['created', 'running', 'paused', 'restarting', 'exited', 'removing', 'dead'] as const

/** The list tells health only in its status text: `Up 3 seconds (health: starting)`, `(healthy)`, `(unhealthy)`. */
export function readState({ State, Status }: ContainerSummary): SandboxState {
  if (State === 'running' && /\(health: starting\)|\(starting\)/.test(Status)) return 'starting'
  if (State === 'running' && /\(unhealthy\)/.test(Status)) return 'unhealthy'
  // Podman says `configured` and `stopped` for what Docker calls `created` and `exited`.
  if (State === 'configured') return 'created'
  return containerStates.find((state) => state === State) ?? 'exited'
}

function endpointOf(
  classId: string,
  studentId: string,
  container: ContainerSummary,
  proxy: ProxyConfig,
): string | undefined {
  if (proxy.container === undefined) {
    const server = serverOf(classId, container)
    return server === undefined ? undefined : `${server}/`
  }
  const scheme = /\bwebsecure\b|\bhttps\b/.test(proxy.entrypoints) ? 'https' : 'http'
  return `${scheme}://${hostName(classId, studentId, proxy.labDomain)}/`
}

function serverOf(classId: string, container: ContainerSummary): string | undefined {
  const address = container.NetworkSettings?.Networks?.[networkName(classId)]?.IPAddress
  const port = container.Labels?.[label.port]
  return address && port ? `http://${address}:${port}` : undefined
}
