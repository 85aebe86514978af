// Who did what: one line of the log, of one shape, for each class action, the service's own and the refused ones included.
// No log level but `silent` drops these lines; `jq 'select(.audit)'` finds them.

import { type Static, Type } from '@sinclair/typebox'
import { TypeCompiler } from '@sinclair/typebox/compiler'
import type { FastifyBaseLogger, FastifyRequest } from 'fastify'
import { Id } from '../catalogue/schema.ts'
import type { Operation } from '../operations/operations.ts'
import { type ProblemCode, problemKinds } from '../problems.ts'
import { accessOf, findIdentity } from './auth/access.ts'

const codes = Object.keys(problemKinds).map((code) => Type.Literal(code))

export const AuditLine = Type.Object({
  audit: Type.Literal(true),
  /** `sub` of the token; of what the service does by itself, who had asked for it, or `sweep`; null: not authenticated. */
  actor: Type.Union([Type.String(), Type.Null()]),
  /** Last part of the call's path. */
  action: Type.String(),
  /** As it was asked for; null where the request names none that can be one, or was refused before it was read. */
  classId: Type.Union([Id, Type.Null()]),
  /** Those asked for; null: all of the class, or none that can be read. */
  students: Type.Union([Type.Array(Id), Type.Null()]),
  /** Several callers may have asked for one operation; null: refused before there was one. */
  operationId: Type.Union([Type.String(), Type.Null()]),
  /** `succeeded`, or the code of the problem. */
  outcome: Type.Union([Type.Literal('succeeded'), ...codes]),
  durationMs: Type.Integer({ minimum: 0 }),
  /** `instance` of the problem, and of all other lines of the request `reqId`. */
  requestId: Type.String(),
})
export type AuditLine = Static<typeof AuditLine>

/** Writes the line of a caller's operation, once it has ended. */
export function auditOperation(
  { actor, requestId, log }: { readonly actor: string; readonly requestId: string; readonly log: FastifyBaseLogger },
  students: readonly string[] | null,
  operation: Operation,
): void {
  const begun = performance.now()
  void operation.ended.then(() => {
    const { kind, classId, operationId, problem } = operation.view()
    write(log, {
      actor,
      action: kind,
      classId,
      students: students && [...students],
      operationId,
      outcome: problem?.code ?? 'succeeded',
      durationMs: Math.round(performance.now() - begun),
      requestId,
    })
  })
}

const begun = new WeakSet<FastifyRequest>()

/** Its line is the operation's, whatever becomes of the answer. */
export const noteBegun = (request: FastifyRequest): void => void begun.add(request)

const AsksForClass = TypeCompiler.Compile(Type.Object({ classId: Id }))
const AsksForStudents = TypeCompiler.Compile(Type.Object({ students: Type.Array(Id, { maxItems: 1000 }) }))

const AsksForStudent = TypeCompiler.Compile(Type.Object({ studentId: Id }))

/** Writes the line of a class action that was refused before there was an operation; for all else it does nothing. */
export function auditRefusal(request: FastifyRequest, outcome: ProblemCode, durationMs: number): void {
  const access = accessOf(request)
  if ((access !== 'class-action' && access !== 'admin-action') || begun.has(request)) return
  const { body, log } = request
  write(log, {
    actor: findIdentity(request)?.actor ?? null,
    action: request.routeOptions.url?.split('/').at(-1) ?? '',
    classId: AsksForClass.Check(body) ? body.classId : null,
    students: studentsOf(body),
    operationId: null,
    outcome,
    durationMs: Math.round(durationMs),
    requestId: request.id,
  })
}

function studentsOf(body: unknown): string[] | null {
  if (AsksForStudents.Check(body)) return body.students
  return AsksForStudent.Check(body) ? [body.studentId] : null
}

function write(log: FastifyBaseLogger, line: Omit<AuditLine, 'audit'>): void {
  const unfiltered = log.level === 'silent' ? log : log.child({}, { level: 'info' })
  unfiltered.info({ audit: true, ...line }, 'class action')
}
