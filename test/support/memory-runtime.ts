// The runtime port on an engine in memory, which refuses what an engine refuses: a taken name, the removal of what runs or is in use.

import assert from 'node:assert/strict'
import { freezeCollect, parseFrozenCollect, specHash } from '../../src/catalogue/frozen-lab.ts'
import { containerName, networkName, sameId, volumeName } from '../../src/names.ts'
import type { Contents, LogPiece } from '../../src/runtime/archive.ts'
import { RuntimeError } from '../../src/runtime/errors.ts'
import {
  type HeldSandbox,
  type HeldSession,
  isHalfRemoved,
  type SessionIdentity,
  withoutRunner,
} from '../../src/runtime/held.ts'
import type { SandboxLife } from '../../src/runtime/life.ts'
import type { CommandResult, FrozenSandbox, Runtime, SealedSandbox, SessionPlan } from '../../src/runtime/port.ts'
import { roomOfHost } from '../../src/runtime/room.ts'
import { archiveOf, root, type Thing } from './memory-archive.ts'
import { type MemoryContainer, MemoryEngine, type MemoryVolume, never, up } from './memory-engine.ts'

export const engineGone = (): RuntimeError => new RuntimeError('unavailable', 'The Docker Engine does not answer.')

export class MemoryRuntime extends MemoryEngine implements Runtime {
  async check() {
    await this.before('check')
    return { version: '20.10.24' }
  }

  async engineId() {
    await this.before('engine-id')
    return this.engine
  }

  async room() {
    await this.before('room')
    this.requireProxy()
    return roomOfHost(this.host.memoryMb, this.host.hasFreeSubnet, this.runtimes)
  }

  async image(reference: string) {
    await this.before(`image ${reference}`)
    return this.findImage(reference)
  }

  async lacksImage(reference: string) {
    return (await this.image(reference)) === undefined
  }

  async nodes(images: readonly string[]) {
    await this.before('nodes')
    const host = { id: undefined, name: 'host', state: 'ready', availability: 'active', fault: undefined } as const
    const missingImages = images.filter((image) => this.findImage(image) === undefined)
    return [{ ...host, memoryMb: this.host.memoryMb, missingImages }]
  }

  async pull(reference: string): Promise<void> {
    await this.step(`pull ${reference}`, () =>
      this.images.set(reference, { id: 'sha256:new', digest: '', size: 1, volumes: [] }),
    )
  }

  async survey(classId?: string): Promise<HeldSession[]> {
    return await this.tell(classId, [...this.networks.values(), ...this.containers.values(), ...this.volumes.values()])
  }

  /** The sessions of these things. */
  protected async tell(
    classId: string | undefined,
    things: readonly { readonly session: SessionIdentity }[],
  ): Promise<HeldSession[]> {
    await this.before('survey')
    const sessions = new Map<string, SessionIdentity>()
    for (const { session } of things) {
      if (classId === undefined || sameId(session.classId, classId)) sessions.set(session.sessionId, session)
    }
    return [...sessions.values()].map((session) => ({
      ...session,
      network: this.networkOf(session),
      sandboxes: this.#sandboxesOf(session),
    }))
  }

  networkOf({ classId, sessionId }: SessionIdentity): HeldSession['network'] {
    const network = [...this.networks.values()].find(({ session }) => session.sessionId === sessionId)
    const name = networkName(classId)
    return (
      network && {
        id: network.id,
        name,
        subnet: '10.201.0.0/24',
        internal: network.internal,
        hasHost: true,
        rawPackets: false,
      }
    )
  }

  #sandboxesOf({ sessionId }: SessionIdentity): HeldSandbox[] {
    const ofSession = <T extends { session: SessionIdentity }>(each: T) => each.session.sessionId === sessionId
    const volumes = [...this.volumes.values()].filter(ofSession)
    const containers = [...this.containers.values()].filter(ofSession)
    const students = new Set([...containers, ...volumes].map(({ studentId }) => studentId))
    return [...students].map((studentId) => {
      const container = containers.find((each) => each.studentId === studentId)
      const volume = volumes.find((each) => each.studentId === studentId)
      const collect = container?.collect ?? volume?.collect ?? ''
      const left = withoutRunner({ studentId, files: volume?.name, collect })
      if (!container) return left
      const { id, name, state, spec, isDetached } = container
      const endpoint = `http://10.201.0.2:8080/${studentId}`
      const server = up.includes(state) || state === 'paused' ? 'http://10.201.0.2:8080' : undefined
      return { ...left, id, name, state, endpoint, server, spec, isDetached, filesOnly: name === container.volume }
    })
  }

  async attachProxy(networkIds: readonly string[]) {
    await this.before('proxy')
    this.requireProxy()
    const unattached = new Map<string, unknown>()
    for (const id of networkIds) {
      if (!this.unattached.has(id)) continue
      await this.step(`attach-proxy ${id}`, () => this.unattached.delete(id)).catch((error) =>
        unattached.set(id, error),
      )
    }
    return { ...this.proxyState, unattached }
  }

  async watch(signal: AbortSignal, changed: Parameters<Runtime['watch']>[1]): Promise<void> {
    this.watchers.add(changed)
    signal.addEventListener('abort', () => this.watchers.delete(changed))
  }

  async openNetwork(plan: SessionPlan) {
    const name = networkName(plan.classId)
    this.requireProxy()
    this.refuseForeign('network', name)
    const found = [...this.networks.values()].find(({ session }) => networkName(session.classId) === name)
    const ours = found?.session.sessionId === plan.sessionId ? found : undefined
    if (found && !ours) this.dropNetwork(found.id)
    if (!found && !this.host.hasFreeSubnet) throw new RuntimeError('subnets-exhausted', 'Every subnet is in use.')
    const network = ours ?? {
      id: this.newId('network'),
      session: identityOf(plan),
      internal: !plan.frozenLab.internet,
    }
    if (!ours) await this.step(`create-network ${name}`, () => this.networks.set(network.id, network))
    try {
      await this.step(`attach-proxy ${name}`, () => {})
    } catch (error) {
      if (!ours) this.networks.delete(network.id)
      throw error
    }
    return { id: network.id, name, created: !ours }
  }

  async proveCollection({ lab }: SessionPlan) {
    await this.before('prove')
    if (!this.keepsWrites) return
    throw new RuntimeError('runtime-unfit', `What is written in a sandbox of lab '${lab}' does not come out of it.`)
  }

  async startSandbox(...[plan, studentId, found, contents]: Parameters<Runtime['startSandbox']>) {
    let id: string | undefined
    let madeFiles: string | undefined
    try {
      const held = await this.#withoutRemains(found)
      const state = held?.state ?? 'missing'
      if (held?.id !== undefined && held.spec !== specHash(plan.frozenLab)) throw notOfSession(held.name)
      if (held?.isDetached && state !== 'paused') await this.step(`join ${studentId}`, () => this.#join(plan, held))
      if (state === 'paused') throw new RuntimeError('failed', 'Somebody has paused this sandbox.')
      if (up.includes(state)) return { id: held?.id, madeFiles }
      const volume = volumeName(plan.classId, studentId, plan.sessionId)
      this.refuseForeign('volume', volume)
      if (held?.files === undefined) madeFiles = volume
      await this.#ensureVolume(plan, studentId)
      id = held?.id ?? (await this.#createOwn(plan, studentId))
      if (state === 'missing' || state === 'created') {
        if (contents) await this.#fill(studentId, contents)
        else prepare(this.volume(studentId))
      }
      const started = this.get(id)
      await this.step(`start ${studentId}`, () => {
        if (started.isDetached) throw new RuntimeError('gone', 'network not found')
        if (!up.includes(started.state)) this.start(started)
      })
      return { id, madeFiles }
    } catch (fault) {
      return { id, madeFiles, fault }
    }
  }

  async #withoutRemains(held: HeldSandbox | undefined): Promise<HeldSandbox | undefined> {
    if (held?.id === undefined) return held
    if (!isHalfRemoved(held) && !(held.filesOnly && held.state === 'created')) return held
    await this.removeSandbox(held.id)
    return withoutRunner(held)
  }

  async #createOwn(plan: SessionPlan, studentId: string): Promise<string> {
    const name = containerName(plan.classId, studentId)
    return await this.#createContainer(
      memberOf(plan, studentId),
      name,
      plan.frozenLab.imageId,
      plan.frozenLab.imageDigest,
    )
  }

  #join({ sessionId }: SessionIdentity, { id = '' }: HeldSandbox): void {
    const isOpen = [...this.networks.values()].some(({ session }) => session.sessionId === sessionId)
    if (!isOpen) throw new RuntimeError('gone', 'network not found')
    this.get(id).isDetached = false
  }

  async rehearse(_plan: SessionPlan, contents: Contents) {
    await this.before('rehearse')
    for await (const { type, body } of contents()) {
      if (!['directory', 'file', 'symbolic-link'].includes(type)) {
        throw new RuntimeError('failed', `A ${type} cannot be put into a workspace.`)
      }
      for await (const _ of body);
    }
    return []
  }

  async #fill(studentId: string, contents: Contents): Promise<void> {
    const things: Thing[] = [root]
    for await (const { body, ...entry } of contents()) {
      if (entry.path.length === 0) things[0] = { ...root, mode: entry.mode, mtimeMs: entry.mtimeMs }
      if (entry.path.length === 0) continue
      const chunks: Uint8Array[] = []
      for await (const chunk of body) chunks.push(chunk)
      things.push({ ...entry, ...(entry.type === 'file' ? { body: Buffer.concat(chunks) } : {}) })
    }
    await this.step(`fill ${studentId}`, () => {
      this.volume(studentId).things = things
    })
  }

  async #ensureVolume(plan: SessionPlan, studentId: string): Promise<void> {
    const name = volumeName(plan.classId, studentId, plan.sessionId)
    const collect = JSON.stringify(freezeCollect(plan.frozenLab))
    const volume = { name, session: identityOf(plan), studentId, collect, things: [] }
    if (!this.volumes.has(name)) await this.step(`create-volume ${studentId}`, () => this.volumes.set(name, volume))
  }

  async #createContainer(member: Member, name: string, ...images: (string | undefined)[]): Promise<string> {
    const { session, studentId, spec } = member
    return await this.step(`create-container ${studentId}`, () => {
      this.refuseForeign('container', name)
      const image = images.map((reference) => this.findImage(reference ?? '')).find((each) => each !== undefined)
      if (!image) {
        throw new RuntimeError('image-missing', `The image of lab '${session.lab}' is no longer on the engine.`)
      }
      const taken = [...this.containers.values()].find((each) => each.name === name)
      if (taken?.session.sessionId === session.sessionId && taken.spec === spec) return taken.id
      if (taken) throw notOfSession(name)
      const container: MemoryContainer = {
        ...member,
        id: this.newId('container'),
        name,
        volume: volumeName(session.classId, studentId, session.sessionId),
        imageId: image.id,
        isDetached: false,
        state: 'created',
        startedAt: never,
        finishedAt: never,
        exitCode: 0,
        outOfMemory: false,
        restarts: 0,
        mayRestart: true,
        logs: [],
      }
      this.containers.set(container.id, container)
      return container.id
    })
  }

  async waitReady(_session: SessionIdentity, containerIds: readonly string[]): Promise<Map<string, string>> {
    await this.before('wait-ready')
    const reasons = new Map<string, string>()
    for (const id of containerIds) {
      const state = this.containers.get(id)?.state
      if (state !== 'running') reasons.set(id, `Its container is ${state}.`)
    }
    return reasons
  }

  async recover(session: SessionIdentity, { studentId, collect }: HeldSandbox): Promise<string> {
    const name = volumeName(session.classId, studentId, session.sessionId)
    // Any image will do.
    const [image] = [...this.images.values()]
    const member = { session: identityOf(session), studentId, spec: '', collect }
    return await this.#createContainer(member, name, image?.id ?? '')
  }

  async lifeOf(containerId: string): Promise<SandboxLife> {
    const container = this.get(containerId)
    await this.before(`life ${container.studentId}`)
    const { state, startedAt, finishedAt, exitCode, outOfMemory, restarts } = container
    const lastDeath = { at: finishedAt, exitCode: up.includes(state) ? null : exitCode, outOfMemory }
    return {
      startedAt: startedAt === never ? null : startedAt,
      restarts,
      lastDeath: finishedAt === never ? null : lastDeath,
    }
  }

  async exec(containerId: string, command: readonly string[]): Promise<CommandResult> {
    const { studentId, state } = this.get(containerId)
    if (!up.includes(state)) throw new RuntimeError('failed', 'The engine refused: the container is not running')
    const nothing = new Uint8Array()
    const answer = () => ({ exitCode: 0, stdout: nothing, stderr: nothing, ...this.onExec(studentId, command) })
    return await this.step(`exec ${studentId}`, answer)
  }

  async seal(containerId: string): Promise<SealedSandbox> {
    const container = this.get(containerId)
    return await this.step(`stop ${container.studentId}`, () => {
      refuseHalfRemoved(container)
      container.mayRestart = false
      if (up.includes(container.state)) this.exit(container, 143)
      return sealedOf(container)
    })
  }

  async freeze(containerId: string): Promise<FrozenSandbox> {
    const container = this.get(containerId)
    return await this.step(`freeze ${container.studentId}`, () => {
      if (!up.includes(container.state)) throw new RuntimeError('failed', 'The engine refused: it does not run')
      container.state = 'paused'
      return { ...factsOf(container), finishedAt: null, exitCode: null }
    })
  }

  async thaw(containerId: string): Promise<void> {
    const container = this.containers.get(containerId)
    if (container?.state !== 'paused') return
    await this.step(`thaw ${container.studentId}`, () => {
      container.state = 'running'
    })
  }

  async inspectSealed(containerId: string): Promise<SealedSandbox> {
    const container = this.get(containerId)
    return await this.step(`inspect ${container.studentId}`, () => sealedOf(container))
  }

  async *archive(containerId: string, workspace: string, signal: AbortSignal) {
    const container = this.containers.get(containerId)
    if (!container) throw notThere()
    assert(
      container.state === 'paused' || (!up.includes(container.state) && !container.mayRestart),
      'an archive is taken only of what stands still',
    )
    await this.step(`archive ${container.studentId}`, () => refuseHalfRemoved(container))
    const volume = this.volumes.get(container.volume)
    if (volume && container.startedAt === never && container.name !== container.volume) prepare(volume)
    const isWhere = parseFrozenCollect(container.collect)?.workspace ?? workspace
    if (!volume?.things.length || workspace !== isWhere) throw notThere()
    yield* archiveOf(volume.things, () => signal.throwIfAborted())
  }

  async *logs(containerId: string, _signal?: AbortSignal, last?: number): AsyncGenerator<LogPiece> {
    const container = this.get(containerId)
    await this.step(`logs ${container.studentId}`, () => {})
    yield* last === undefined ? container.logs : container.logs.slice(-last)
  }

  async removeSandbox(containerId: string): Promise<void> {
    const container = this.containers.get(containerId)
    if (!container) return
    await this.step(`remove-container ${container.studentId}`, () => {
      if (up.includes(container.state)) throw new RuntimeError('running', 'The sandbox runs.')
      this.containers.delete(containerId)
    })
  }

  async removeFiles(name: string): Promise<void> {
    const volume = this.volumes.get(name)
    if (!volume) return
    await this.step(`remove-volume ${volume.studentId}`, () => {
      const inUse = [...this.containers.values()].some((container) => container.volume === name)
      if (inUse) throw new RuntimeError('failed', 'The engine refused: volume is in use')
      this.volumes.delete(name)
    })
  }

  async closeNetwork(networkId: string): Promise<void> {
    const network = this.networks.get(networkId)
    if (!network) return
    await this.step(`close-network ${networkName(network.session.classId)}`, () => {
      const inUse = this.containersIn(networkId).some(({ state }) => up.includes(state))
      if (inUse || this.entered.has(networkId)) {
        throw new RuntimeError('failed', 'The engine refused: network has active endpoints')
      }
      this.dropNetwork(networkId)
    })
  }

  async close(): Promise<void> {}
}

function refuseHalfRemoved({ state }: MemoryContainer): void {
  const isHalf = state === 'removing' || state === 'dead'
  if (isHalf) throw new RuntimeError('failed', 'The engine refused: the container is marked for removal')
}

const notThere = (): RuntimeError => new RuntimeError('archive', 'The workspace is not on the engine.')

const notOfSession = (name = ''): RuntimeError =>
  new RuntimeError('name-taken', `A container named ${name} exists that this session did not make.`)

function prepare(volume: MemoryVolume): void {
  if (volume.things.length === 0) volume.things.push(root)
}

type Member = Pick<MemoryContainer, 'session' | 'studentId' | 'spec' | 'collect'>

const memberOf = (plan: SessionPlan, studentId: string): Member => ({
  session: identityOf(plan),
  studentId,
  spec: specHash(plan.frozenLab),
  collect: JSON.stringify(freezeCollect(plan.frozenLab)),
})

const identityOf = ({
  classId,
  sessionId,
  subject,
  lab,
  createdBy,
  expiresAt,
  store,
}: SessionIdentity): SessionIdentity => ({
  classId,
  sessionId,
  subject,
  lab,
  createdBy,
  expiresAt,
  ...(store ? { store } : {}),
})

function sealedOf(container: MemoryContainer): SealedSandbox {
  if (up.includes(container.state)) throw new RuntimeError('running', 'The sandbox runs, though it was stopped.')
  return factsOf(container)
}

const factsOf = ({ id, startedAt, finishedAt, exitCode, imageId }: MemoryContainer): SealedSandbox => ({
  id,
  startedAt,
  finishedAt,
  exitCode,
  outOfMemory: false,
  imageId,
})
