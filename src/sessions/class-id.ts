// The canonical id of a class: calls take ids in any case, and names in the store know case. The catalogue says it; of a class
// that left the catalogue the store does, which keeps its past sessions, or else the engine, which may hold one that it lost.

import type { Catalogue } from '../catalogue/catalogue.ts'
import { sameId } from '../names.ts'
import { withProblems } from '../port-problems.ts'
import type { Ports } from './held.ts'

/** Problems 'unknown-class', 'store-unavailable' and 'engine-unavailable'; neither is asked for a class of the catalogue. */
export async function canonicalClassId(
  { runtime, store }: Ports,
  catalogue: Catalogue,
  classId: string,
): Promise<string> {
  if (catalogue.hasClass(classId)) return catalogue.findClass(classId).classId
  return await withProblems('engine-unavailable', async () => {
    const kept = findSpelling(await store.folders(''), classId)
    if (kept !== undefined) return kept
    const [held] = await runtime.survey(classId)
    return held?.classId ?? catalogue.findClass(classId).classId
  })
}

/** `canonicalClassId` of this service: by the catalogue that is in force now. */
export type CanonicalClassId = (classId: string) => Promise<string>

/** The id itself where it is there, or else one that differs only in case. */
export const findSpelling = (ids: readonly string[], id: string): string | undefined =>
  ids.find((each) => each === id) ?? ids.find((each) => sameId(each, id))
