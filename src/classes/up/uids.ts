// A uid for each sandbox that no other sandbox of this installation has: the kernel counts inotify instances and watches,
// message queues and processes by uid, across classes, and one student must not use up what everybody else needs.

import type { Lab } from '../../catalogue/schema.ts'
import type { UidRange } from '../../config/ranges.ts'
import { Problem } from '../../problems.ts'
import { findSeat, type Seat } from '../../runtime/seats.ts'
import type { KnownSession } from '../../sessions/held.ts'
import type { SessionShare } from './usage.ts'

export interface UidsAsked {
  readonly range: UidRange
  /** The lab that the sandboxes are made from: one that fixes a user needs no uid. */
  readonly lab: Pick<Lab, 'user'>
  /** Of the session that the students come into; undefined where it was begun before there were seats. */
  readonly seats: readonly Seat[] | undefined
  readonly students: readonly string[]
}

/** How many of these students have no uid of their own yet and need one. */
export function missingUids({ lab, seats, students }: Omit<UidsAsked, 'range'>): number {
  if (lab.user !== undefined || !seats) return 0
  return students.filter((studentId) => findSeat(seats, studentId) === undefined).length
}

/** The lowest uids that are free, as many as are missing; fewer where the range is used up. */
export function freeUids(asked: UidsAsked, taken: ReadonlySet<number>): number[] {
  const free: number[] = []
  for (
    let uid = asked.range.first, missing = missingUids(asked);
    uid <= asked.range.last && free.length < missing;
    uid++
  ) {
    if (!taken.has(uid)) free.push(uid)
  }
  return free
}

/** Of every session that has not ended, of ups that are under way, and those that a lab of the catalogue fixes. */
export function takenUids(
  known: readonly KnownSession[],
  reserved: readonly SessionShare[],
  labs: Iterable<Pick<Lab, 'user'>>,
): Set<number> {
  const running = known.flatMap(({ record }) => (record && !record.ended ? [record] : []))
  const fixed = [...labs, ...running.map(({ frozenLab }) => frozenLab)]
  return new Set([
    ...running.flatMap(({ seats = [] }) => seats.flatMap(({ uid }) => uid ?? [])),
    ...reserved.flatMap(({ seats = [] }) => seats.flatMap(({ uid }) => uid ?? [])),
    ...fixed.flatMap((lab) => (lab?.user === undefined ? [] : Number.parseInt(lab.user, 10))),
  ])
}

export const uidsExhausted = ({ first, last }: UidRange, missing: number): Problem =>
  new Problem(
    'uids-exhausted',
    `Each sandbox has a user number of its own, and of ${first} to ${last} not enough are free for ${missing} more. Take classes down that have ended, or ask the operator for a larger range in SANDBOX_UIDS.`,
  )
