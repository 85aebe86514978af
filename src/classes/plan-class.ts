// plan-class: what an up would need and whether it would be let through now. It looks as an up looks, and changes nothing.

import type { Quota } from '../catalogue-schema.ts'
import { classPrefix } from '../names.ts'
import { examine, refusals, weigh } from './admission.ts'
import { asProblem, type ClassContext } from './context.ts'
import type { UpOrder } from './up-order.ts'
import type { Usage } from './usage.ts'

export interface PlanAnswer {
  readonly classId: string
  readonly lab: string
  readonly students: readonly string[]
  readonly allowed: boolean
  readonly refusals: readonly { readonly code: string; readonly detail: string }[]
  /** Beside what is up already. */
  readonly needs: {
    readonly sandboxes: number
    readonly cpus: number
    readonly memoryMb: number
    readonly networks: number
  }
  /** Of the subject. */
  readonly quota: { readonly limits: Quota; readonly used: Usage }
  /** All memory of the host, and what the sandboxes of all classes may use of it. */
  readonly host: { readonly memoryMb: number; readonly usedMb: number }
  readonly image: { readonly present: boolean }
  readonly subnet: { readonly free: boolean }
}

/** Problems of an engine, a proxy or a store that cannot be asked: without them there are no numbers to tell. */
export async function planClass(context: ClassContext, order: UpOrder): Promise<PlanAnswer> {
  const { classId } = order.ofClass
  try {
    // An up writes to the store before anything else; a plan only sees whether it answers.
    await context.store.folders(classPrefix(classId))
    const findings = await context.reservations.consider(() => examine(context, order), weigh)
    const reasons = refusals(findings)
    const { lab, needed, networks, limits, used, usedMb, capacity, image } = findings
    return {
      classId,
      lab: lab.name,
      students: order.students,
      allowed: reasons.length === 0,
      refusals: reasons.map(({ code, message }) => ({ code, detail: message })),
      needs: { sandboxes: needed.students, cpus: needed.cpus, memoryMb: needed.memoryMb, networks },
      quota: { limits, used },
      host: { memoryMb: capacity.memoryMb, usedMb },
      image: { present: image !== undefined },
      subnet: { free: capacity.hasFreeSubnet },
    }
  } catch (error) {
    throw asProblem(error, 'engine-unavailable')
  }
}
