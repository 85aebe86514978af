// Who may call what: the one place that decides, before any route runs. A route that has no row here stops the start.
// A teacher never learns whether a class of others exists: an unknown class and a forbidden one get the same answer.

import { type Static, type TSchema, Type } from '@sinclair/typebox'
import { type TypeCheck, TypeCompiler } from '@sinclair/typebox/compiler'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Catalogue } from '../../catalogue/catalogue.ts'
import { Id } from '../../catalogue/schema.ts'
import { type Operations, unknownOperation } from '../../operations/operations.ts'
import { Problem } from '../../problems.ts'
import type { App } from '../app-type.ts'
import { collectMethods } from '../methods.ts'
import type { Identify, Identity } from './tokens.ts'

/**
 * open: nobody is asked who they are · authenticated: every caller, and the route shows each what is theirs
 * · class: teachers of the class in the path, and admins · class-question: those of the class in the body
 * · class-action: the same, and audited · admin-action: admins alone, and audited · operation: those of the operation's class
 */
export type Access =
  | 'open'
  | 'authenticated'
  | 'class'
  | 'class-question'
  | 'class-action'
  | 'admin-action'
  | 'operation'

const session = '/room/classes/:classId/sessions/:sessionId'
const bag = `${session}/students/:studentId/:collectionId`

const accessTo: Readonly<Record<string, Access>> = {
  'POST /room/up-class': 'class-action',
  'POST /room/down-class': 'class-action',
  'POST /room/collect-class': 'class-action',
  'POST /room/extend-class': 'class-action',
  'POST /room/reset-student': 'class-action',
  'POST /room/discard-student': 'admin-action',
  'POST /room/plan-class': 'class-question',
  'GET /room/classes': 'authenticated',
  'GET /room/classes/:classId': 'class',
  'GET /room/classes/:classId/sessions': 'class',
  [`GET ${session}`]: 'class',
  [`GET ${bag}`]: 'class',
  [`GET ${bag}/files/*`]: 'class',
  'GET /room/operations/:operationId': 'operation',
  'GET /room/operations/:operationId/events': 'operation',
  'GET /room/labs': 'authenticated',
  // A server that scrapes should be able to do nothing else: any token will do, such as of a teacher without a class.
  'GET /metrics': 'authenticated',
  'GET /healthz': 'open',
  'GET /readyz': 'open',
  // What the calls look like is in the README too: no data of a class is in there.
  'GET /openapi.json': 'open',
  'GET /docs': 'open',
  'GET /docs/:asset': 'open',
}

/** Undefined for a path that no route takes. */
export function accessOf(request: FastifyRequest): Access | undefined {
  const { url } = request.routeOptions
  return url === undefined ? undefined : accessOn(request.method, url)
}

/** `url` as the route has it. */
export const accessOn = (method: string, url: string): Access | undefined => accessTo[row(method, url)]

/** HEAD is GET without its body. */
const row = (method: string, url: string): string => `${method === 'HEAD' ? 'GET' : method} ${url}`

const identities = new WeakMap<FastifyRequest, Identity>()

/** Undefined before a token was accepted, and on open routes. */
export const findIdentity = (request: FastifyRequest): Identity | undefined => identities.get(request)

export function identityOf(request: FastifyRequest): Identity {
  const identity = identities.get(request)
  if (identity) return identity
  throw new Error(`${request.method} ${request.routeOptions.url} runs without a caller`)
}

/** A class that is not in the catalogue, such as one that left it while it was up, is the admins' alone. */
export function mayActOn({ actor, role }: Identity, catalogue: Catalogue, classId: string): boolean {
  if (role === 'admin') return true
  return catalogue.hasClass(classId) && catalogue.findClass(classId).teachers.includes(actor)
}

export interface AccessDependencies {
  readonly identify: Identify
  readonly operations: Operations
  currentCatalogue(): Promise<Catalogue>
}

/** To be called before the routes are registered. */
export function registerAccess(app: App, { identify, operations, currentCatalogue }: AccessDependencies): void {
  const methodsOn = collectMethods(app)
  app.addHook('onRoute', ({ method, url }) => {
    for (const each of [method].flat()) {
      if (accessOn(each, url)) continue
      throw new Error(`${each} ${url} has no row in src/http/auth/access.ts: write there who may call it`)
    }
  })

  // Before the body is read: a stranger costs one token check, and a path that no route takes not even that.
  app.addHook('onRequest', async (request, reply) => {
    if (request.is404) {
      const allowed = methodsOn(request.url)
      if (allowed.length > 0) {
        reply.header('allow', allowed.join(', '))
        throw new Problem(
          'method-not-allowed',
          `This path has no ${request.method}. It takes ${allowed.join(' and ')}.`,
        )
      }
      throw new Problem('not-found', `There is no ${request.method} on this path. The README lists the calls.`)
    }
    if (accessOf(request) === 'open') return
    // What is told to one caller is nobody else's, wherever it passes.
    reply.header('cache-control', 'private, no-store')
    const identity = await identify(request.headers.authorization).catch((error: unknown) => {
      challenge(reply, error)
      throw error
    })
    identities.set(request, identity)
    if (identity.role !== 'none') return
    throw new Problem(
      'forbidden',
      'The role of this token may do nothing here: only a teacher and an admin may. Ask the operator of the portal.',
    )
  })

  // After the schemas: the class is known, and nothing has been looked at yet.
  app.addHook('preHandler', async (request) => {
    const access = accessOf(request)
    if (access === 'open' || access === 'authenticated') return
    const identity = identityOf(request)
    const catalogue = await currentCatalogue()
    if (access === 'operation') {
      const { operationId } = read(OperationReference, request.params)
      if (!mayActOn(identity, catalogue, operations.get(operationId).request.classId)) throw unknownOperation()
      return
    }
    if (access === 'admin-action') {
      if (identity.role === 'admin') return
      throw new Problem('forbidden', 'Only an admin may do this: ask the operator.')
    }
    const { classId } = read(ClassReference, access === 'class' ? request.params : request.body)
    if (mayActOn(identity, catalogue, classId)) return
    throw new Problem(
      'forbidden',
      `You are not a teacher of a class '${classId}'. Check the id, or ask the operator to list you as its teacher.`,
    )
  })
}

const ClassReference = TypeCompiler.Compile(Type.Object({ classId: Id }))
const OperationReference = TypeCompiler.Compile(Type.Object({ operationId: Type.String() }))

/** The route's own schema has been checked by now: anything else is a row that does not fit its route. */
function read<T extends TSchema>(reference: TypeCheck<T>, value: unknown): Static<T> {
  if (reference.Check(value)) return value
  throw new Error('the row of this route in src/http/auth/access.ts does not fit its schema')
}

/** RFC 6750, 3: a request without a token is told the scheme alone. */
function challenge(reply: FastifyReply, error: unknown): void {
  if (!(error instanceof Problem) || error.code !== 'not-authenticated') return
  const words =
    error.extensions['reason'] === 'missing' ? '' : ` error="invalid_token", error_description="${error.message}"`
  reply.header('www-authenticate', `Bearer${words}`)
}
