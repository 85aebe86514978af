// A class of a fleet in memory, as openClass() gives one on one host.

import type { TestContext } from 'node:test'
import type { ClassContext, Run } from '../../src/classes/context.ts'
import { downClass } from '../../src/classes/down/down-class.ts'
import { orderUp, type UpRequest } from '../../src/classes/up/order.ts'
import { upClass } from '../../src/classes/up/up-class.ts'
import { Progress } from '../../src/operations/progress.ts'
import { withProblems } from '../../src/port-problems.ts'
import type { Runtime } from '../../src/runtime/port.ts'
import { placementsOf } from '../../src/sessions/placements.ts'
import { classId, openClass, quiet } from './memory-class.ts'
import { type MemoryFleet, openFleet } from './memory-fleet.ts'

export const newRun = (action: Partial<Run> = {}): Run => ({
  actor: 'tester',
  log: quiet,
  progress: new Progress(),
  signal: new AbortController().signal,
  ...action,
})

/** `memoryMb`: of each node; a sandbox of the lab takes 128. */
export async function openFleetClass(t: TestContext, memoryMb = 300, lab: object = {}) {
  const ofClass = await openClass(t, lab)
  const { store } = ofClass
  const fleet: MemoryFleet = openFleet(t, ['a', 'b'], ofClass.folder, (...session) => placementsOf(store, ...session))
  const [a, b] = fleet.nodes
  if (!a || !b) throw new Error('there are two nodes')
  for (const node of fleet.nodes) {
    node.host.memoryMb = memoryMb
    t.after(() => {
      if (node.violations.length > 0) throw new Error(node.violations.join())
    })
  }
  const context: ClassContext = { ...ofClass.context, runtime: fleet.runtime }
  return {
    ...{ ofClass, fleet, a, b, context, store },
    /** The same service started again: it has heard of no node. */
    restarted: (): ClassContext & { readonly runtime: Runtime } => ({ ...context, runtime: fleet.restarted() }),
    up: (request: Omit<UpRequest, 'classId'> = {}, by = context) =>
      withProblems('up-failed', () => upClass(by, newRun(), orderUp(ofClass.catalogue, { classId, ...request }))),
    down: (allowPartial = false, by = context) =>
      withProblems('collect-failed', () => downClass(by, newRun(), { classId, allowPartial })),
  }
}
