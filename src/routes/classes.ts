// What is up, from the engine's lists alone: a store that hangs cannot delay the answer.

import { identityOf, mayActOn } from '../auth/access.ts'
import type { Catalogue } from '../catalogue.ts'
import { asProblem } from '../classes/context.ts'
import { newestHeldFirst } from '../classes/session-order.ts'
import { knownIdentity, otherStoreDetail } from '../classes/store-identity.ts'
import { foldId } from '../names.ts'
import type { Operations } from '../operations.ts'
import { isolationOf } from '../runtime/isolation.ts'
import type { ContainerState, HeldSession, Runtime } from '../runtime/port.ts'
import type { Store } from '../store/port.ts'
import type { ClassDetails, ClassSummary } from './answers.ts'
import type { App } from './app-type.ts'
import { ClassParams } from './schemas.ts'

export interface ClassDependencies {
  readonly runtime: Runtime
  readonly store: Store
  readonly operations: Operations
  readonly expiries: ReadonlyMap<string, string>
  currentCatalogue(): Promise<Catalogue>
}

export function registerClasses(
  app: App,
  { runtime, store, operations, expiries, currentCatalogue }: ClassDependencies,
): void {
  app.get('/room/classes', async (request) => {
    const catalogue = await currentCatalogue()
    // The newest of a class comes last, so that it is the one that stays in the map.
    const oldestFirst = (await survey()).toReversed()
    const held = new Map(oldestFirst.map((session) => [foldId(session.classId), session]))
    const known = catalogue.classes.map(({ classId }) => classId)
    const orphans = [...held.values()]
      .filter(({ classId }) => !catalogue.hasClass(classId))
      .map(({ classId }) => classId)
    const identity = identityOf(request)
    const shown = [...known, ...orphans].filter((classId) => mayActOn(identity, catalogue, classId))
    return { classes: shown.map((classId) => summary(classId, held.get(foldId(classId)))) }
  })

  app.get('/room/classes/:classId', { schema: { params: ClassParams } }, async (request): Promise<ClassDetails> => {
    const { classId } = request.params
    const catalogue = await currentCatalogue()
    const [held] = await survey(classId)
    if (!held) {
      const ofClass = catalogue.findClass(classId)
      const { subject, lab } = ofClass
      return { ...summary(ofClass.classId, undefined), subject, lab, isolation: null, sandboxes: [] }
    }
    const { subject, lab, createdBy } = held
    const isolation = held.network ? isolationOf(held.network) : null
    const sandboxes = held.sandboxes.map(describeSandbox)
    return { ...summary(held.classId, held), subject, lab, createdBy, isolation, sandboxes }
  })

  /** Newest session first. */
  async function survey(classId?: string): Promise<HeldSession[]> {
    try {
      return newestHeldFirst(await runtime.survey(classId))
    } catch (error) {
      throw asProblem(error, 'engine-unavailable')
    }
  }

  function summary(classId: string, held: HeldSession | undefined): ClassSummary {
    const running = held?.sandboxes.filter(({ container }) => container && lives.has(container.state)).length ?? 0
    return {
      classId,
      state: stateOf(held, running),
      sessionId: held?.sessionId ?? null,
      network: held?.network?.name ?? null,
      subnet: held?.network?.subnet ?? null,
      expiresAt: held ? (expiries.get(held.sessionId) ?? held.expiresAt) : null,
      students: { total: held?.sandboxes.length ?? 0, running },
      ...(held ? problemOf(held) : {}),
      operation: operations.runningFor(classId)?.view() ?? null,
    }
  }

  /** By what is known of the store without asking it. A record that was read here says that the session is of this store. */
  function problemOf(held: HeldSession): Pick<ClassSummary, 'problem'> {
    const here = knownIdentity(store)
    if (!here || !held.store || held.store.id === here.id) return {}
    if (held.sandboxes.length === 0 || expiries.has(held.sessionId)) return {}
    return { problem: { code: 'store-changed', detail: otherStoreDetail(held, here) } }
  }
}

/** Its processes are there: they start, are unhealthy, or stand still while a collection reads. */
const lives: ReadonlySet<ContainerState> = new Set(['running', 'starting', 'unhealthy', 'paused'])

/** `stopped`: nothing runs, but sandboxes are kept, after a down that could not finish or a host that was restarted. */
function stateOf(held: HeldSession | undefined, running: number): 'down' | 'up' | 'up-partial' | 'stopped' {
  if (!held) return 'down'
  if (running === 0) return 'stopped'
  return running === held.sandboxes.length ? 'up' : 'up-partial'
}

const describeSandbox = ({ studentId, container, volume }: HeldSession['sandboxes'][number]) => ({
  studentId,
  state: container?.state ?? 'missing',
  containerId: container?.id ?? null,
  containerName: container?.name ?? null,
  endpoint: container?.endpoint ?? null,
  volume: volume ?? null,
})
