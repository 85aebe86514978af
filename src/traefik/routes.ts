// What Traefik is told: for each sandbox a router of its host name, and where that leads. The form is that of Traefik's dynamic
// configuration (https://doc.traefik.io/traefik/providers/http/).

import type { ProxyConfig } from '../config.ts'
import { containerName, hostName } from '../names.ts'
import type { HeldSandbox, HeldSession, SandboxState } from '../runtime/held.ts'

/** Why a sandbox cannot be visited now: each has a page of its own. */
export const waitingStates = ['starting', 'ill', 'stopped'] as const
export type WaitingState = (typeof waitingStates)[number]

export interface Router {
  rule: string
  entryPoints: string[]
  service: string
  middlewares?: string[]
}

interface Service {
  loadBalancer: { servers: { url: string }[]; healthCheck?: { path: string; interval: string } }
}

export interface RouteDocument {
  http: {
    routers?: Record<string, Router>
    services?: Record<string, Service>
    middlewares?: Record<string, { replacePath: { path: string } }>
  }
}

/**
 * With a health check of the service itself, by which Traefik shows the `id` of the routes that it uses: that it was given them is
 * seconds before, or for nothing where it cannot read them or lacks an entrypoint. Traefik checks only what a router leads to; no
 * request fits this one.
 */
export function withSign({ http }: RouteDocument, proxy: ProxyConfig, pagesUrl: string, id: string): RouteDocument {
  const router = { rule: 'Path(`/a`) && Path(`/b`)', entryPoints: listOf(proxy.entrypoints), service: signName }
  const healthCheck = { path: signPath(id), interval: '250ms' }
  return {
    http: {
      ...http,
      routers: { ...http.routers, [signName]: router },
      services: { ...http.services, [signName]: { loadBalancer: { servers: [{ url: pagesUrl }], healthCheck } } },
    },
  }
}

const signName = 'class-runtime-in-use'
export const signPath = (id: string): string => `/room/traefik/in-use/${id}`

/** A frozen sandbox keeps its route: requests wait for the thaw. One that cannot be asked keeps the one that it had. */
const served: ReadonlySet<SandboxState> = new Set(['running', 'paused', 'unreachable'])

export const isServed = ({ state, server, isDetached }: HeldSandbox): boolean =>
  served.has(state) && server !== undefined && !isDetached

/**
 * Every sandbox that the engine holds keeps its name. One that cannot be visited leads to a page of the service, which Traefik
 * finds at `pagesUrl`: never to nothing, and never to somebody else's.
 */
export function routesOf(proxy: ProxyConfig, sessions: readonly HeldSession[], pagesUrl: string): RouteDocument {
  const routers: Record<string, Router> = {}
  const services: Record<string, Service> = {}
  const waiting = new Set<WaitingState>()
  for (const { name, host, sandbox } of namedSandboxes(proxy, sessions)) {
    const state = waitingState(sandbox)
    if (state) waiting.add(state)
    else services[name] = serviceAt(sandbox.server ?? '')
    const middlewares = [...listOf(proxy.middlewares), ...(state ? [pageName(state)] : [])]
    routers[name] = {
      rule: `Host(\`${host}\`)`,
      entryPoints: listOf(proxy.entrypoints),
      service: state ? pagesService : name,
      ...(middlewares.length > 0 ? { middlewares } : {}),
    }
    routers[`${name}--inside`] = guard(proxy, host)
  }
  if (waiting.size > 0) services[pagesService] = serviceAt(pagesUrl)
  const middlewares = Object.fromEntries(
    [...waiting].map((state) => [pageName(state), { replacePath: { path: waitingPath(state) } }]),
  )
  // Traefik refuses an object without members.
  return {
    http: {
      ...(Object.keys(routers).length > 0 ? { routers } : {}),
      ...(Object.keys(services).length > 0 ? { services } : {}),
      ...(waiting.size > 0 ? { middlewares } : {}),
    },
  }
}

const pagesService = 'class-runtime-pages'
const pageName = (state: WaitingState): string => `class-runtime-${state}`
export const waitingPath = (state: string): string => `/room/traefik/${state}`

const serviceAt = (url: string): Service => ({ loadBalancer: { servers: [{ url }] } })

const listOf = (text: string | undefined): string[] =>
  (text ?? '')
    .split(',')
    .map((each) => each.trim())
    .filter(Boolean)

/** Of two that an ended session and the present one hold of a student, the one that can be visited. */
function namedSandboxes({ labDomain }: ProxyConfig, sessions: readonly HeldSession[]) {
  const byName = new Map<string, { name: string; host: string; sandbox: HeldSandbox }>()
  for (const { classId, sandboxes } of sessions) {
    for (const sandbox of sandboxes) {
      const name = containerName(classId, sandbox.studentId)
      const known = byName.get(name)
      if (known && (isServed(known.sandbox) || !isServed(sandbox))) continue
      byName.set(name, { name, host: hostName(classId, sandbox.studentId, labDomain), sandbox })
    }
  }
  return [...byName.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
}

/** Undefined where the sandbox itself can be visited. */
function waitingState(sandbox: HeldSandbox): WaitingState | undefined {
  if (isServed(sandbox)) return undefined
  if (sandbox.state === 'unhealthy') return 'ill'
  return sandbox.state === 'starting' || sandbox.state === 'restarting' ? 'starting' : 'stopped'
}

/**
 * Traefik is in the networks of all classes, and would lead a sandbox into those of others. What comes from a sandbox is taken by this
 * router, whose longer rule goes first, and led nowhere (418).
 */
const guard = (proxy: ProxyConfig, host: string): Router => ({
  rule: `Host(\`${host}\`) && ClientIP(\`${proxy.sandboxes}\`)`,
  entryPoints: listOf(proxy.entrypoints),
  service: 'noop@internal',
})
