// The runtime port on several hosts: one runtime a node behind it, and a manager that has the networks. What is asked by the id of a
// sandbox, or of its files, goes to the node that has it. A node that cannot be asked has whatever nobody else has.

import type { Logger } from 'pino'
import { RuntimeError } from '../errors.ts'
import type { HeldSession } from '../held.ts'
import type { ProxyState, Runtime, SessionPlan } from '../port.ts'
import { sum } from '../room.ts'
import { findSeat } from '../seats.ts'
import { Members } from './members.ts'
import type { FleetNode } from './node.ts'
import { place } from './place.ts'
import type { FleetMember, Manager, NodeRuntime, Placements } from './ports.ts'
import { startOn } from './start.ts'
import { missingImages, nodeState, openNodes } from './state.ts'
import { gather } from './survey.ts'

export interface FleetParts {
  readonly manager: Manager
  openNode(member: FleetMember): NodeRuntime
  readonly placements: Placements
  /** Whether the service is set up with a proxy: it is on one of the nodes. */
  readonly hasProxy: boolean
  readonly log: Logger
}

export function createFleetRuntime({ manager, openNode, placements, hasProxy, log }: FleetParts): Runtime {
  const members = new Members(manager, openNode, log)
  const { nodes } = members
  /** `session/node`: where it is not proven yet that work comes out. */
  const unproven = new Set<string>()
  let proxyAt: string | undefined

  async function survey(classId?: string): Promise<HeldSession[]> {
    const [all, sessions] = await Promise.all([members.refresh(), manager.sessions(classId)])
    // Without the store nothing is removed, and who is placed where is asked again below.
    const seatsOf = (session: HeldSession) => placements(session.classId, session.sessionId).catch(() => [])
    await Promise.all(all.map((node) => node.survey(sessions, classId, seatsOf)))
    return await gather(sessions, nodes, placements, classId)
  }

  /** Undefined where all nodes were asked and none has it. RuntimeError 'unreachable' where one that cannot be asked may have it. */
  async function find(thing: string): Promise<FleetNode | undefined> {
    const known = nodeWith(thing)
    if (known) return known
    await survey()
    const found = nodeWith(thing)
    const silent = [...nodes.values()].find(({ fault }) => fault)
    if (!found && silent?.fault) throw silent.fault
    return found
  }

  const nodeWith = (thing: string): FleetNode | undefined => [...nodes.values()].find((node) => node.has(thing))

  async function at<T>(id: string, work: (runtime: NodeRuntime) => Promise<T>): Promise<T> {
    const node = await find(id)
    if (!node) throw gone()
    return await node.ask(work)
  }

  async function* each<T>(id: string, read: (runtime: NodeRuntime) => AsyncIterable<T>): AsyncGenerator<T> {
    const node = await find(id)
    if (!node) throw gone()
    yield* node.each(read)
  }

  async function* archive(...[id, workspace, signal]: Parameters<Runtime['archive']>): ReturnType<Runtime['archive']> {
    const node = await find(id)
    if (!node) throw new RuntimeError('archive', gone().message)
    for await (const entry of node.each((runtime) => runtime.archive(id, workspace, signal))) {
      yield { ...entry, body: node.each(() => entry.body) }
    }
  }

  /** Already gone is fine. */
  async function remove(thing: string, work: (runtime: NodeRuntime) => Promise<void>): Promise<void> {
    const node = await find(thing)
    await node?.ask(work)
    node?.drop(thing)
  }

  /** The node that has the proxy; undefined where the service is set up without one. RuntimeError 'proxy-missing'. */
  async function findProxy(): Promise<FleetNode | undefined> {
    if (!hasProxy) return undefined
    const all = await members.refresh()
    const last = all.find(({ member }) => member.id === proxyAt)
    for (const node of last ? [last, ...all] : all) {
      const isThere = await node.look((runtime) => runtime.attachProxy([])).catch(unlessMissing)
      if (!isThere) continue
      proxyAt = node.member.id
      return node
    }
    const silent = all.find(({ fault }) => fault)
    throw silent?.fault ?? new RuntimeError('proxy-missing', noProxy)
  }

  async function attachProxy(ids: readonly string[]): Promise<ProxyState | undefined> {
    const node = await findProxy()
    return await node?.ask((runtime) => runtime.attachProxy(ids))
  }

  async function openNetwork(plan: SessionPlan): ReturnType<Runtime['openNetwork']> {
    const node = await findProxy()
    return node ? await node.ask((runtime) => runtime.openNetwork(plan)) : await manager.openNetwork(plan)
  }

  async function closeNetwork(id: string): Promise<void> {
    const session = (await manager.sessions()).find(({ network }) => network?.id === id)
    // What of a proof is left elsewhere is in no network.
    if (session)
      await Promise.allSettled(reachable().map((node) => node.ask((each) => each.clearProof(session.classId))))
    const node = await findProxy().catch(() => undefined)
    if (node) await node.ask((runtime) => runtime.closeNetwork(id))
    else await manager.closeNetwork(id)
  }

  const reachable = (): FleetNode[] => [...nodes.values()].filter(({ fault }) => !fault)

  /** Where nobody can be asked now, whoever is placed there fails at the start. */
  async function proveCollection(plan: SessionPlan, signal: AbortSignal): Promise<void> {
    await members.refresh()
    const ids = [...new Set(plan.seats?.flatMap(({ node, givenUp }) => (givenUp ? [] : (node ?? []))))]
    await Promise.all(
      ids.map(async (id) => {
        const key = `${plan.sessionId}/${id}`
        unproven.add(key)
        const proof = nodes.get(id)?.ask((runtime) => runtime.proveCollection(plan, signal))
        if (!proof) return
        const isProven = await proof.then(() => true, unlessUnreachable)
        if (isProven) unproven.delete(key)
      }),
    )
  }

  return {
    check: () => manager.check(),
    engineId: () => manager.engineId(),
    async room() {
      const [all, hasFreeSubnet] = await Promise.all([members.refresh(), manager.hasFreeSubnet(), findProxy()])
      const rooms = await openNodes(all)
      const memoryMb = sum(rooms.filter(({ isOpen }) => isOpen).map((each) => each.memoryMb))
      return { memoryMb, hasFreeSubnet, place: (demand) => place(rooms, hasFreeSubnet, demand) }
    },
    async nodes(images) {
      return await Promise.all((await members.refresh()).map((node) => nodeState(node, images)))
    },
    async image(reference) {
      const all = await members.refresh()
      const found = await Promise.all(
        all.map((node) => node.look((each) => each.image(reference)).catch(unlessUnreachable)),
      )
      return found.find((image) => image !== undefined)
    },
    async lacksImage(reference) {
      const all = await members.refresh()
      const missing = await Promise.all(all.map((node) => missingImages(node, [reference])))
      return missing.flat().includes(reference)
    },
    async pull(reference, signal) {
      const all = (await members.refresh()).filter(({ fault }) => !fault)
      const pulls = await Promise.allSettled(all.map((node) => node.ask((each) => each.pull(reference, signal))))
      const failed = pulls.find((pull) => pull.status === 'rejected')
      if (failed) throw failed.reason
    },
    survey,
    openNetwork,
    proveCollection,
    attachProxy,
    async watch(signal, changed) {
      members.watch(signal, changed)
    },
    async startSandbox(plan, studentId, held, contents) {
      const node = nodes.get(findSeat(plan.seats, studentId)?.node ?? '')
      const isProven = !unproven.has(`${plan.sessionId}/${node?.member.id}`)
      return await startOn(node, isProven, plan, studentId, held, contents)
    },
    async rehearse(plan, contents) {
      const [node] = reachable()
      if (!node) throw new RuntimeError('unavailable', 'No node can be asked. Ask the operator to look at the nodes.')
      return await node.ask((runtime) => runtime.rehearse(plan, contents))
    },
    async waitReady(session, ids, signal) {
      const reasons = new Map<string, string>()
      const ofNode = new Map<FleetNode, string[]>()
      for (const id of ids) {
        const node = nodeWith(id)
        if (node) ofNode.set(node, [...(ofNode.get(node) ?? []), id])
        else reasons.set(id, 'It was removed by another hand.')
      }
      await Promise.all(
        [...ofNode].map(async ([node, some]) => {
          const found = await node
            .ask((runtime) => runtime.waitReady(session, some, signal))
            .catch((error: unknown) => {
              if (error instanceof RuntimeError && error.code === 'unreachable')
                return new Map(some.map((id) => [id, error.message]))
              throw error
            })
          for (const [id, reason] of found) reasons.set(id, reason)
        }),
      )
      return reasons
    },
    async recover(session, sandbox, workspace, imageId) {
      const node = await find(sandbox.files ?? '')
      if (!node) throw gone()
      const id = await node.ask((runtime) => runtime.recover(session, sandbox, workspace, imageId))
      node.keep({ ...session, network: undefined, sandboxes: [] }, { ...sandbox, id })
      return id
    },
    lifeOf: (id) => at(id, (runtime) => runtime.lifeOf(id)),
    exec: (id, command, timeoutMs) => at(id, (runtime) => runtime.exec(id, command, timeoutMs)),
    seal: (id, graceSeconds) => at(id, (runtime) => runtime.seal(id, graceSeconds)),
    inspectSealed: (id) => at(id, (runtime) => runtime.inspectSealed(id)),
    freeze: (id) => at(id, (runtime) => runtime.freeze(id)),
    thaw: (id) => at(id, (runtime) => runtime.thaw(id)),
    archive,
    logs: (id, signal, last) => each(id, (runtime) => runtime.logs(id, signal, last)),
    removeSandbox: (id) => remove(id, (runtime) => runtime.removeSandbox(id)),
    removeFiles: (files) => remove(files, (runtime) => runtime.removeFiles(files)),
    closeNetwork,
    async close() {
      await Promise.all([members.close(), manager.close()])
    },
  }
}

const gone = (): RuntimeError => new RuntimeError('gone', 'No node has such a sandbox any more.')

const noProxy =
  'The Traefik container that the service is set up with is on no node. Ask the operator to start it or to correct TRAEFIK_CONTAINER.'

function unlessMissing(error: unknown): undefined {
  if (error instanceof RuntimeError && error.code === 'proxy-missing') return undefined
  return unlessUnreachable(error)
}

function unlessUnreachable(error: unknown): undefined {
  if (error instanceof RuntimeError && error.code === 'unreachable') return undefined
  throw error
}
