// A class action that was refused before it became an operation leaves its audit line too.

import { Type } from '@sinclair/typebox'
import { TypeCompiler } from '@sinclair/typebox/compiler'
import type { FastifyRequest } from 'fastify'
import { Id } from '../catalogue/schema.ts'
import { writeAudit } from '../operations/audit.ts'
import type { ProblemCode } from '../problems.ts'
import { findIdentity } from './auth/access.ts'
import { callOf, isAction } from './define-call.ts'

const begun = new WeakSet<FastifyRequest>()

/** Its line is the operation's, whatever becomes of the answer. */
export const noteBegun = (request: FastifyRequest): void => void begun.add(request)

const AsksForClass = TypeCompiler.Compile(Type.Object({ classId: Id }))
const AsksForStudents = TypeCompiler.Compile(Type.Object({ students: Type.Array(Id, { maxItems: 1000 }) }))

const AsksForStudent = TypeCompiler.Compile(Type.Object({ studentId: Id }))

/** Writes the line of a class action that was refused before there was an operation; for all else it does nothing. */
export function auditRefusal(request: FastifyRequest, outcome: ProblemCode, durationMs: number): void {
  const call = callOf(request)
  if (!call || !isAction(call.access) || begun.has(request)) return
  const { body, log } = request
  writeAudit(log, {
    actor: findIdentity(request)?.actor ?? null,
    action: call.name,
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
