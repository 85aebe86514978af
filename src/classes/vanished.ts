// Students of a session whose sandbox another hand removed, container and volume. An up gives them an empty one; that there
// was work, and where its last copy is, goes into the record first, so that the down can tell it too.

import { foldId, sameId } from '../names.ts'
import { findSandbox, type HeldSession, isAbsent } from '../runtime/held.ts'
import type { UpStudent } from '../sessions/outcomes.ts'
import type { SessionRecord, Vanished } from '../sessions/record.ts'
import type { ClassContext, Run } from './context.ts'
import { describeCopy, findLastCopy, whenCollected } from './last-copy.ts'

/** In the record, and not on the engine: what a reset, a discard or a failed up took away is not in the record. */
export const vanishedStudents = (record: SessionRecord, held: HeldSession | undefined): string[] =>
  record.students.filter((studentId) => isAbsent(findSandbox(held, studentId)))

export interface Noted {
  readonly record: SessionRecord
  /** What the up says of each, by folded id. */
  readonly vanished: ReadonlyMap<string, NonNullable<UpStudent['vanished']>>
}

/** `at`: when the up was asked for. One that was interrupted finds in the record what it had noted. */
export async function noteVanished(
  context: ClassContext,
  run: Run,
  { record, held, students }: Pick<Noted, 'record'> & { held: HeldSession | undefined; students: readonly string[] },
  at: string,
): Promise<Noted> {
  const asked = new Set(students.map(foldId))
  const fresh: Vanished[] = []
  for (const studentId of vanishedStudents(record, held)) {
    if (!asked.has(foldId(studentId))) continue
    const copy = await findLastCopy(context, run, record, studentId)
    const bag = copy ? { collectionId: copy.collectionId, prefix: copy.prefix, ...whenCollected(copy) } : null
    run.log.warn({ studentId, bag: bag?.prefix }, 'a sandbox was removed by another hand: an empty one takes its place')
    fresh.push({ studentId, at, bag })
  }
  const isFresh = ({ studentId }: Vanished): boolean => fresh.some((each) => sameId(each.studentId, studentId))
  const noted = [...(record.vanished?.filter((each) => !isFresh(each)) ?? []), ...fresh]
  const told = noted.filter((each) => each.at === at)
  return {
    record: noted.length === 0 ? record : { ...record, vanished: noted },
    vanished: new Map(told.map((each) => [foldId(each.studentId), { detail: describe(record, each), bag: each.bag }])),
  }
}

function describe(record: SessionRecord, { studentId, bag }: Vanished): string {
  const gone = `An earlier sandbox of '${studentId}' in this session was removed by another hand, with the work in it; this one is empty.`
  if (bag === null) return `${gone} Nothing of it was collected.`
  return `${gone} ${describeCopy(record, studentId, bag)} POST /room/reset-student with restore '${bag.collectionId}' puts it back.`
}
