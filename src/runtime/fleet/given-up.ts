// What an admin gave up with its node is nobody's sandbox, also when the node is back. Its files have the name of those that its
// student has on another node now: no call by that name may come to them.

import { sameId } from '../../names.ts'
import type { HeldSession } from '../held.ts'
import { findSeat, type Seat } from '../seats.ts'

/** Unless the student was placed there again. */
export function isGivenUp(seats: readonly Seat[], nodeId: string, studentId: string): boolean {
  const isOf = (seat: Seat): boolean => sameId(seat.studentId, studentId) && seat.node === nodeId
  return seats.some((seat) => seat.givenUp && isOf(seat)) && findSeat(seats, studentId)?.node !== nodeId
}

export const withoutGivenUp = (session: HeldSession, seats: readonly Seat[], nodeId: string): HeldSession => ({
  ...session,
  sandboxes: session.sandboxes.filter(({ studentId }) => !isGivenUp(seats, nodeId, studentId)),
})
