// plan-class: what an up would need and whether it would be let through now. It looks as an up looks, and changes nothing.

import { type Static, Type } from '@sinclair/typebox'
import { resolvesNames, resolvesNamesDescription } from '../../catalogue/gvisor.ts'
import { Quota } from '../../catalogue/schema.ts'
import { classPrefix, sameId } from '../../names.ts'
import { withProblems } from '../../port-problems.ts'
import type { ClassContext } from '../context.ts'
import { vanishedStudents } from '../vanished.ts'
import { examine, type Findings, refusals, weigh } from './admission.ts'
import type { UpOrder } from './order.ts'
import { Usage } from './usage.ts'

export const PlanAnswer = Type.Object({
  classId: Type.String(),
  lab: Type.String(),
  students: Type.Array(Type.String()),
  allowed: Type.Boolean(),
  refusals: Type.Array(Type.Object({ code: Type.String(), detail: Type.String() }), {
    description: 'Every problem that an up would be refused with now, the first thing to put right first.',
  }),
  needs: Type.Object(
    { sandboxes: Type.Integer(), cpus: Type.Number(), memoryMb: Type.Integer(), networks: Type.Integer() },
    { description: 'Beside what is up already.' },
  ),
  vanished: Type.Array(Type.String(), {
    description: 'Of these students: their sandbox was removed by another hand, and an up gives them an empty one.',
  }),
  quota: Type.Object({ limits: Quota, used: Usage }, { description: 'Of the subject.' }),
  host: Type.Object(
    { memoryMb: Type.Integer(), usedMb: Type.Integer() },
    { description: 'All memory of the host, and what the sandboxes of all classes may use of it.' },
  ),
  image: Type.Object({ present: Type.Boolean() }),
  resolvesNames: Type.Boolean({ description: resolvesNamesDescription }),
  subnet: Type.Object({ free: Type.Boolean() }),
})
export type PlanAnswer = Static<typeof PlanAnswer>

/** Problems of an engine, a proxy or a store that cannot be asked: without them there are no numbers to tell. */
export async function planClass(context: ClassContext, order: UpOrder): Promise<PlanAnswer> {
  const { classId } = order.ofClass
  return await withProblems('engine-unavailable', async () => {
    // An up writes to the store before anything else; a plan only sees whether it answers.
    await context.store.folders(classPrefix(classId))
    const findings = await findOut(context, order)
    const reasons = refusals(findings)
    const { lab, needed, networks, limits, used, placement, room, image, running } = findings
    const vanished = running ? vanishedStudents(running.record, running.held) : []
    return {
      classId,
      lab: lab.name,
      students: [...order.students],
      allowed: reasons.length === 0,
      refusals: reasons.map(({ code, message }) => ({ code, detail: message })),
      needs: { sandboxes: needed.students, cpus: needed.cpus, memoryMb: needed.memoryMb, networks },
      vanished: order.students.filter((asked) => vanished.some((each) => sameId(each, asked))),
      quota: { limits, used },
      host: { memoryMb: room.memoryMb, usedMb: placement.usedMb },
      image: { present: image !== undefined },
      resolvesNames: resolvesNames(lab),
      subnet: { free: room.hasFreeSubnet },
    }
  })
}

/** With all that ups of this process are about to make. */
async function findOut(context: ClassContext, order: UpOrder): Promise<Findings> {
  const look = context.reservations.look()
  try {
    return weigh(await examine(context, order), look.reserved())
  } finally {
    look.end()
  }
}
