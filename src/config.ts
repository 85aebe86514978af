// The one reader of the environment; settings.ts has the variables and their defaults.
// A wrong value stops the start with the variable's name and what it should look like; nothing is guessed.

import { resolve } from 'node:path'
import { type AuthConfig, readAuth } from './config/auth.ts'
import { type ListenAddress, parseListen } from './config/listen.ts'
import { refuseMisspelt } from './config/misspelt.ts'
import { readSubnets, readUids, type SubnetConfig, type UidRange } from './config/ranges.ts'
import { readStore, type StoreSettings } from './config/store.ts'
import { ConfigError, type Get, integer, oneOf, pattern } from './config/values.ts'
import { settings } from './settings.ts'

export interface Config {
  readonly listen: ListenAddress
  /** ROUTES_LISTEN: where Traefik gets its routes and the pages that they lead to; undefined: where everybody calls. */
  readonly routesListen: ListenAddress | undefined
  readonly auth: AuthConfig
  readonly engine: { readonly host: string; readonly certPath?: string }
  /** Undefined: there is one engine. */
  readonly fleet: FleetConfig | undefined
  readonly catalogue: string
  readonly store: StoreSettings
  readonly installation: string
  readonly proxy: ProxyConfig
  readonly subnets: SubnetConfig
  readonly sandboxUids: UidRange
  readonly upConcurrency: number
  readonly collectConcurrency: number
  readonly sweepSeconds: number
  readonly connectionsPerAddress: number
  readonly logLevel: LogLevel
}

export interface FleetConfig {
  /** Where the engine of a node is, with `{addr}` for its address. */
  readonly urlTemplate: string
}

export interface ProxyConfig {
  /** Name or id of the Traefik container; undefined: no proxy, and endpoints are the sandboxes' own addresses. */
  readonly container: string | undefined
  /** TRAEFIK_TOKEN; undefined only without a container. */
  readonly token: string | undefined
  readonly entrypoints: string
  readonly middlewares: string | undefined
  readonly labDomain: string
  /** CLASS_SUBNET_POOL: who calls from there is a sandbox. */
  readonly sandboxes: string
}

const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const
export type LogLevel = (typeof logLevels)[number]

export function readConfig(
  env: Readonly<Record<string, string | undefined>> = process.env,
  ownUid: number | undefined = process.getuid?.(),
): Config {
  /** An empty value counts as unset, as in a compose file with `NAME: ${NAME:-}`. */
  const get: Get = (name) => env[name]?.trim() || undefined

  refuseMisspelt(env, get)
  const auth = readAuth(get)
  const certPath = get('DOCKER_TLS_VERIFY') ? get('DOCKER_CERT_PATH') : undefined
  if (get('DOCKER_TLS_VERIFY') && !certPath) {
    throw new ConfigError(
      'DOCKER_TLS_VERIFY is set, so DOCKER_CERT_PATH must name the folder of ca.pem, cert.pem and key.pem.',
    )
  }
  if (!certPath && get('DOCKER_CERT_PATH') && get('DOCKER_HOST')?.startsWith('tcp:')) {
    throw new ConfigError(
      'DOCKER_CERT_PATH is set, but DOCKER_TLS_VERIFY is not, so its certificates would not be used: set it to 1, or unset both.',
    )
  }
  const pool = get('CLASS_SUBNET_POOL') ?? settings.CLASS_SUBNET_POOL.default
  const subnets = readSubnets(pool, get)
  return {
    listen: parseListen('LISTEN', get('LISTEN') ?? settings.LISTEN.default, auth.kind === 'off'),
    routesListen: readRoutesListen(get),
    auth,
    engine: { host: get('DOCKER_HOST') ?? settings.DOCKER_HOST.default, ...(certPath ? { certPath } : {}) },
    fleet: readFleet(get, certPath, subnets),
    catalogue: resolve(get('CATALOGUE') ?? settings.CATALOGUE.default),
    store: readStore(get),
    installation: pattern(
      'INSTALLATION_ID',
      get('INSTALLATION_ID') ?? settings.INSTALLATION_ID.default,
      /^[a-z0-9][a-z0-9.-]{0,62}$/,
      'a short lower-case name',
    ),
    proxy: {
      ...readTraefik(get),
      labDomain: pattern(
        'LAB_DOMAIN',
        get('LAB_DOMAIN') ?? settings.LAB_DOMAIN.default,
        /^(?=.{1,180}$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/,
        'a lower-case domain name',
      ),
      sandboxes: pool,
    },
    subnets,
    // A uid for each sandbox, since the kernel counts by it. Below 65,536, so that an engine whose users are remapped, or one
    // without root, has them all in a map of the usual size; above those that people and services of the host have.
    sandboxUids: readUids(get('SANDBOX_UIDS') ?? settings.SANDBOX_UIDS.default, ownUid),
    upConcurrency: integer('UP_CONCURRENCY', get('UP_CONCURRENCY') ?? settings.UP_CONCURRENCY.default, 1, 64),
    // Each collection holds one archive stream open and up to 16 MiB of small files. Of both, a class that has none under
    // way gets one beyond the bound, so that sandboxes that hang keep no other class waiting.
    collectConcurrency: integer(
      'COLLECT_CONCURRENCY',
      get('COLLECT_CONCURRENCY') ?? settings.COLLECT_CONCURRENCY.default,
      1,
      64,
    ),
    sweepSeconds: integer('SWEEP_SECONDS', get('SWEEP_SECONDS') ?? settings.SWEEP_SECONDS.default, 1, 86_400),
    // Portal and teachers together need a tenth. Behind a proxy all callers are the proxy's address: raise it there. Never so
    // high that one address could have all of the 2,000 that there are.
    connectionsPerAddress: integer(
      'CONNECTIONS_PER_ADDRESS',
      get('CONNECTIONS_PER_ADDRESS') ?? settings.CONNECTIONS_PER_ADDRESS.default,
      1,
      1_800,
    ),
    logLevel: oneOf('LOG_LEVEL', get('LOG_LEVEL') ?? settings.LOG_LEVEL.default, logLevels),
  }
}

/** Each node needs an address in a class's network, of those that are kept: below this it has one. */
const smallestFleetSubnet = 26

function readFleet(get: Get, certPath: string | undefined, { size }: SubnetConfig): FleetConfig | undefined {
  const kind = oneOf('FLEET', get('FLEET') ?? settings.FLEET.default, ['single', 'swarm'])
  const template = get('ENGINE_URL_TEMPLATE')
  if (kind === 'single') {
    if (template === undefined) return undefined
    throw new ConfigError(
      'ENGINE_URL_TEMPLATE is set, but FLEET is not swarm: set it too, or unset ENGINE_URL_TEMPLATE.',
    )
  }
  if (certPath === undefined) {
    throw new ConfigError(
      'FLEET is swarm, so DOCKER_TLS_VERIFY and DOCKER_CERT_PATH must be set too: whoever reaches the engine of a node without a certificate is root there.',
    )
  }
  if (size > smallestFleetSubnet) {
    throw new ConfigError(
      `CLASS_SUBNET_SIZE is ${size}, and with FLEET=swarm must be ${smallestFleetSubnet} or less: each node needs an address in the network of a class.`,
    )
  }
  const urlTemplate = template ?? settings.ENGINE_URL_TEMPLATE.default
  const words = 'tcp:// with {addr} for the address of a node, such as tcp://{addr}:2376'
  return { urlTemplate: pattern('ENGINE_URL_TEMPLATE', urlTemplate, /^tcp:\/\/[^/]*\{addr\}[^/]*$/, words) }
}

function readTraefik(get: Get): Pick<ProxyConfig, 'container' | 'token' | 'entrypoints' | 'middlewares'> {
  const container = get('TRAEFIK_CONTAINER')
  const token = get('TRAEFIK_TOKEN')
  const half = (['TRAEFIK_TOKEN', 'TRAEFIK_ENTRYPOINTS', 'TRAEFIK_MIDDLEWARES', 'ROUTES_LISTEN'] as const).find(get)
  if (container === undefined && half !== undefined) {
    throw new ConfigError(`${half} is set, but TRAEFIK_CONTAINER is not: set it too, or unset ${half}.`)
  }
  if (container !== undefined && token === undefined) {
    throw new ConfigError(
      'TRAEFIK_CONTAINER is set, so TRAEFIK_TOKEN must be set too: Traefik shows it when it asks for its routes. Make one with openssl rand -hex 32.',
    )
  }
  if (token !== undefined && !/^[\x21-\x7e]{16,256}$/.test(token)) {
    throw new ConfigError(
      'TRAEFIK_TOKEN must be 16 to 256 characters without blanks, such as openssl rand -hex 32 prints.',
    )
  }
  return {
    container,
    token,
    entrypoints: get('TRAEFIK_ENTRYPOINTS') ?? settings.TRAEFIK_ENTRYPOINTS.default,
    middlewares: get('TRAEFIK_MIDDLEWARES'),
  }
}

function readRoutesListen(get: Get): ListenAddress | undefined {
  const text = get('ROUTES_LISTEN')
  if (text === undefined) return undefined
  // Whoever can reach it is asked for TRAEFIK_TOKEN, so that it may be open.
  const listen = parseListen('ROUTES_LISTEN', text, false)
  if ('path' in listen)
    throw new ConfigError(`ROUTES_LISTEN must be host:port, since Traefik asks over HTTP; it is '${text}'.`)
  return listen
}
