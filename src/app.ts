// The service without its process. Tests build it with their own runtime and store.

import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import Fastify from 'fastify'
import type { Logger } from 'pino'
import type { Catalogue, CatalogueWatch } from './catalogue/catalogue.ts'
import type { ClassActions } from './classes/class-actions.ts'
import type { ClassContext } from './classes/context.ts'
import type { App } from './http/app-type.ts'
import { registerAccess } from './http/auth/access.ts'
import { registerLoopback } from './http/auth/loopback.ts'
import { type Identify, trustEverybody } from './http/auth/tokens.ts'
import type { CallContext } from './http/call-context.ts'
import { calls, traefikCalls } from './http/calls/index.ts'
import { countAnswers } from './http/count-answers.ts'
import { answerClientError, answerFrameworkError, registerErrors } from './http/errors.ts'
import { answerHeadWithoutBody } from './http/head.ts'
import { boundConnections, headCheckMs, headMs } from './http/limits/connections.ts'
import { limit, overLimit, registerRateLimit, TokenBuckets } from './http/limits/rate-limit.ts'
import { buildDocument } from './http/openapi/document.ts'
import { closeQueries } from './http/query.ts'
import { Readiness } from './http/readiness.ts'
import { registerCalls } from './http/register-calls.ts'
import type { TypeBoxProvider } from './http/schemas.ts'
import type { Metrics } from './metrics.ts'
import { canonicalClassId } from './sessions/class-id.ts'

export interface AppDependencies {
  readonly classes: ClassContext
  readonly actions: ClassActions
  readonly catalogue: CatalogueWatch
  readonly identify: Identify
  readonly log: Logger
  readonly metrics: Metrics
  /** CONNECTIONS_PER_ADDRESS. */
  readonly connectionsPerAddress: number
  /** Called when a new catalogue came into force, to fetch the images of its labs. */
  onCatalogueChange(): void
}

/** All calls, for portal, operators and teachers. */
export function buildApp(dependencies: AppDependencies): App {
  const { actions, identify, metrics } = dependencies
  const { operations } = actions
  let document = ''
  const app = openApp(dependencies)
  if (identify === trustEverybody) registerLoopback(app)
  countAnswers(app, metrics, operations)
  registerCalls(
    app,
    calls,
    contextOf(dependencies, () => document),
  )
  // A document that cannot be made stops the start.
  app.addHook('onReady', async () => {
    const { version } = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8'))
    document = JSON.stringify(buildDocument(calls, version))
  })
  app.addHook('preClose', () => operations.stop())
  return app
}

/** What Traefik calls and nothing else, for a listener of its own. */
export function buildRoutesApp(dependencies: AppDependencies): App {
  const app = openApp(dependencies)
  registerCalls(
    app,
    traefikCalls,
    contextOf(dependencies, () => ''),
  )
  return app
}

/** Without a call: how requests are bounded, checked and refused. */
function openApp({ classes, actions, identify, log, connectionsPerAddress, ...catalogue }: AppDependencies): App {
  const buckets = new TokenBuckets(limit)
  const app = Fastify({
    loggerInstance: log,
    genReqId: () => randomUUID(),
    bodyLimit: 1024 * 1024,
    // Fastify's own defaults drop unknown fields and turn "1" into 1 in silence.
    // `verbose` hands an error the schema, whose description says in words what its pattern is.
    ajv: { customOptions: { removeAdditional: false, coerceTypes: false, useDefaults: false, verbose: true } },
    // Longer than any valid parameter, so that the schema refuses a long one by its name.
    routerOptions: { maxParamLength: 2048 },
    frameworkErrors: (error, request, reply) => {
      const { raw } = reply.hijack()
      const refused = overLimit(buckets, request)
      if (refused) raw.setHeader('retry-after', refused.retryAfterSeconds)
      answerFrameworkError(refused?.problem ?? error, request, raw)
    },
    // For all of a request to come in; long calls are bounded by `Prefer: wait`.
    requestTimeout: 60_000,
    forceCloseConnections: 'idle',
    // While it closes, calls get the problem that they would get anyway, not a body of Fastify's own.
    return503OnClosing: false,
    clientErrorHandler: answerClientError,
    http: {
      // Nobody who may call needs a Host header, and Node's refusal of a request without one has no body.
      requireHostHeader: false,
      headersTimeout: headMs,
      connectionsCheckingInterval: headCheckMs,
    },
  }).withTypeProvider<TypeBoxProvider>()

  boundConnections(app.server, connectionsPerAddress, log)
  app.removeContentTypeParser('text/plain')
  registerErrors(app)
  answerHeadWithoutBody(app)
  closeQueries(app)
  registerRateLimit(app, buckets)
  registerAccess(app, {
    identify,
    operations: actions.operations,
    traefik: classes.traefik,
    currentCatalogue: () => currentCatalogue(catalogue),
  })
  return app
}

async function currentCatalogue({
  catalogue,
  onCatalogueChange,
}: Pick<AppDependencies, 'catalogue' | 'onCatalogueChange'>): Promise<Catalogue> {
  if (await catalogue.refresh()) onCatalogueChange()
  return catalogue.current()
}

function contextOf({ classes, actions, metrics, ...watched }: AppDependencies, document: () => string): CallContext {
  const current = () => currentCatalogue(watched)
  return {
    classes,
    actions,
    metrics,
    readiness: new Readiness(classes, metrics),
    currentCatalogue: current,
    canonicalClassId: async (classId) => canonicalClassId(classes, await current(), classId),
    brokenEdit: () => watched.catalogue.brokenEdit(),
    document,
  }
}
