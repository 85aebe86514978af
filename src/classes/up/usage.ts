// How much is in use: each sandbox that the engine holds, running or not, that an interrupted up will still make, or that an
// up has reserved. One student of one session counts once, by whichever of the three it is known.
// What a sandbox may use is taken from its session's record: the engine's lists do not tell it, and an inspection waits for
// any archive that is being read.

import { type Static, Type } from '@sinclair/typebox'
import type { Catalogue } from '../../catalogue/catalogue.ts'
import { foldId } from '../../names.ts'
import { findSeat, type Seat } from '../../runtime/seats.ts'
import type { KnownSession } from '../../sessions/held.ts'

/** Sandboxes of one session, and what each of them may use. */
export interface SessionShare {
  readonly classId: string
  readonly sessionId: string
  readonly subject: string
  readonly students: readonly string[]
  readonly cpus: number
  readonly memoryMb: number
  /** An up that is under way has them, and its record may not have been read. */
  readonly seats?: readonly Seat[] | undefined
}

export const Usage = Type.Object({
  classes: Type.Integer(),
  students: Type.Integer({ description: 'Sandboxes: a student of two classes counts twice.' }),
  cpus: Type.Number(),
  memoryMb: Type.Integer(),
})
export type Usage = Static<typeof Usage>

/** Every session that has sandboxes or will have, one entry each. */
export function shareOut(
  known: readonly KnownSession[],
  reserved: readonly SessionShare[],
  catalogue: Catalogue,
): SessionShare[] {
  const shares = new Map<string, SessionShare>()
  const add = (share: SessionShare): void => {
    const key = `${foldId(share.classId)}/${share.sessionId}`
    const students = new Set([...(shares.get(key)?.students ?? []), ...share.students].map(foldId))
    if (students.size > 0) shares.set(key, { ...share, students: [...students] })
  }
  for (const each of known) add(shareOf(each, catalogue))
  for (const each of reserved) add(each)
  return [...shares.values()]
}

function shareOf({ held, record }: KnownSession, catalogue: Catalogue): SessionShare {
  // Without its record nobody knows what a session froze; the catalogue's lab of that name is the best that is known.
  const { cpus = 0, memoryMb = 0 } = record?.frozenLab ?? catalogue.labs.get(held.lab) ?? {}
  const { classId, sessionId, subject } = held
  const students = [...held.sandboxes.map(({ studentId }) => studentId), ...(record?.up?.students ?? [])]
  return { classId, sessionId, subject, students, cpus, memoryMb, seats: record?.seats }
}

/** MiB, by the node that each is on. */
export function usedByNode(shares: readonly SessionShare[]): Map<string | undefined, number> {
  const used = new Map<string | undefined, number>()
  for (const { students, seats = [], memoryMb } of shares) {
    for (const studentId of students) {
      const node = findSeat(seats, studentId)?.node
      used.set(node, (used.get(node) ?? 0) + memoryMb)
    }
  }
  return used
}

export function addUp(shares: readonly SessionShare[]): Usage {
  const total = (amount: (share: SessionShare) => number): number =>
    shares.reduce((sum, share) => sum + amount(share), 0)
  return {
    classes: new Set(shares.map(({ classId }) => foldId(classId))).size,
    students: total(({ students }) => students.length),
    cpus: exactCpus(total(({ students, cpus }) => students.length * cpus)),
    memoryMb: total(({ students, memoryMb }) => students.length * memoryMb),
  }
}

/** Engines count a CPU in billionths; three times 0.1 must be 0.3. */
export const exactCpus = (cpus: number): number => Math.round(cpus * 1e9) / 1e9
