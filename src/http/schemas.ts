// What the calls take. Every object is closed: an unknown field is refused by name, never dropped in silence.
// There is no field for an image, a command, an environment, a mount or any other engine setting.

import type { Static, TSchema } from '@sinclair/typebox'
import { Type } from '@sinclair/typebox'
import type { FastifyTypeProvider } from 'fastify'
import { Id } from '../catalogue/schema.ts'
import { collectionIdPattern, sessionIdPattern } from '../names.ts'

/** Lets Fastify infer the types of requests from these schemas. */
export interface TypeBoxProvider extends FastifyTypeProvider {
  readonly validator: this['schema'] extends TSchema ? Static<this['schema']> : unknown
  readonly serializer: this['schema'] extends TSchema ? Static<this['schema']> : unknown
}

const closed = { additionalProperties: false } as const

const SessionId = Type.String({
  pattern: sessionIdPattern,
  description: 'a session id looks like 20260907t080000000z-1f2e, as the list of sessions has it',
})

const CollectionId = Type.String({
  pattern: collectionIdPattern,
  description: 'a collection id is final, final- and a number, or looks like snapshot-20260907t080000000z',
})

export const UpClassBody = Type.Object(
  {
    classId: Id,
    students: Type.Optional(Type.Array(Id, { minItems: 1, maxItems: 1000 })),
    lab: Type.Optional(Id),
    ttlMinutes: Type.Optional(Type.Integer({ minimum: 1, maximum: 525_600 })),
    allowPartial: Type.Optional(Type.Boolean()),
  },
  closed,
)

export const PlanClassBody = Type.Pick(UpClassBody, ['classId', 'students', 'lab'], closed)

export const DownClassBody = Type.Object({ classId: Id, allowPartial: Type.Optional(Type.Boolean()) }, closed)

export const CollectClassBody = Type.Object(
  { classId: Id, students: Type.Optional(Type.Array(Id, { minItems: 1, maxItems: 1000, uniqueItems: true })) },
  closed,
)

export const ResetStudentBody = Type.Object(
  { classId: Id, studentId: Id, restore: Type.Optional(CollectionId) },
  closed,
)

export const DiscardStudentBody = Type.Object(
  { classId: Id, studentId: Id, reason: Type.String({ minLength: 1, maxLength: 500 }) },
  closed,
)

export const ExtendClassBody = Type.Object(
  { classId: Id, ttlMinutes: Type.Integer({ minimum: 1, maximum: 525_600 }) },
  closed,
)

export const ClassParams = Type.Object({ classId: Id }, closed)
export const SessionParams = Type.Object({ classId: Id, sessionId: SessionId }, closed)

const bagParams = {
  classId: Id,
  sessionId: SessionId,
  studentId: Id,
  collectionId: CollectionId,
}
export const BagParams = Type.Object(bagParams, closed)
export const BagFileParams = Type.Object({ ...bagParams, '*': Type.String({ minLength: 1, maxLength: 1024 }) }, closed)

export const AssetParams = Type.Object({ asset: Type.String({ maxLength: 64 }) }, closed)
export const OperationParams = Type.Object({ operationId: Type.String({ maxLength: 64 }) }, closed)
