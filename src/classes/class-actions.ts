// The class actions as operations. Calls and the sweep start them here and nowhere else, so that one class has one
// operation at a time: in this process by Operations, among processes by the lease.

import type { Logger } from 'pino'
import { foldId } from '../names.ts'
import { auditOperation } from '../operations/audit.ts'
import type { Leases } from '../operations/lease.ts'
import type { Operation, OperationRequest, Operations } from '../operations/operations.ts'
import { type FaultCode, withProblems } from '../port-problems.ts'
import type { ResetIntent, SessionRecord, UpIntent } from '../sessions/record.ts'
import { type CollectRequest, collectClass, settleCollect } from './collect-class.ts'
import type { ClassContext, Run } from './context.ts'
import { type DiscardRequest, discardStudent } from './discard-student.ts'
import { type DownRequest, downClass } from './down/down-class.ts'
import { type ExtendRequest, extendClass } from './extend-class.ts'
import { finishReset, type ResetRequest, resetStudent } from './reset-student.ts'
import type { UpOrder } from './up/order.ts'
import { finishUp, upClass } from './up/up-class.ts'

/** On whose behalf, and under which request id its log lines and problems stand. */
export interface Caller {
  readonly actor: string
  readonly requestId: string
  readonly log: Logger
}

export class ClassActions {
  readonly #context: ClassContext
  readonly operations: Operations
  readonly #leases: Leases

  constructor(context: ClassContext, operations: Operations, leases: Leases) {
    this.#context = context
    this.operations = operations
    this.#leases = leases
  }

  up(order: UpOrder, caller: Caller): Operation {
    const { classId } = order.ofClass
    const fingerprint = upFingerprint(order.students, order.labName, order.ttlMinutes, order.allowPartial)
    return this.#start('up-class', classId, order.students, fingerprint, caller, (run) =>
      upClass(this.#context, run, order),
    )
  }

  /** Goes on with an up that was interrupted. A repeat of its call joins it. */
  finishUp({ classId, sessionId, lab }: SessionRecord, intent: UpIntent, caller: Caller): Operation {
    const fingerprint = upFingerprint(intent.students, lab, intent.ttlMinutes, intent.allowPartial)
    return this.#start('up-class', classId, intent.students, fingerprint, caller, (run) =>
      finishUp(this.#context, run, classId, sessionId, intent),
    )
  }

  down(request: DownRequest, caller: Caller): Operation {
    const fingerprint = JSON.stringify([request.allowPartial])
    return this.#start('down-class', request.classId, null, fingerprint, caller, (run) =>
      downClass(this.#context, run, request),
    )
  }

  collect(request: CollectRequest, caller: Caller): Operation {
    const fingerprint = JSON.stringify([request.students?.toSorted()])
    return this.#start('collect-class', request.classId, request.students ?? null, fingerprint, caller, (run) =>
      collectClass(this.#context, run, request),
    )
  }

  /** After a collection that was interrupted. */
  settleCollect(request: { classId: string }, caller: Caller): Operation {
    return this.#start('collect-class', request.classId, null, 'settle', caller, (run) =>
      settleCollect(this.#context, run, request),
    )
  }

  reset(request: ResetRequest, caller: Caller): Operation {
    const fingerprint = resetFingerprint(request.studentId, request.restore ?? null)
    return this.#start('reset-student', request.classId, [request.studentId], fingerprint, caller, (run) =>
      resetStudent(this.#context, run, request),
    )
  }

  /** Goes on with a reset that was interrupted. A repeat of its call joins it. */
  finishReset({ classId }: SessionRecord, intent: ResetIntent, caller: Caller): Operation {
    const fingerprint = resetFingerprint(intent.studentId, intent.restore)
    return this.#start('reset-student', classId, [intent.studentId], fingerprint, caller, (run) =>
      finishReset(this.#context, run, classId),
    )
  }

  discard(request: DiscardRequest, caller: Caller): Operation {
    const fingerprint = JSON.stringify([foldId(request.studentId), request.reason])
    return this.#start('discard-student', request.classId, [request.studentId], fingerprint, caller, (run) =>
      discardStudent(this.#context, run, request),
    )
  }

  extend(request: ExtendRequest, caller: Caller): Operation {
    const fingerprint = JSON.stringify([request.ttlMinutes])
    return this.#start('extend-class', request.classId, null, fingerprint, caller, (run) =>
      extendClass(this.#context, run, request),
    )
  }

  /** Says whether no process's lease of this class is left, once a dead one is removed. */
  clearLease(classId: string): Promise<boolean> {
    return this.#leases.clear(classId)
  }

  #start(
    kind: OperationRequest['kind'],
    classId: string,
    students: readonly string[] | null,
    fingerprint: string,
    caller: Caller,
    work: (run: Run) => Promise<object>,
  ): Operation {
    const { actor, requestId, log } = caller
    const operation = this.operations.start({
      kind,
      classId,
      fingerprint,
      requestId,
      log,
      work: (run) =>
        this.#leases.hold(classId, run.signal, (signal) =>
          withProblems(faultCodes[kind], () => work({ ...run, signal, actor })),
        ),
    })
    auditOperation(caller, students, operation)
    return operation
  }
}

const faultCodes: Record<OperationRequest['kind'], FaultCode> = {
  'up-class': 'up-failed',
  'down-class': 'collect-failed',
  'collect-class': 'collect-failed',
  'reset-student': 'collect-failed',
  'discard-student': 'collect-failed',
  'extend-class': 'engine-unavailable',
}

const resetFingerprint = (studentId: string, restore: string | null): string =>
  JSON.stringify([foldId(studentId), restore])

const upFingerprint = (students: readonly string[], lab: string, ttlMinutes: number, allowPartial: boolean): string =>
  JSON.stringify([[...students].sort(), lab, ttlMinutes, allowPartial])
