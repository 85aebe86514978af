// What is up, from the engine's lists and what is remembered of the records: a store that hangs cannot delay the answer.

import type { Catalogue } from '../../catalogue/catalogue.ts'
import { asProblem } from '../../classes/context.ts'
import { foldId } from '../../names.ts'
import type { Operations } from '../../operations/operations.ts'
import { isolationOf } from '../../runtime/isolation.ts'
import type { ContainerState, HeldSession, Runtime } from '../../runtime/port.ts'
import { newestHeldFirst } from '../../sessions/find.ts'
import { rememberedSession } from '../../sessions/remembered.ts'
import { knownIdentity, otherStoreDetail } from '../../sessions/store-identity.ts'
import type { Store } from '../../store/port.ts'
import type { ClassDetails, ClassSummary } from '../answers.ts'
import type { App } from '../app-type.ts'
import { identityOf, mayActOn } from '../auth/access.ts'
import { ClassParams } from '../schemas.ts'

export interface ClassDependencies {
  readonly runtime: Runtime
  readonly store: Store
  readonly operations: Operations
  currentCatalogue(): Promise<Catalogue>
}

export function registerClasses(app: App, { runtime, store, operations, currentCatalogue }: ClassDependencies): void {
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
    return { classes: shown.map((classId) => summary(catalogue, classId, held.get(foldId(classId)))) }
  })

  app.get('/room/classes/:classId', { schema: { params: ClassParams } }, async (request): Promise<ClassDetails> => {
    const { classId } = request.params
    const catalogue = await currentCatalogue()
    const [held] = await survey(classId)
    if (!held) {
      const ofClass = catalogue.findClass(classId)
      const { subject, lab } = ofClass
      return { ...summary(catalogue, ofClass.classId, undefined), subject, lab, isolation: null, sandboxes: [] }
    }
    const { subject, lab, createdBy } = held
    const isolation = held.network ? isolationOf(held.network) : null
    const shown = summary(catalogue, held.classId, held)
    const sandboxes = [...held.sandboxes.map(describeSandbox), ...shown.students.missing.map(describeMissing)]
    return { ...shown, subject, lab, createdBy, isolation, sandboxes }
  })

  /** Newest session first. */
  async function survey(classId?: string): Promise<HeldSession[]> {
    try {
      return newestHeldFirst(await runtime.survey(classId))
    } catch (error) {
      throw asProblem(error, 'engine-unavailable')
    }
  }

  function summary(catalogue: Catalogue, classId: string, held: HeldSession | undefined): ClassSummary {
    const students = countStudents(catalogue, classId, held)
    return {
      classId,
      state: stateOf(held, students),
      sessionId: held?.sessionId ?? null,
      network: held?.network?.name ?? null,
      subnet: held?.network?.subnet ?? null,
      expiresAt: held ? (rememberedSession(store, held.sessionId)?.expiresAt ?? held.expiresAt) : null,
      students,
      ...(held ? problemOf(held) : {}),
      operation: operations.runningFor(classId)?.view() ?? null,
    }
  }

  /** Against those whom the session has, and not only those whom the engine still holds. */
  function countStudents(catalogue: Catalogue, classId: string, held: HeldSession | undefined) {
    const roster = catalogue.hasClass(classId) ? catalogue.findClass(classId).students : []
    if (!held) return { total: 0, running: 0, missing: [], roster: roster.length, absent: [] }
    const present = held.sandboxes.map(({ studentId }) => studentId)
    const missing = without(rememberedSession(store, held.sessionId)?.students ?? [], present)
    const running = held.sandboxes.filter(({ container }) => container && lives.has(container.state)).length
    const absent = without(roster, [...present, ...missing])
    return { total: present.length + missing.length, running, missing, roster: roster.length, absent }
  }

  /** By what is known of the store without asking it. A record that was read here says that the session is of this store. */
  function problemOf(held: HeldSession): Pick<ClassSummary, 'problem'> {
    const here = knownIdentity(store)
    if (!here || !held.store || held.store.id === here.id) return {}
    if (held.sandboxes.length === 0 || rememberedSession(store, held.sessionId)) return {}
    return { problem: { code: 'store-changed', detail: otherStoreDetail(held, here) } }
  }
}

/** Its processes are there: they start, are unhealthy, or stand still while a collection reads. */
const lives: ReadonlySet<ContainerState> = new Set(['running', 'starting', 'unhealthy', 'paused'])

/** `stopped`: nothing runs, but sandboxes are kept, after a down that could not finish or a host that was restarted. */
function stateOf(
  held: HeldSession | undefined,
  { running, total }: ClassSummary['students'],
): 'down' | 'up' | 'up-partial' | 'stopped' {
  if (!held) return 'down'
  if (running === 0) return 'stopped'
  return running === total ? 'up' : 'up-partial'
}

/** Each once; ids are compared without case. */
function without(ids: readonly string[], others: readonly string[]): string[] {
  const excluded = new Set(others.map(foldId))
  return [...new Map(ids.map((id) => [foldId(id), id]))].filter(([id]) => !excluded.has(id)).map(([, id]) => id)
}

const describeMissing = (studentId: string) => ({
  studentId,
  state: 'missing',
  containerId: null,
  containerName: null,
  endpoint: null,
  volume: null,
})

const describeSandbox = ({ studentId, container, volume }: HeldSession['sandboxes'][number]) => ({
  studentId,
  state: container?.state ?? 'missing',
  containerId: container?.id ?? null,
  containerName: container?.name ?? null,
  endpoint: container?.endpoint ?? null,
  volume: volume ?? null,
})
