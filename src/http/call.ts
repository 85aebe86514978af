// What a call promises, as data: what it is for, what it answers, and the problems that are its own. What follows from its
// route alone (a token that is refused, a body that is too large) is worked out from the route, so that no row can forget it.

import { type TSchema, TypeGuard } from '@sinclair/typebox'
import type { ProblemCode } from '../problems.ts'
import type { App } from './app-type.ts'
import { type Access, accessOn } from './auth/access.ts'
import { calls } from './calls/calls.ts'

export interface Answer {
  readonly description: string
  /** Of the body; absent: of a body that is not JSON. */
  readonly schema?: TSchema
  /** Absent: there is no body. */
  readonly type?: string
  /** Name -> what it says. */
  readonly headers?: Readonly<Record<string, string>>
}

export interface Call {
  /** Unique; the operationId of the document. */
  readonly name: string
  readonly summary: string
  /** Markdown. */
  readonly description?: string
  readonly answers: Readonly<Partial<Record<200 | 202 | 206 | 302 | 503, Answer>>>
  /** Beside those of `commonProblems`. */
  readonly problems: readonly ProblemCode[]
}

/** A route and what it promises. */
export interface Described extends Call {
  readonly method: string
  /** As the route has it: `/room/classes/:classId`. */
  readonly url: string
  readonly access: Access
  readonly body: TSchema | undefined
  readonly params: TSchema | undefined
}

/** To be called before the routes are registered. The list grows as they are, in their order. */
export function registerContract(app: App): readonly Described[] {
  const described: Described[] = []
  app.addHook('onRoute', ({ method, url, schema }) => {
    for (const each of [method].flat()) {
      // Fastify makes a HEAD of every GET.
      if (each === 'HEAD') continue
      const call = calls[`${each} ${url}`]
      const access = accessOn(each, url)
      if (!call || !access) {
        throw new Error(`${each} ${url} has no row in src/http/calls/calls.ts: write there what it answers`)
      }
      const [body, params] = [schemaOf(schema?.body), schemaOf(schema?.params)]
      described.push({ ...call, method: each, url, access, body, params })
    }
  })
  app.addHook('onReady', async () => {
    const gone = Object.keys(calls).filter((row) => !described.some(({ method, url }) => row === `${method} ${url}`))
    if (gone.length > 0) throw new Error(`src/http/calls/calls.ts describes routes that are not there: ${gone}`)
  })
  return described
}

const schemaOf = (schema: unknown): TSchema | undefined => (TypeGuard.IsSchema(schema) ? schema : undefined)

/** It runs as an operation. */
export const isAction = (access: Access): boolean => access === 'class-action' || access === 'admin-action'

/** Those that follow from the route, and the call's own. */
export function problemsOf({ access, body, problems }: Described): ProblemCode[] {
  const codes: ProblemCode[] = ['too-many-requests', 'internal', 'invalid-request', ...problems]
  if (access !== 'open') codes.push('not-authenticated', 'keys-unavailable', 'forbidden')
  if (access === 'operation') codes.push('unknown-operation')
  if (isAction(access)) codes.push('operation-in-progress', 'shutting-down')
  if (body) codes.push('payload-too-large', 'unsupported-media-type')
  return codes
}
