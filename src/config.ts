// The one reader of the environment; settings.ts has the variables and their defaults.
// A wrong value stops the start with the variable's name and what it should look like; nothing is guessed.

import { isIP } from 'node:net'
import { resolve } from 'node:path'
import { type SettingName, settingNames, settings } from './settings.ts'
import { nearest, visible } from './spelling.ts'

export interface Config {
  readonly listen: { readonly host: string; readonly port: number } | { readonly path: string }
  readonly auth: AuthConfig
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
  readonly sandboxUids: UidRange
  readonly upConcurrency: number
  readonly collectConcurrency: number
  readonly sweepSeconds: number
  readonly connectionsPerAddress: number
  readonly logLevel: LogLevel
}

/** `off`: every caller is trusted, which `listen` makes safe by loopback or a Unix socket. */
export type AuthConfig =
  | { readonly kind: 'off' }
  | {
      readonly kind: 'jwt'
      readonly key: KeySource
      /** What `iss` must be; undefined: any. */
      readonly issuer: string | undefined
      /** What `aud` must hold; undefined: any. */
      readonly audience: string | undefined
    }

/** What tokens are checked with: a secret shared with the portal, the portal's public key, or the key set of an issuer. */
export type KeySource =
  | { readonly kind: 'secret'; readonly secret: string }
  | { readonly kind: 'public-key'; readonly file: string }
  | { readonly kind: 'jwks'; readonly url: string }

export interface ProxyConfig {
  /** Name or id of the Traefik container; undefined: no proxy, and endpoints are the sandboxes' own addresses. */
  readonly container: string | undefined
  readonly entrypoints: string
  readonly middlewares: string | undefined
  readonly labDomain: string
  /** CLASS_SUBNET_POOL: who calls from there is a sandbox. */
  readonly sandboxes: string
}

export interface SubnetConfig {
  /** IPv4 block that class networks are cut from, as an unsigned 32-bit base address and a prefix length. */
  readonly base: number
  readonly prefix: number
  /** Prefix length of one class network. */
  readonly size: number
}

/** Both ends are in it. */
export interface UidRange {
  readonly first: number
  readonly last: number
}

const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const
export type LogLevel = (typeof logLevels)[number]

export class ConfigError extends Error {
  override readonly name = 'ConfigError'

  constructor(message: string, options: { cause?: unknown } = {}) {
    super(visible(message), options)
  }
}

type Get = (name: SettingName) => string | undefined

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
  return {
    listen: parseListen(get('LISTEN') ?? settings.LISTEN.default, auth),
    auth,
    engine: { host: get('DOCKER_HOST') ?? settings.DOCKER_HOST.default, ...(certPath ? { certPath } : {}) },
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
    subnets: readSubnets(pool, get),
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

/** So long, and unlike a word that other programs use, that one or two slips away from it no name is anybody else's. */
const misspellable = settingNames.filter((name) => name.length > 9 && name !== 'LOG_LEVEL')

/** A slip in `AUTH_ISSUER` can make a name that others use; in longer ones two cannot. */
const slipsOf = ({ length }: string): number => (length < 12 ? 1 : 2)

/** Of the MinIO server's own names, those that look like one of ours with something added. */
const ofMinio = /^MINIO_(?:(?:ACCESS|SECRET)_KEY_(?:FILE|OLD)|REGION_(?:NAME|COMMENT))$/

/**
 * A misspelt setting is one that its operator believes to be in force: bags would go to another place, or callers would not
 * be asked who they are. Where the right name is set too, the other is somebody else's.
 */
function refuseMisspelt(env: Readonly<Record<string, string | undefined>>, get: Get): void {
  const known: readonly string[] = settingNames
  const missing = misspellable.filter((name) => get(name) === undefined)
  for (const [name, value] of Object.entries(env)) {
    if (!value?.trim() || known.includes(name) || ofMinio.test(name)) continue
    const longer = missing.find((each) => /^(?:MINIO|AUTH)_/.test(each) && name.toUpperCase().startsWith(`${each}_`))
    const meant = longer ?? nearest(name, missing, slipsOf)
    if (meant === undefined) continue
    const isFile = name.endsWith('_FILE') && meant === longer
    const hint = isFile ? `${meant} is, with the value itself and not the name of a file.` : `did you mean ${meant}?`
    throw new ConfigError(`${name} is not a setting of this service: ${hint} Correct it, or unset it.`)
  }
}

/** A setting that would be ignored is a mistake: its operator means a store that is not the one in use. */
function readStore(get: Get): Config['store'] {
  const endpoint = get('MINIO_ENDPOINT')
  const folder = get('ARTIFACTS_DIR')
  if (endpoint === undefined) {
    const half = (['MINIO_ACCESS_KEY', 'MINIO_SECRET_KEY', 'MINIO_BUCKET', 'MINIO_REGION'] as const).find(get)
    if (half === undefined) return { kind: 'directory', folder: resolve(folder ?? settings.ARTIFACTS_DIR.default) }
    throw new ConfigError(
      `${half} is set, but MINIO_ENDPOINT is not: set it too, or unset every MINIO_ setting to keep bags in a folder.`,
    )
  }
  if (folder !== undefined) {
    throw new ConfigError(
      'ARTIFACTS_DIR and MINIO_ENDPOINT are both set, and bags go to one place: unset the one that is not meant.',
    )
  }
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
      get('MINIO_BUCKET') ?? settings.MINIO_BUCKET.default,
      /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/,
      'an S3 bucket name',
    ),
    region: get('MINIO_REGION') ?? settings.MINIO_REGION.default,
  }
}

function readTraefik(get: Get): Pick<ProxyConfig, 'container' | 'entrypoints' | 'middlewares'> {
  const container = get('TRAEFIK_CONTAINER')
  const half = (['TRAEFIK_ENTRYPOINTS', 'TRAEFIK_MIDDLEWARES'] as const).find(get)
  if (container === undefined && half !== undefined) {
    throw new ConfigError(`${half} is set, but TRAEFIK_CONTAINER is not: set it too, or unset ${half}.`)
  }
  return {
    container,
    entrypoints: get('TRAEFIK_ENTRYPOINTS') ?? settings.TRAEFIK_ENTRYPOINTS.default,
    middlewares: get('TRAEFIK_MIDDLEWARES'),
  }
}

function readSubnets(pool: string, get: Get): SubnetConfig {
  const [address = '', length = ''] = pool.split('/')
  if (isIP(address) !== 4 || !/^\d{1,2}$/.test(length) || Number(length) < 8 || Number(length) > 28) {
    throw new ConfigError(
      `CLASS_SUBNET_POOL must be an IPv4 block such as 10.201.0.0/16 (prefix 8 to 28); it is '${pool}'.`,
    )
  }
  const prefix = Number(length)
  const size = integer(
    'CLASS_SUBNET_SIZE',
    get('CLASS_SUBNET_SIZE')?.replace(/^\//, '') ??
      String(Math.max(Number(settings.CLASS_SUBNET_SIZE.default), prefix)),
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

const firstOrdinaryUid = 1000
const lastUid = 2 ** 31 - 1

function readUids(text: string, ownUid: number | undefined): UidRange {
  const [, from, to] = /^(\d{1,10})-(\d{1,10})$/.exec(text) ?? []
  const range = { first: Number(from), last: Number(to) }
  const isRange = range.first >= firstOrdinaryUid && range.first <= range.last && range.last <= lastUid
  if (!isRange) {
    throw new ConfigError(
      `SANDBOX_UIDS must be two user numbers from ${firstOrdinaryUid} on, the smaller one first, such as 20000-59999; it is '${text}'.`,
    )
  }
  if (ownUid !== undefined && ownUid >= range.first && ownUid <= range.last) {
    throw new ConfigError(
      `SANDBOX_UIDS ${text} has ${ownUid} in it, the user that this service runs as: run it as another user, or choose another range.`,
    )
  }
  return range
}

/**
 * A key source turns authentication on, and AUTH only says the same aloud: a service that has a key and checks nobody,
 * or is to check callers and has no key, is a mistake that must not start.
 */
function readAuth(get: Get): AuthConfig {
  const sources = (['AUTH_JWT_SECRET', 'AUTH_PUBLIC_KEY_FILE', 'AUTH_JWKS_URL'] as const).filter(get)
  const kind = oneOf('AUTH', get('AUTH') ?? (sources.length > 0 ? 'jwt' : 'off'), ['jwt', 'off'])
  const [issuer, audience] = [get('AUTH_ISSUER'), get('AUTH_AUDIENCE')]
  if (kind === 'off') {
    const [ignored] = [...sources, ...(issuer ? ['AUTH_ISSUER'] : []), ...(audience ? ['AUTH_AUDIENCE'] : [])]
    if (ignored === undefined) return { kind }
    throw new ConfigError(`${ignored} is set, but nobody is authenticated: AUTH is off, or no key source is set.`)
  }
  if (sources.length !== 1) {
    throw new ConfigError(
      'AUTH is jwt, so exactly one of AUTH_JWT_SECRET, AUTH_PUBLIC_KEY_FILE and AUTH_JWKS_URL must be set; ' +
        `set: ${sources.join(', ') || 'none'}.`,
    )
  }
  const key = readKeySource(get)
  // A key set belongs to an issuer who signs for many services: a token for another one must not open this one.
  if (key.kind === 'jwks' && (issuer === undefined || audience === undefined)) {
    throw new ConfigError('AUTH_JWKS_URL is set, so AUTH_ISSUER and AUTH_AUDIENCE must be set too.')
  }
  return { kind, key, issuer, audience }
}

/** HS256 is as strong as its hash only with a secret as long as it (RFC 7518, 3.2). */
const leastSecretBytes = 32

function readKeySource(get: Get): KeySource {
  const [secret, file] = [get('AUTH_JWT_SECRET'), get('AUTH_PUBLIC_KEY_FILE')]
  if (secret !== undefined) {
    const bytes = Buffer.byteLength(secret)
    if (bytes >= leastSecretBytes) return { kind: 'secret', secret }
    throw new ConfigError(
      `AUTH_JWT_SECRET must be at least ${leastSecretBytes} random bytes; it has ${bytes}. openssl rand -hex 32 makes one.`,
    )
  }
  if (file !== undefined) return { kind: 'public-key', file: resolve(file) }
  const text = get('AUTH_JWKS_URL') ?? ''
  const url = URL.canParse(text) ? new URL(text) : undefined
  // Who can change the keys on their way can be everybody.
  const isSafe = url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopback(url.hostname))
  if (!url || !isSafe || url.username !== '' || url.password !== '') {
    throw new ConfigError('AUTH_JWKS_URL must be an https URL, or http on loopback, without user name or password.')
  }
  return { kind: 'jwks', url: url.href }
}

function parseListen(text: string, auth: AuthConfig): Config['listen'] {
  const path = text.startsWith('unix:') ? text.slice('unix:'.length).replace(/^\/\/+/, '/') : text
  if (path.startsWith('/')) return { path }
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text)
  const host = match?.[1] ?? match?.[2]
  const port = Number(match?.[3])
  if (host === undefined || port > 65535) {
    throw new ConfigError(`LISTEN must be host:port or the path of a Unix socket; it is '${text}'.`)
  }
  if (auth.kind === 'off' && !isLoopback(host)) {
    throw new ConfigError(
      `LISTEN is '${text}', which others can reach, and there is no authentication: set AUTH_JWT_SECRET, ` +
        'AUTH_PUBLIC_KEY_FILE or AUTH_JWKS_URL, or listen on 127.0.0.1, [::1] or a Unix socket.',
    )
  }
  return { host, port }
}

const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || host === '[::1]' || (isIP(host) === 4 && host.startsWith('127.'))

function integer(name: string, text: string, least: number, most: number): number {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN
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
