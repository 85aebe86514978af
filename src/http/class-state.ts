// What a class's state is made of: the engine's lists and what is remembered of the records. A store that hangs cannot delay it.

import type { Catalogue } from '../catalogue/catalogue.ts'
import { foldId } from '../names.ts'
import { withProblems } from '../port-problems.ts'
import type { HeldSession, SandboxState } from '../runtime/held.ts'
import { isUnreachable } from '../runtime/unreachable.ts'
import { newestHeldFirst } from '../sessions/held.ts'
import { rememberedSession } from '../sessions/remembered.ts'
import { knownIdentity, otherStoreDetail } from '../sessions/store-identity.ts'
import type { Store } from '../store/port.ts'
import type { Traefik } from '../traefik/traefik.ts'
import type { ClassSummary } from './answers.ts'
import type { CallContext } from './call-context.ts'

/** Newest session first. */
export async function surveyClasses({ classes: { runtime } }: CallContext, classId?: string): Promise<HeldSession[]> {
  return newestHeldFirst(await withProblems('engine-unavailable', () => runtime.survey(classId)))
}

export function summariseClass(
  { classes: { store, traefik }, actions: { operations } }: CallContext,
  catalogue: Catalogue,
  classId: string,
  held: HeldSession | undefined,
): ClassSummary {
  const students = countStudents(store, catalogue, classId, held)
  return {
    classId,
    state: stateOf(held, students),
    sessionId: held?.sessionId ?? null,
    network: held?.network?.name ?? null,
    subnet: held?.network?.subnet ?? null,
    expiresAt: held ? (rememberedSession(store, held.sessionId)?.expiresAt ?? held.expiresAt) : null,
    students,
    ...(held ? problemOf(store, traefik, held) : {}),
    operation: operations.runningFor(classId)?.view() ?? null,
  }
}

/** Against those whom the session has, and not only those whom the engine still holds. */
function countStudents(store: Store, catalogue: Catalogue, classId: string, held: HeldSession | undefined) {
  const roster = catalogue.hasClass(classId) ? catalogue.findClass(classId).students : []
  if (!held) return { total: 0, running: 0, missing: [], roster: roster.length, absent: [] }
  const present = held.sandboxes.map(({ studentId }) => studentId)
  const missing = without(rememberedSession(store, held.sessionId)?.students ?? [], present)
  const running = held.sandboxes.filter(({ state }) => lives.has(state)).length
  const absent = without(roster, [...present, ...missing])
  return { total: present.length + missing.length, running, missing, roster: roster.length, absent }
}

/** By what is known of the store without asking it. A record that was read here says that the session is of this store. */
function problemOf(store: Store, traefik: Traefik | undefined, held: HeldSession): Pick<ClassSummary, 'problem'> {
  const here = knownIdentity(store)
  const isElsewhere = here && held.store && held.store.id !== here.id
  if (isElsewhere && held.sandboxes.length > 0 && !rememberedSession(store, held.sessionId)) {
    return { problem: { code: 'store-changed', detail: otherStoreDetail(held, here) } }
  }
  const silent = held.sandboxes.filter(isUnreachable).length
  if (silent > 0) return { problem: { code: 'engine-unreachable', detail: unreachableDetail(silent) } }
  const trouble = traefik?.troubleOf(held.classId)
  return trouble ? { problem: { code: 'traefik-unusable', detail: trouble.detail } } : {}
}

const unreachableDetail = (sandboxes: number): string =>
  `${sandboxes} of the class's sandboxes are on a node that cannot be asked now. Everything on it is kept; the service goes on by itself when it is back. Ask the operator to look at the node.`

/** Its processes are there: they start, are unhealthy, or stand still while a collection reads. */
const lives: ReadonlySet<SandboxState> = new Set(['running', 'starting', 'unhealthy', 'paused'])

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
