// What Traefik asks for every few seconds (its HTTP provider): where each host name leads. Traefik keeps what it has when this is
// refused, so an engine that cannot be asked takes no route away.

import { type Static, Type } from '@sinclair/typebox'
import type { FastifyRequest } from 'fastify'
import { withProblems } from '../../port-problems.ts'
import { Problem } from '../../problems.ts'
import { defineCall, json } from '../define-call.ts'

const Router = Type.Object({
  rule: Type.String(),
  entryPoints: Type.Array(Type.String()),
  service: Type.String(),
  middlewares: Type.Optional(Type.Array(Type.String())),
})
const Service = Type.Object({
  loadBalancer: Type.Object({
    servers: Type.Array(Type.Object({ url: Type.String() })),
    healthCheck: Type.Optional(Type.Object({ path: Type.String(), interval: Type.String() })),
  }),
})
const Page = Type.Object({ replacePath: Type.Object({ path: Type.String() }) })

const RouteDocument = Type.Object({
  http: Type.Object({
    routers: Type.Optional(Type.Record(Type.String(), Router)),
    services: Type.Optional(Type.Record(Type.String(), Service)),
    middlewares: Type.Optional(Type.Record(Type.String(), Page)),
  }),
})

export const traefikRoutes = defineCall({
  name: 'traefik-routes',
  method: 'GET',
  url: '/room/traefik',
  access: 'traefik',
  isRoutine: true,
  summary: 'The routes of all sandboxes, for the HTTP provider of Traefik',
  description:
    'With the token of TRAEFIK_TOKEN. A sandbox that cannot be visited keeps its name and leads to a page that says why.' +
    ' By the health check in them Traefik shows that it uses them.',
  answers: { 200: json("Traefik's dynamic configuration.", RouteDocument) },
  problems: ['engine-unavailable'],
  async run({ classes: { traefik } }, request, reply): Promise<Static<typeof RouteDocument>> {
    if (!traefik) throw new Error('a token of Traefik was accepted, and there is no Traefik')
    const routes = await withProblems('engine-unavailable', () => traefik.routes(ownUrl(request)))
    reply.raw.once('finish', routes.delivered)
    return routes.document
  },
})

/** Where Traefik has found this service: there it finds the pages too. */
function ownUrl({ headers: { host }, socket: { localAddress = '', localPort } }: FastifyRequest): string {
  if (host === undefined)
    return `http://${localAddress.includes(':') ? `[${localAddress}]` : localAddress}:${localPort}`
  if (/^(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?$/i.test(host)) return `http://${host}`
  throw new Problem('invalid-request', 'The Host header is no address that Traefik could come back to.')
}
