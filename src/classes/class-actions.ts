// The class actions as operations. Calls and the sweep start them here and nowhere else, so that one class has one
// operation at a time: in this process by Operations, among processes by the lease.

import type { Logger } from 'pino'
import { foldId } from '../names.ts'
import { auditOperation } from '../operations/audit.ts'
import type { Leases } from '../operations/lease.ts'
import type { Operation, Operations } from '../operations/operations.ts'
import type { ResetIntent, SessionRecord, UpIntent } from '../sessions/record.ts'
import { type CollectRequest, collectClass, settleCollect } from './collect-class.ts'
import type { ClassContext } from './context.ts'
import { type DiscardRequest, discardStudent } from './discard-student.ts'
import { type DownRequest, downClass } from './down/down-class.ts'
import { type ExtendRequest, extendClass } from './extend-class.ts'
import { finishReset, type ResetRequest, resetStudent } from './reset-student.ts'
import { type Action, underLease } from './under-lease.ts'
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
    const action = { kind: 'up-class', classId, request: order, perform: upClass } as const
    return this.#start(action, order.students, fingerprint, caller)
  }

  /** Goes on with an up that was interrupted. A repeat of its call joins it. */
  finishUp({ classId, sessionId, lab }: SessionRecord, intent: UpIntent, caller: Caller): Operation {
    const fingerprint = upFingerprint(intent.students, lab, intent.ttlMinutes, intent.allowPartial)
    const request = { classId, sessionId, seen: intent }
    return this.#start({ kind: 'up-class', classId, request, perform: finishUp }, intent.students, fingerprint, caller)
  }

  down(request: DownRequest, caller: Caller): Operation {
    const fingerprint = JSON.stringify([request.allowPartial])
    const { classId } = request
    return this.#start({ kind: 'down-class', classId, request, perform: downClass }, null, fingerprint, caller)
  }

  collect(request: CollectRequest, caller: Caller): Operation {
    const { classId, students = null } = request
    const fingerprint = JSON.stringify([request.students?.toSorted()])
    const action = { kind: 'collect-class', classId, request, perform: collectClass } as const
    return this.#start(action, students, fingerprint, caller)
  }

  /** After a collection that was interrupted. */
  settleCollect(request: { classId: string }, caller: Caller): Operation {
    const { classId } = request
    return this.#start({ kind: 'collect-class', classId, request, perform: settleCollect }, null, 'settle', caller)
  }

  reset(request: ResetRequest, caller: Caller): Operation {
    const { classId, studentId, restore = null } = request
    const action = { kind: 'reset-student', classId, request, perform: resetStudent } as const
    return this.#start(action, [studentId], resetFingerprint(studentId, restore), caller)
  }

  /** Goes on with a reset that was interrupted. A repeat of its call joins it. */
  finishReset({ classId }: SessionRecord, { studentId, restore }: ResetIntent, caller: Caller): Operation {
    const action = { kind: 'reset-student', classId, request: { classId }, perform: finishReset } as const
    return this.#start(action, [studentId], resetFingerprint(studentId, restore), caller)
  }

  discard(request: DiscardRequest, caller: Caller): Operation {
    const { classId, studentId, reason } = request
    const action = { kind: 'discard-student', classId, request, perform: discardStudent } as const
    return this.#start(action, [studentId], JSON.stringify([foldId(studentId), reason]), caller)
  }

  extend(request: ExtendRequest, caller: Caller): Operation {
    const { classId, ttlMinutes } = request
    const action = { kind: 'extend-class', classId, request, perform: extendClass } as const
    return this.#start(action, null, JSON.stringify([ttlMinutes]), caller)
  }

  /** Says whether no process's lease of this class is left, once a dead one is removed. */
  clearLease(classId: string): Promise<boolean> {
    return this.#leases.clear(classId)
  }

  #start<Request>(
    action: Action<Request>,
    students: readonly string[] | null,
    fingerprint: string,
    caller: Caller,
  ): Operation {
    const { kind, classId } = action
    const { actor, requestId, log } = caller
    const work = underLease(this.#leases, this.#context, actor, action)
    const operation = this.operations.start({ kind, classId, fingerprint, requestId, log, work })
    auditOperation(caller, students, operation)
    return operation
  }
}

const resetFingerprint = (studentId: string, restore: string | null): string =>
  JSON.stringify([foldId(studentId), restore])

const upFingerprint = (students: readonly string[], lab: string, ttlMinutes: number, allowPartial: boolean): string =>
  JSON.stringify([[...students].sort(), lab, ttlMinutes, allowPartial])
