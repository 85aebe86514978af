// What more than one call takes. Every object is closed: an unknown field is refused by name, never dropped in silence.
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

export const closed = { additionalProperties: false } as const

const SessionId = Type.String({
  pattern: sessionIdPattern,
  description: 'a session id looks like 20260907t080000000z-1f2e, as the list of sessions has it',
})

export const CollectionId = Type.String({
  pattern: collectionIdPattern,
  description: 'a collection id is final, final- and a number, or looks like snapshot-20260907t080000000z',
})

export const ClassParams = Type.Object({ classId: Id }, closed)
export const StudentParams = Type.Object({ classId: Id, studentId: Id }, closed)
export const SessionParams = Type.Object({ classId: Id, sessionId: SessionId }, closed)

const bagParams = {
  classId: Id,
  sessionId: SessionId,
  studentId: Id,
  collectionId: CollectionId,
}
export const sessionUrl = '/room/classes/:classId/sessions/:sessionId'
export const bagUrl = `${sessionUrl}/students/:studentId/:collectionId`

export const BagParams = Type.Object(bagParams, closed)
export const BagFileParams = Type.Object({ ...bagParams, '*': Type.String({ minLength: 1, maxLength: 1024 }) }, closed)

export const OperationParams = Type.Object({ operationId: Type.String({ maxLength: 64 }) }, closed)
