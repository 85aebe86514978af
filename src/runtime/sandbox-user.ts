// Who a sandbox's programs run as, and whom its workspace belongs to.

import type { SessionPlan } from './port.ts'
import { findSeat } from './seats.ts'

/** Has no rights and nobody's files: for a sandbox of which neither the lab nor the record says whose it is. */
const nobody = '65534:65534'

/** `uid:gid`, numeric: the lab's, where it fixes one, else the student's own. */
export function sandboxUser({ frozenLab, seats }: SessionPlan, studentId: string): string {
  const uid = findSeat(seats, studentId)?.uid
  return frozenLab.user ?? (uid === undefined ? nobody : `${uid}:${uid}`)
}
