// A student's seat in a session: a number that no other student of the session ever gets, also when theirs is reset, removed
// or discarded. What must be a sandbox's own for the whole session is made from it.

import { type Static, Type } from '@sinclair/typebox'
import { sameId } from '../names.ts'

export const Seat = Type.Object({
  studentId: Type.String(),
  /** From 0, in the order in which students came into the session. */
  number: Type.Integer({ minimum: 0 }),
  /** What the sandbox runs as; absent where the lab fixes a user. Nobody else has it until the session has ended. */
  uid: Type.Optional(Type.Integer({ minimum: 1 })),
  /** Of several, the one that the sandbox is on, whether it can be asked or not; absent on one host. */
  node: Type.Optional(Type.String()),
  /** An admin gave up what is on its node: nobody has it any more, and its number and uid go to nobody else. */
  givenUp: Type.Optional(Type.Literal(true)),
})
export type Seat = Static<typeof Seat>

/**
 * The same record, with a seat for each of these students; the new ones get `uids`, while there are any, and the node that
 * `nodes` has for them. A session that was begun without seats goes on without them.
 */
export function seatStudents<Record extends { readonly seats?: Seat[] }>(
  record: Record,
  students: readonly string[],
  uids: readonly number[] = [],
  nodes: ReadonlyMap<string, string> = new Map(),
): Record {
  if (!record.seats) return record
  const seats = [...record.seats]
  const free = [...uids]
  for (const studentId of students) {
    if (findSeat(seats, studentId)) continue
    const number = seats.reduce((next, seat) => Math.max(next, seat.number + 1), 0)
    const uid = free.shift()
    const node = nodes.get(studentId)
    seats.push({ studentId, number, ...(uid === undefined ? {} : { uid }), ...(node === undefined ? {} : { node }) })
  }
  return { ...record, seats }
}

/** That which the student has now. */
export const findSeat = (seats: readonly Seat[] | undefined, studentId: string): Seat | undefined =>
  seats?.find((seat) => sameId(seat.studentId, studentId) && !seat.givenUp)
