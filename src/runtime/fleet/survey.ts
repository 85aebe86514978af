// What a fleet holds, put together from what its nodes say, what those said last that cannot be asked, and who is placed where.
// Whoever is placed on a node that says nothing is in it all the same: nobody may take them for gone.

import { foldId } from '../../names.ts'
import { RuntimeError } from '../errors.ts'
import type { HeldSandbox, HeldSession } from '../held.ts'
import type { Seat } from '../seats.ts'
import { unseenSandbox } from '../unreachable.ts'
import { isGivenUp } from './given-up.ts'
import type { FleetNode } from './node.ts'
import type { Placements } from './ports.ts'

type Gathered = Omit<HeldSession, 'sandboxes'> & {
  readonly sandboxes: Map<string, HeldSandbox>
  readonly told: { readonly node: FleetNode; readonly sandbox: HeldSandbox }[]
}

/** `sessions` are the manager's; `nodes` were surveyed by now. Rejects where it cannot be known who is placed on a silent node. */
export async function gather(
  sessions: readonly HeldSession[],
  nodes: ReadonlyMap<string, FleetNode>,
  placements: Placements,
  classId: string | undefined,
): Promise<HeldSession[]> {
  const gathered = new Map<string, Gathered>()
  for (const session of sessions) gathered.set(session.sessionId, { ...session, sandboxes: new Map(), told: [] })
  for (const node of nodes.values()) {
    for (const { sandboxes, ...session } of node.heard(classId)) {
      const fresh: Gathered = { ...session, network: undefined, sandboxes: new Map(), told: [] }
      const known = gathered.get(session.sessionId) ?? fresh
      gathered.set(session.sessionId, known)
      for (const sandbox of sandboxes) known.told.push({ node, sandbox })
    }
  }
  await Promise.all(
    [...gathered.values()].map(async (session) => {
      const seats = await seatsOf(session, nodes, placements)
      for (const { node, sandbox } of session.told) {
        if (isGivenUp(seats, node.member.id, sandbox.studentId)) node.disown(sandbox)
        else addSandbox(session, sandbox)
      }
      addUnseen(session, nodes, seats)
    }),
  )
  return [...gathered.values()].map(({ told: _, ...session }) => ({
    ...session,
    sandboxes: [...session.sandboxes.values()].sort((a, b) => (foldId(a.studentId) < foldId(b.studentId) ? -1 : 1)),
  }))
}

/** Of two of one student that which is there: the other one comes to light when it is gone. */
function addSandbox({ sandboxes }: Gathered, sandbox: HeldSandbox): void {
  const known = sandboxes.get(foldId(sandbox.studentId))
  if (known && (known.id !== undefined || sandbox.id === undefined)) return
  sandboxes.set(foldId(sandbox.studentId), sandbox)
}

async function seatsOf(
  { classId, sessionId }: Gathered,
  nodes: ReadonlyMap<string, FleetNode>,
  placements: Placements,
): Promise<readonly Seat[]> {
  return await placements(classId, sessionId).catch((error: unknown) => {
    if (![...nodes.values()].some(({ fault }) => fault)) return []
    throw new RuntimeError(
      'unavailable',
      'A node cannot be asked, and neither can the store, which alone knows who is on it. Repeat the call when one of them is back.',
      error,
    )
  })
}

function addUnseen(session: Gathered, nodes: ReadonlyMap<string, FleetNode>, seats: readonly Seat[]): void {
  for (const { studentId, node: id, givenUp } of seats) {
    if (givenUp) continue
    const node = id === undefined ? undefined : nodes.get(id)
    const canBeAsked = id === undefined || (node && !node.fault)
    if (canBeAsked || session.sandboxes.has(foldId(studentId))) continue
    session.sandboxes.set(foldId(studentId), unseenSandbox(session, studentId, !node?.hasHeard(session.classId)))
  }
}
