// The process: configuration, wiring, listening, signals, exit codes. Everything else is in app.ts.
// An engine or a store that cannot be reached does not stop the start: calls say so, and work again when it is back.

import { chmod, lstat, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { setInterval } from 'node:timers'
import type { Logger } from 'pino'
import { buildApp, buildRoutesApp } from './app.ts'
import { CatalogueError, openCatalogue } from './catalogue/catalogue.ts'
import { fetchMissingImages } from './catalogue/images.ts'
import { ClassActions } from './classes/class-actions.ts'
import { Sweep } from './classes/sweep.ts'
import { Reservations } from './classes/up/reservations.ts'
import { ConfigError } from './config/values.ts'
import { type Config, readConfig } from './config.ts'
import { createGroupGate } from './gate.ts'
import type { App } from './http/app-type.ts'
import { openIdentify } from './http/auth/tokens.ts'
import { createLog, logEngineCalls } from './log.ts'
import { Metrics } from './metrics.ts'
import { Leases } from './operations/lease.ts'
import { Operations } from './operations/operations.ts'
import { createDockerRuntime } from './runtime/docker/runtime.ts'
import { sandboxesPerSubnet } from './runtime/docker/subnets.ts'
import { createSwarmRuntime } from './runtime/docker/swarm.ts'
import type { Runtime } from './runtime/port.ts'
import { placementsOf } from './sessions/placements.ts'
import { startFacts } from './start-facts.ts'
import { openStore } from './store/open-store.ts'
import type { Store } from './store/port.ts'
import { Traefik } from './traefik/traefik.ts'

const catalogueCheckMs = 5_000
/** Each waits up to its lab's grace, and does nothing meanwhile. */
const stopsAtOnce = 64
/** What holds nothing is left alone for so long: another process may be about to fill it. */
const leakGraceMs = 300_000
/** A registry or an engine that was away is asked for the missing images again after so long. */
const imageRetryMs = 60_000
/** Exit code of sysexits.h for a wrong configuration. */
const exitBadConfiguration = 78

async function main(): Promise<void> {
  const config = readConfig()
  const log = createLog(config.logLevel)
  const catalogue = await openCatalogue(config.catalogue, (reason) => {
    log.error({ reason }, 'the catalogue edit is not in force: the last good one is kept')
  })
  const identify = await openIdentify(config.auth)
  const store = openConfiguredStore(config)
  const runtime = openRuntime(config, store, log)
  const operations = new Operations()
  const traefik = openTraefik(config, runtime, operations, log)
  const classes = {
    runtime,
    traefik,
    store,
    installation: config.installation,
    upGate: createGroupGate(config.upConcurrency),
    collectGate: createGroupGate(config.collectConcurrency),
    stopGate: createGroupGate(stopsAtOnce),
    maxStudents: sandboxesPerSubnet(config.subnets),
    sandboxUids: config.sandboxUids,
    reservations: new Reservations(),
  }
  let imageRetry: NodeJS.Timeout | undefined
  const fetchImages = () => {
    clearTimeout(imageRetry)
    void fetchMissingImages(runtime, catalogue.current(), log).then((complete) => {
      if (!complete) imageRetry = setTimeout(fetchImages, imageRetryMs).unref()
    })
  }
  const actions = new ClassActions(classes, operations, new Leases(store))
  const sweep = new Sweep(classes, actions, log, { everyMs: config.sweepSeconds * 1000, graceMs: leakGraceMs })
  const metrics = new Metrics()
  sweep.onSurvey((sessions) => {
    metrics.surveyed(sessions)
    // What was surveyed a moment ago is seldom gone: the next round says it then.
    if (config.fleet)
      runtime.nodes([]).then(
        (nodes) => metrics.nodesSeen(nodes),
        () => undefined,
      )
  })
  const dependencies = {
    ...{ classes, actions, catalogue, identify, log, metrics },
    connectionsPerAddress: config.connectionsPerAddress,
    onCatalogueChange: fetchImages,
  }
  const app = buildApp(dependencies)
  await listen('LISTEN', app, config.listen)
  const routes = config.routesListen && buildRoutesApp(dependencies)
  if (routes && config.routesListen) await listen('ROUTES_LISTEN', routes, config.routesListen)
  log.info(startFacts(config), 'this is what the service uses')
  if (config.auth.kind === 'jwt') log.info({ key: config.auth.key.kind }, 'AUTH is jwt: callers show a token')
  else log.warn('AUTH is off: everybody who can reach this address may start and end classes')
  for (const [part, check] of [
    ['engine', runtime.check()],
    ['store', store.check()],
  ] as const) {
    check.then(
      (facts) => log.info({ part, ...facts }, 'ready'),
      (error: unknown) => log.error({ part, err: error }, 'not ready: calls that need it will be refused until it is'),
    )
  }
  fetchImages()
  sweep.start()
  traefik?.start()
  const watch = setInterval(() => {
    catalogue.refresh().then(
      (changed) => changed && fetchImages(),
      (error: unknown) => log.error({ err: error }, 'catalogue watch failed'),
    )
  }, catalogueCheckMs)

  const stop = async (signal: string) => {
    log.info({ signal }, 'stopping: running operations end at the next safe place')
    clearInterval(watch)
    await Promise.all([sweep.stop(), traefik?.stop()])
    await app.close()
    // Last, so that visitors of a class that is on its way down get its pages.
    await routes?.close()
    await Promise.all([runtime.close(), store.close()])
    log.info('stopped')
  }
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => void stop(signal).catch((error: unknown) => fail(log, error)))
  }
}

async function listen(setting: 'LISTEN' | 'ROUTES_LISTEN', app: App, where: Config['listen']): Promise<void> {
  if ('path' in where) await removeStaleSocket(where.path)
  // Apart from the listening: what fails in here is not the address.
  await app.ready()
  try {
    // Fastify makes two servers for localhost, and the second has none of the first one's bounds.
    await app.listen('host' in where && where.host === 'localhost' ? { ...where, host: '127.0.0.1' } : where)
    // Whatever the umask: who may connect may do everything while there is no authentication.
    if ('path' in where) await chmod(where.path, 0o660)
  } catch (error) {
    const reason = error instanceof Error ? error.message : error
    throw new ConfigError(`${setting} cannot be used: ${reason}. Choose another address, or free this one.`, {
      cause: error,
    })
  }
}

function openTraefik({ proxy }: Config, runtime: Runtime, operations: Operations, log: Logger): Traefik | undefined {
  if (proxy.container === undefined) return undefined
  return new Traefik(runtime, proxy, log, (classId) => {
    const kind = operations.runningFor(classId)?.view().kind
    return kind === 'down-class' || kind === 'discard-student'
  })
}

function openConfiguredStore({ store }: Config): Store {
  try {
    return openStore(store)
  } catch (error) {
    throw new ConfigError(error instanceof Error ? error.message : String(error), { cause: error })
  }
}

/** A wrong DOCKER_HOST or certificate folder shows here; an engine that does not answer does not. */
function openRuntime({ engine, fleet, installation, proxy, subnets }: Config, store: Store, log: Logger): Runtime {
  const observed = { ...engine, onCall: logEngineCalls(log, engine) }
  const settings = { installation, proxy, subnets }
  try {
    if (!fleet) return createDockerRuntime(observed, settings)
    return createSwarmRuntime(observed, fleet.urlTemplate, settings, {
      placements: (classId, sessionId) => placementsOf(store, classId, sessionId),
      onNodeCall: (host) => logEngineCalls(log, { ...engine, host }),
      log,
    })
  } catch (error) {
    throw new ConfigError(`DOCKER_HOST: ${error instanceof Error ? error.message : error}.`, { cause: error })
  }
}

/** A killed process leaves its socket file behind; one that still answers belongs to a running service. */
async function removeStaleSocket(path: string): Promise<void> {
  const found = await lstat(path).catch(() => undefined)
  if (!found) return
  if (!found.isSocket()) throw new ConfigError(`LISTEN ${path} is a file, not a socket: choose another path.`)
  const answers = await new Promise<boolean>((resolve) => {
    const socket = connect(path)
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', (error: NodeJS.ErrnoException) =>
      resolve(error.code !== 'ECONNREFUSED' && error.code !== 'ENOENT'),
    )
  })
  if (answers)
    throw new ConfigError(`LISTEN ${path} is in use by another process: stop that one, or choose another path.`)
  await rm(path, { force: true })
}

function fail(log: Logger, error: unknown): void {
  log.fatal({ err: error }, 'the service could not stop cleanly')
  process.exitCode = 1
}

main().catch((error: unknown) => {
  const known = error instanceof ConfigError || error instanceof CatalogueError
  process.stderr.write(
    `class-runtime cannot start: ${known ? error.message : error instanceof Error ? error.stack : error}\n`,
  )
  process.exitCode = known ? exitBadConfiguration : 1
})
