// Who did what: one line of the log, of one shape, for each class action, the service's own and the refused ones included.
// No log level but `silent` drops these lines; `jq 'select(.audit)'` finds them.

import { type Static, Type } from '@sinclair/typebox'
import { Id } from '../catalogue/schema.ts'
import { problemKinds } from '../problems.ts'
import type { Operation } from './operations.ts'

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

/** What pino and Fastify's loggers have in common. */
interface Log {
  readonly level: string
  child(bindings: object, options: { readonly level: string }): Pick<Log, 'info'>
  info(line: object, message: string): void
}

/** Writes the line of a caller's operation, once it has ended. */
export function auditOperation(
  { actor, requestId, log }: { readonly actor: string; readonly requestId: string; readonly log: Log },
  students: readonly string[] | null,
  operation: Operation,
): void {
  const begun = performance.now()
  void operation.ended.then(() => {
    const { kind, classId, operationId, problem } = operation.view()
    writeAudit(log, {
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

export function writeAudit(log: Log, line: Omit<AuditLine, 'audit'>): void {
  const unfiltered = log.level === 'silent' ? log : log.child({}, { level: 'info' })
  unfiltered.info({ audit: true, ...line }, 'class action')
}
