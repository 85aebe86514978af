// The one reader of the environment. Every setting, its default and the reason for it stand here.
// A wrong value stops the start with the variable's name and what it should look like; nothing is guessed.

import { isIP } from 'node:net'
import { resolve } from 'node:path'

export interface Config {
  readonly listen: { readonly host: string; readonly port: number } | { readonly path: string }
  readonly engine: { readonly host: string; readonly certPath?: string }
  readonly catalogue: string
  readonly store:
    | {
        readonly kind: 's3'
        readonly endpoint: string
        readonly accessKey: string
        readonly secretKey: string
        readonly bucket: string
        readonly region: string
      }
    | { readonly kind: 'directory'; readonly folder: string }
  readonly installation: string
  readonly proxy: ProxyConfig
  readonly subnets: SubnetConfig
  readonly upConcurrency: number
  readonly collectConcurrency: number
  readonly sweepSeconds: number
  readonly logLevel: LogLevel
}

export interface ProxyConfig {
  /** Name or id of the Traefik container; undefined: no proxy, and endpoints are the sandboxes' own addresses. */
  readonly container: string | undefined
  readonly entrypoints: string
  readonly middlewares: string | undefined
  readonly labDomain: string
}

export interface SubnetConfig {
  /** IPv4 block that class networks are cut from, as an unsigned 32-bit base address and a prefix length. */
  readonly base: number
  readonly prefix: number
  /** Prefix length of one class network. */
  readonly size: number
}

const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const
export type LogLevel = (typeof logLevels)[number]

export class ConfigError extends Error {
  override readonly name = 'ConfigError'
}

export function readConfig(env: Readonly<Record<string, string | undefined>> = process.env): Config {
  /** An empty value counts as unset, as in a compose file with `NAME: ${NAME:-}`. */
  const get = (name: string): string | undefined => env[name]?.trim() || undefined

  refuseAuthentication(get('AUTH'))
  const certPath = get('DOCKER_TLS_VERIFY') ? get('DOCKER_CERT_PATH') : undefined
  if (get('DOCKER_TLS_VERIFY') && !certPath) {
    throw new ConfigError(
      'DOCKER_TLS_VERIFY is set, so DOCKER_CERT_PATH must name the folder of ca.pem, cert.pem and key.pem.',
    )
  }
  return {
    // Loopback only: there is no authentication yet, and who reaches this service can start classes.
    listen: parseListen(get('LISTEN') ?? '127.0.0.1:8080'),
    engine: { host: get('DOCKER_HOST') ?? 'unix:///var/run/docker.sock', ...(certPath ? { certPath } : {}) },
    catalogue: resolve(get('CATALOGUE') ?? 'catalogue.json'),
    store: readStore(get),
    // Two installations on one engine never see each other's classes; change it before the first class, not after.
    installation: pattern(
      'INSTALLATION_ID',
      get('INSTALLATION_ID') ?? 'default',
      /^[a-z0-9][a-z0-9.-]{0,62}$/,
      'a short lower-case name',
    ),
    proxy: {
      container: get('TRAEFIK_CONTAINER'),
      entrypoints: get('TRAEFIK_ENTRYPOINTS') ?? 'web',
      middlewares: get('TRAEFIK_MIDDLEWARES'),
      // *.localhost resolves to loopback in browsers: right for a try, to be set for real use.
      labDomain: pattern(
        'LAB_DOMAIN',
        get('LAB_DOMAIN') ?? 'lab.localhost',
        /^[a-z0-9.-]{1,180}$/,
        'a lower-case domain name',
      ),
    },
    subnets: readSubnets(get),
    // The engine's own start-up costs stop shrinking at about four at once on two cores; eight suits larger hosts.
    upConcurrency: integer('UP_CONCURRENCY', get('UP_CONCURRENCY'), 8, 1, 64),
    // Each collection holds one archive stream open and up to 16 MiB of small files.
    collectConcurrency: integer('COLLECT_CONCURRENCY', get('COLLECT_CONCURRENCY'), 4, 1, 64),
    // A round costs three lists of the engine and one small object a session; work goes on this soon after a fault.
    sweepSeconds: integer('SWEEP_SECONDS', get('SWEEP_SECONDS'), 15, 1, 86_400),
    logLevel: oneOf('LOG_LEVEL', get('LOG_LEVEL') ?? 'info', logLevels),
  }
}

function readStore(get: (name: string) => string | undefined): Config['store'] {
  const endpoint = get('MINIO_ENDPOINT')
  if (endpoint === undefined) return { kind: 'directory', folder: resolve(get('ARTIFACTS_DIR') ?? 'artifacts') }
  if (endpoint.includes('@')) {
    throw new ConfigError(
      'MINIO_ENDPOINT must hold no user name or password: use MINIO_ACCESS_KEY and MINIO_SECRET_KEY.',
    )
  }
  const url = endpoint.includes('://') ? endpoint : `http://${endpoint}`
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol) || new URL(url).pathname !== '/') {
    throw new ConfigError(`MINIO_ENDPOINT must look like http://host:9000 or https://host; it is '${endpoint}'.`)
  }
  const [accessKey, secretKey] = [get('MINIO_ACCESS_KEY'), get('MINIO_SECRET_KEY')]
  if (!accessKey || !secretKey) {
    throw new ConfigError('MINIO_ENDPOINT is set, so MINIO_ACCESS_KEY and MINIO_SECRET_KEY must be set too.')
  }
  return {
    kind: 's3',
    endpoint: new URL(url).origin,
    accessKey,
    secretKey,
    bucket: pattern(
      'MINIO_BUCKET',
      get('MINIO_BUCKET') ?? 'class-artifacts',
      /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/,
      'an S3 bucket name',
    ),
    // MinIO's own default; signing needs one, and naming it saves a location call.
    region: get('MINIO_REGION') ?? 'us-east-1',
  }
}

function readSubnets(get: (name: string) => string | undefined): SubnetConfig {
  // The engine's own pools end at 30 networks. 10.201/16 is rarely routed; /24 holds a class of 250, and there are 256 of them.
  const pool = get('CLASS_SUBNET_POOL') ?? '10.201.0.0/16'
  const [address = '', length = ''] = pool.split('/')
  if (isIP(address) !== 4 || !/^\d{1,2}$/.test(length) || Number(length) < 8 || Number(length) > 28) {
    throw new ConfigError(
      `CLASS_SUBNET_POOL must be an IPv4 block such as 10.201.0.0/16 (prefix 8 to 28); it is '${pool}'.`,
    )
  }
  const prefix = Number(length)
  const size = integer(
    'CLASS_SUBNET_SIZE',
    get('CLASS_SUBNET_SIZE')?.replace(/^\//, ''),
    Math.max(24, prefix),
    prefix,
    29,
  )
  const base = address.split('.').reduce((sum, octet) => sum * 256 + Number(octet), 0)
  if (base % 2 ** (32 - prefix) !== 0) {
    throw new ConfigError(
      `CLASS_SUBNET_POOL ${pool} has bits set beyond its prefix; did you mean another address or prefix?`,
    )
  }
  return { base, prefix, size }
}

function parseListen(text: string): Config['listen'] {
  const path = text.startsWith('unix:') ? text.slice('unix:'.length).replace(/^\/\/+/, '/') : text
  if (path.startsWith('/')) return { path }
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text)
  const host = match?.[1] ?? match?.[2]
  const port = Number(match?.[3])
  if (host === undefined || port > 65535) {
    throw new ConfigError(`LISTEN must be host:port or the path of a Unix socket; it is '${text}'.`)
  }
  if (host !== 'localhost' && host !== '::1' && !(isIP(host) === 4 && host.startsWith('127.'))) {
    throw new ConfigError(
      `LISTEN is '${text}', which others can reach, and there is no authentication yet. ` +
        'Listen on 127.0.0.1, [::1] or a Unix socket, and let the portal reach it from the same host.',
    )
  }
  return { host, port }
}

function refuseAuthentication(auth: string | undefined): void {
  if (auth === undefined || auth === 'off') return
  throw new ConfigError(
    `AUTH is '${auth}', but this version cannot authenticate callers yet: unset it or set AUTH=off.`,
  )
}

function integer(name: string, text: string | undefined, fallback: number, least: number, most: number): number {
  const value = text === undefined ? fallback : Number(text)
  if (!Number.isInteger(value) || value < least || value > most) {
    throw new ConfigError(`${name} must be a whole number from ${least} to ${most}; it is '${text}'.`)
  }
  return value
}

function pattern(name: string, text: string, shape: RegExp, words: string): string {
  if (!shape.test(text)) throw new ConfigError(`${name} must be ${words}; it is '${text}'.`)
  return text
}

function oneOf<T extends string>(name: string, text: string, allowed: readonly T[]): T {
  const found = allowed.find((each) => each === text)
  if (found === undefined) throw new ConfigError(`${name} must be one of ${allowed.join(', ')}; it is '${text}'.`)
  return found
}
