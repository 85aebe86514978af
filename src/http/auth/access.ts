// Who may call what, by the access that the call asks for: the one place that decides, before any call runs.
// A teacher never learns whether a class of others exists: an unknown class and a forbidden one get the same answer.

import { type Static, type TSchema, Type } from '@sinclair/typebox'
import { type TypeCheck, TypeCompiler } from '@sinclair/typebox/compiler'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Catalogue } from '../../catalogue/catalogue.ts'
import { Id } from '../../catalogue/schema.ts'
import { type Operations, unknownOperation } from '../../operations/operations.ts'
import { Problem } from '../../problems.ts'
import type { Traefik } from '../../traefik/traefik.ts'
import type { App } from '../app-type.ts'
import { callOf } from '../define-call.ts'
import { collectMethods } from '../methods.ts'
import { type Identify, type Identity, refusals } from './tokens.ts'

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
  readonly traefik: Traefik | undefined
  currentCatalogue(): Promise<Catalogue>
}

/** To be called before the routes are registered. */
export function registerAccess(
  app: App,
  { identify, operations, traefik, currentCatalogue }: AccessDependencies,
): void {
  const methodsOn = collectMethods(app)

  function requireTraefik(request: FastifyRequest, reply: FastifyReply): void {
    const token = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1]
    if (token !== undefined && traefik?.isToken(token)) return
    if (token !== undefined) traefik?.refused()
    const reason = token === undefined ? 'missing' : 'traefik'
    const error = new Problem('not-authenticated', refusals[reason], { extensions: { reason } })
    challenge(reply, error)
    throw error
  }

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
    const access = callOf(request)?.access
    if (access === 'open') return
    // What is told to one caller is nobody else's, wherever it passes.
    reply.header('cache-control', 'private, no-store')
    if (access === 'traefik') return requireTraefik(request, reply)
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
    const access = callOf(request)?.access
    if (access === 'open' || access === 'authenticated' || access === 'traefik') return
    const identity = identityOf(request)
    const catalogue = await currentCatalogue()
    if (access === 'operation') {
      const { operationId } = read(OperationReference, request.params)
      if (!mayActOn(identity, catalogue, operations.get(operationId).request.classId)) throw unknownOperation()
      return
    }
    if (access === 'admin' || access === 'admin-action') {
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

/** The call's own schemas have been checked by now: anything else is an access that does not fit them. */
function read<T extends TSchema>(reference: TypeCheck<T>, value: unknown): Static<T> {
  if (reference.Check(value)) return value
  throw new Error('the access of this call does not fit its schemas')
}

/** RFC 6750, 3: a request without a token is told the scheme alone. */
function challenge(reply: FastifyReply, error: unknown): void {
  if (!(error instanceof Problem) || error.code !== 'not-authenticated') return
  const words =
    error.extensions['reason'] === 'missing' ? '' : ` error="invalid_token", error_description="${error.message}"`
  reply.header('www-authenticate', `Bearer${words}`)
}
