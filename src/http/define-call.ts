// What a call is: everything about it in one record. Its route, who may call it, its row in the OpenAPI document, its name in
// the audit log and its example are all made from this.

import type { Static, TSchema } from '@sinclair/typebox'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Logger } from 'pino'
import type { ProblemCode } from '../problems.ts'
import type { CallContext } from './call-context.ts'

/**
 * open: nobody is asked who they are · authenticated: every caller, and the call shows each what is theirs
 * · class: teachers of the class in the path, and admins · class-question: those of the class in the body
 * · class-action: the same, and audited · admin: admins alone · admin-action: the same, and audited
 * · operation: those of the operation's class
 * · traefik: who shows TRAEFIK_TOKEN
 */
export type Access =
  | 'open'
  | 'authenticated'
  | 'class'
  | 'class-question'
  | 'class-action'
  | 'admin'
  | 'admin-action'
  | 'operation'
  | 'traefik'

export interface Answer {
  readonly description: string
  /** Of the body; absent: of a body that is not JSON. */
  readonly schema?: TSchema
  /** Absent: there is no body. */
  readonly type?: string
  /** Name -> what it says. */
  readonly headers?: Readonly<Record<string, string>>
}

export type CallRequest<Params, Body> = FastifyRequest & {
  readonly params: Params
  readonly body: Body
  readonly log: Logger
}

export interface Call<Params extends TSchema = TSchema, Body extends TSchema = TSchema> {
  /** Unique: the operationId of the document and the action of the audit line. */
  readonly name: string
  readonly method: 'GET' | 'POST'
  /** It stands for somebody else's page: every method is answered alike, and nothing but the path is read or checked. */
  readonly everyMethod?: true
  /** A program makes it several times a second: it leaves a line in the log only where it fails. */
  readonly isRoutine?: true
  /** As the router has it: `/room/classes/:classId`. */
  readonly url: string
  readonly access: Access
  readonly summary: string
  /** Markdown. */
  readonly description?: string
  /** Closed: what it does not name is refused by its name. */
  readonly params?: Params
  readonly body?: Body
  readonly answers: Readonly<Partial<Record<200 | 202 | 206 | 302 | 503, Answer>>>
  /** Its own; those that follow from the rest of the record are added by `problemsOf`. */
  readonly problems: readonly ProblemCode[]
  /** A good body, which the contract tests send. */
  readonly example?: Static<Body>
  /** Resolves with the body of the answer; rejects with a Problem. */
  run(context: CallContext, request: CallRequest<Static<Params>, Static<Body>>, reply: FastifyReply): Promise<unknown>
}

/** A class action is defined by `defineAction`, which starts an operation: that is what leaves the audit line. */
export const defineCall = <Params extends TSchema, Body extends TSchema>(
  call: Call<Params, Body> & { readonly access: Exclude<Access, 'class-action' | 'admin-action'> },
): Call => call

export const json = (description: string, schema: TSchema): Answer => ({
  description,
  schema,
  type: 'application/json',
})

declare module 'fastify' {
  interface FastifyContextConfig {
    call?: Call
  }
}

/** Undefined for a path that no call takes. */
export const callOf = (request: FastifyRequest): Call | undefined => request.routeOptions.config.call

/** It runs as an operation. */
export const isAction = (access: Access): boolean => access === 'class-action' || access === 'admin-action'

/** Those that follow from the record, such as of a token that is refused or a body that is too large, and the call's own. */
export function problemsOf({ access, body, problems }: Call): ProblemCode[] {
  const codes: ProblemCode[] = ['too-many-requests', 'internal', 'invalid-request', ...problems]
  if (access !== 'open') codes.push('not-authenticated')
  if (access !== 'open' && access !== 'traefik') codes.push('keys-unavailable', 'forbidden')
  if (access === 'operation') codes.push('unknown-operation')
  if (isAction(access)) codes.push('operation-in-progress', 'shutting-down')
  if (body) codes.push('payload-too-large', 'unsupported-media-type')
  return codes
}
