// The service's side of Traefik: it gives Traefik the routes, attaches it to the networks of classes, and knows what is wrong with it.
// It follows the engine's events, so that neither waits for an operation, a collection or the store.

import { createHash, randomUUID, timingSafeEqual } from 'node:crypto'
import type { Logger } from 'pino'
import type { ProxyConfig } from '../config.ts'
import { RuntimeError } from '../runtime/errors.ts'
import type { HeldSession, SandboxState } from '../runtime/held.ts'
import type { ProxyState, Runtime } from '../runtime/port.ts'
import { requireHeard } from '../runtime/unreachable.ts'
import { within } from '../within.ts'
import { Polls } from './polls.ts'
import { isServed, type RouteDocument, routesOf, withSign } from './routes.ts'

/** Why pages cannot be reached, and what to do, in a teacher's words; `code` stands in the log. */
export interface ProxyTrouble {
  readonly code: 'missing' | 'stopped' | 'unattached' | 'refused' | 'silent' | 'unused' | 'old'
  readonly detail: string
}

export interface Routes {
  readonly document: RouteDocument
  /** To be called when Traefik has it. */
  delivered(): void
}

/** After so long the engine is looked at though it told of nothing. */
const lookEveryMs = 15_000
/** After a look that failed. */
const retryMs = 1_000
/** How long an up waits for Traefik, which asks every 5 s and goes on after 2 s more unless it is told otherwise. */
const routesWithinMs = 10_000
/** Routers by ClientIP came with it. */
const oldestVersion = [2, 5] as const

export class Traefik {
  readonly #runtime: Runtime
  readonly #config: ProxyConfig
  readonly #log: Logger
  readonly #isGoingDown: (classId: string) => boolean
  readonly #polls = new Polls()
  readonly #stopping = new AbortController()
  /** Counts what happened on the engine; what is known is of one such moment. */
  #version = 0
  #known: Known | undefined
  #surveying: Promise<void> | undefined
  #state: ProxyState | RuntimeError | undefined
  /** Class id -> the name of its network, in which Traefik is not. */
  #unattached: ReadonlyMap<string, string> = new Map()
  #looking: Promise<void> | undefined
  #lookAgain = false
  #timer: NodeJS.Timeout | undefined
  #told: string | undefined

  /** `isGoingDown`: the network of such a class is about to be removed. */
  constructor(runtime: Runtime, config: ProxyConfig, log: Logger, isGoingDown: (classId: string) => boolean) {
    this.#runtime = runtime
    this.#config = config
    this.#log = log
    this.#isGoingDown = isGoingDown
  }

  start(): void {
    void this.#runtime.watch(this.#stopping.signal, (what) => {
      this.#version++
      if (what === 'sandboxes') return
      this.#polls.beganAnew()
      void this.look()
    })
    void this.look()
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    clearTimeout(this.#timer)
    await this.#looking
  }

  /** Routes as the engine is now. `pagesUrl` is where Traefik finds this service. RuntimeError where they cannot be known. */
  async routes(pagesUrl: string): Promise<Routes> {
    const { version, sessions, id } = requireHeard(await this.#present())
    const live = new Set(sessions.flatMap(({ sandboxes }) => sandboxes.filter(isServed).flatMap(({ id }) => id ?? [])))
    return {
      document: withSign(routesOf(this.#config, sessions, pagesUrl), this.#config, pagesUrl, id),
      delivered: () => {
        this.#polls.gave({ id, version, live })
        this.#tell()
      },
    }
  }

  /** Traefik uses the routes of this id. */
  uses(id: string): void {
    this.#polls.uses(id)
    this.#tell()
  }

  isToken(token: string): boolean {
    const [given, wanted] = [token, this.#config.token ?? ''].map((each) => createHash('sha256').update(each).digest())
    return given !== undefined && wanted !== undefined && timingSafeEqual(given, wanted)
  }

  /** Somebody asked for routes with another token. */
  refused(): void {
    this.#polls.refused()
    this.#tell()
  }

  /** Whether Traefik uses the routes of what runs now; false after some seconds, and at once where Traefik is in trouble. */
  async hasRoutes(signal: AbortSignal): Promise<boolean> {
    if (this.trouble()) return false
    const version = ++this.#version
    return await this.#polls.used(version, within(routesWithinMs, signal))
  }

  /** Whether a request for this sandbox's host name comes to it. */
  leadsTo(classId: string, containerId: string | undefined): boolean {
    return containerId !== undefined && this.troubleOf(classId) === undefined && this.#polls.isLive(containerId)
  }

  get lastPolledAt(): number | undefined {
    return this.#polls.lastPolledAt
  }

  /** Of this class alone, or of all. */
  troubleOf(classId: string): ProxyTrouble | undefined {
    const network = this.#unattached.get(classId)
    return this.trouble() ?? (network === undefined ? undefined : troubles.unattached(network))
  }

  /** Of all classes. */
  trouble(): ProxyTrouble | undefined {
    const state = this.#state
    if (state instanceof RuntimeError) return state.code === 'proxy-missing' ? troubles.missing : undefined
    if (state && !state.isRunning) return troubles.stopped
    if (state?.version !== undefined && isOld(state.version)) return troubles.old(state.version)
    if (this.#polls.wasRefused) return troubles.refused
    if (this.#polls.isSilent) return troubles.silent
    return this.#polls.isUnused ? troubles.unused : undefined
  }

  /** Attaches Traefik to the networks that it should be in, and sees how it is. One look at a time; never rejects. */
  look(): Promise<void> {
    this.#lookAgain = this.#looking !== undefined
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined
      this.#tell()
      clearTimeout(this.#timer)
      if (this.#stopping.signal.aborted) return
      const isWrong = this.#state instanceof RuntimeError || this.#unattached.size > 0
      const pause = this.#lookAgain ? 0 : isWrong ? retryMs : lookEveryMs
      this.#lookAgain = false
      this.#timer = setTimeout(() => void this.look(), pause).unref()
    })
    return this.#looking
  }

  async #look(): Promise<void> {
    try {
      const { sessions } = await this.#present()
      const lives = ({ sandboxes }: HeldSession): boolean => sandboxes.some(({ state }) => alive.has(state))
      const networks = sessions
        .filter((session) => lives(session) && !this.#isGoingDown(session.classId))
        .flatMap(({ classId, network }) => (network ? [{ ...network, classId }] : []))
      const state = await this.#runtime.attachProxy(networks.map(({ id }) => id))
      this.#state = state
      const unattached = networks.filter(({ id }) => state?.unattached.has(id))
      for (const { id, classId, name } of unattached) {
        if (this.#unattached.has(classId)) continue
        this.#log.warn({ err: state?.unattached.get(id), classId, network: name }, 'Traefik cannot be attached')
      }
      this.#unattached = new Map(unattached.map(({ classId, name }) => [classId, name]))
    } catch (error) {
      this.#state = error instanceof RuntimeError ? error : new RuntimeError('failed', `${error}`, error)
    }
  }

  /** What the engine holds, asked anew where something has happened since. What happens during this is for the next who asks. */
  async #present() {
    const wanted = this.#version
    for (;;) {
      const known = this.#known
      if (known && known.version >= wanted && performance.now() - known.at < lookEveryMs) return known
      this.#surveying ??= this.#survey().finally(() => {
        this.#surveying = undefined
      })
      await this.#surveying
    }
  }

  async #survey(): Promise<void> {
    const version = this.#version
    const sessions = await this.#runtime.survey()
    const content = JSON.stringify(routesOf(this.#config, sessions, ''))
    const id = content === this.#known?.content ? this.#known.id : randomUUID()
    this.#known = { version, at: performance.now(), sessions, content, id }
  }

  /** Once when it begins, when it becomes another one and when it ends. */
  #tell(): void {
    const trouble = this.trouble()
    if (trouble?.detail === this.#told) return
    if (trouble) this.#log.warn({ code: trouble.code, detail: trouble.detail }, 'Traefik does not lead to the classes')
    else this.#log.info('Traefik leads to the classes')
    this.#told = trouble?.detail
  }
}

/** What the engine holds, and the routes that follow from it: `id` is of their content. */
interface Known {
  readonly version: number
  readonly at: number
  readonly sessions: readonly HeldSession[]
  readonly content: string
  readonly id: string
}

/** Of a sandbox that has an endpoint: without a proxy it is the sandbox's own address. */
export function endpointState(
  traefik: Traefik | undefined,
  classId: string,
  containerId: string | undefined,
  endpoint: string | undefined,
): 'ready' | 'pending' | null {
  if (endpoint === undefined) return null
  return !traefik || traefik.leadsTo(classId, containerId) ? 'ready' : 'pending'
}

const alive: ReadonlySet<SandboxState> = new Set(['running', 'starting', 'unhealthy', 'paused', 'restarting'])

const isOld = (version: string): boolean => {
  const [major = 0, minor = 0] = version.replace(/^v/, '').split('.').map(Number)
  if (Number.isNaN(major) || Number.isNaN(minor)) return false
  return major < oldestVersion[0] || (major === oldestVersion[0] && minor < oldestVersion[1])
}

const asks = (what: string, operator: string): string =>
  `${what}, so that students' pages cannot be opened. Ask the operator ${operator}.`

const troubles = {
  missing: {
    code: 'missing',
    detail: asks('Traefik is not on the engine', 'to start its container, or to correct TRAEFIK_CONTAINER'),
  },
  stopped: { code: 'stopped', detail: asks('Traefik does not run', 'to start its container') },
  refused: {
    code: 'refused',
    detail: asks(
      'Traefik asks for its routes with a wrong token',
      'to give Traefik the value of TRAEFIK_TOKEN (--providers.http.headers.Authorization)',
    ),
  },
  silent: {
    code: 'silent',
    detail: asks(
      'Traefik does not ask this service for its routes',
      'to set --providers.http.endpoint of Traefik to the path /room/traefik of this service, and to see that Traefik can reach it',
    ),
  },
  unused: {
    code: 'unused',
    detail: asks(
      'Traefik asks for its routes and does not use them',
      "to look at Traefik's log, and to see that it has the entrypoints of TRAEFIK_ENTRYPOINTS",
    ),
  },
  unattached: (network: string): ProxyTrouble => ({
    code: 'unattached',
    detail: asks(`Traefik is not attached to ${network}`, "to look at the service's log for the reason"),
  }),
  old: (version: string): ProxyTrouble => ({
    code: 'old',
    detail: `Traefik ${version} is too old: it leads sandboxes into other students' pages. Ask the operator for Traefik ${oldestVersion.join('.')} or later.`,
  }),
} as const satisfies Record<string, ProxyTrouble | ((...args: never[]) => ProxyTrouble)>
