// What an action does, while no other process works on its class. Faults of engine and store are told as problems.

import type { Leases } from '../operations/lease.ts'
import type { OperationRequest } from '../operations/operations.ts'
import { type FaultCode, withProblems } from '../port-problems.ts'
import type { ClassContext, Run } from './context.ts'

export interface Action<Request> {
  readonly kind: OperationRequest['kind']
  readonly classId: string
  readonly request: Request
  perform(context: ClassContext, run: Run, request: Request): Promise<object>
}

/** The work of the action's operation. */
export const underLease =
  <Request>(
    leases: Leases,
    context: ClassContext,
    actor: string,
    { kind, classId, request, perform }: Action<Request>,
  ): OperationRequest['work'] =>
  (run) =>
    leases.hold(classId, run.signal, (signal) =>
      withProblems(faultCodes[kind], () => perform(context, { ...run, signal, actor }, request)),
    )

const faultCodes: Record<OperationRequest['kind'], FaultCode> = {
  'up-class': 'up-failed',
  'down-class': 'collect-failed',
  'collect-class': 'collect-failed',
  'reset-student': 'collect-failed',
  'discard-student': 'collect-failed',
  'extend-class': 'engine-unavailable',
}
