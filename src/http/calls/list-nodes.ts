import { type Static, Type } from '@sinclair/typebox'
import { type SessionShare, shareOut, usedByNode } from '../../classes/up/usage.ts'
import { Nullable } from '../../nullable.ts'
import { withProblems } from '../../port-problems.ts'
import type { NodeState } from '../../runtime/port.ts'
import { findSeat } from '../../runtime/seats.ts'
import { readRecords } from '../../sessions/held.ts'
import { defineCall, json } from '../define-call.ts'

const Node = Type.Object({
  id: Nullable(Type.String({ description: 'Null: there is one host.' })),
  name: Type.String(),
  state: Type.String({ description: "The manager's word, such as ready or down; of one host ready." }),
  availability: Type.Union(
    ['active', 'pause', 'drain'].map((word) => Type.Literal(word)),
    {
      description: 'Only an active one is given anything new; what is on the others runs on.',
    },
  ),
  reachable: Type.Boolean({ description: 'Whether its engine can be asked; what is on one that cannot be is kept.' }),
  reason: Nullable(Type.String({ description: 'Why it cannot be asked.' })),
  memoryMb: Nullable(Type.Integer({ description: 'All of it; null where it cannot be asked.' })),
  usedMb: Type.Integer({ description: 'What the sandboxes that are placed on it may use.' }),
  sandboxes: Type.Integer({ description: 'Placed on it.' }),
  missingImages: Nullable(
    Type.Array(Type.String(), { description: "Of the catalogue's labs; null where it cannot be asked." }),
  ),
})

export const NodeList = Type.Object({ nodes: Type.Array(Node) })
type NodeList = Static<typeof NodeList>

export const listNodes = defineCall({
  name: 'list-nodes',
  method: 'GET',
  url: '/room/nodes',
  access: 'admin',
  summary: 'The hosts that sandboxes are on, and whether each can be asked',
  answers: { 200: json('The nodes.', NodeList) },
  problems: ['engine-unavailable', 'store-unavailable'],
  async run({ classes: { runtime, store, reservations }, currentCatalogue }): Promise<NodeList> {
    const catalogue = await currentCatalogue()
    return await withProblems('engine-unavailable', async () => {
      const images = [...new Set([...catalogue.labs.values()].map(({ image }) => image))]
      const known = await readRecords(store, await runtime.survey(), '')
      const shares = shareOut(known, reservations.current(), catalogue)
      const nodes = await runtime.nodes(images)
      return { nodes: nodes.map((node) => describe(node, shares)) }
    })
  },
})

function describe(node: NodeState, shares: readonly SessionShare[]): NodeList['nodes'][number] {
  const { id, name, state, availability, fault, memoryMb, missingImages } = node
  const ofNode = shares.flatMap(({ students, seats }) =>
    students.filter((studentId) => findSeat(seats, studentId)?.node === id),
  )
  return {
    id: id ?? null,
    name,
    state,
    availability,
    reachable: fault === undefined,
    reason: fault ?? null,
    memoryMb: memoryMb ?? null,
    usedMb: usedByNode(shares).get(id) ?? 0,
    sandboxes: ofNode.length,
    missingImages: missingImages ? [...missingImages] : null,
  }
}
