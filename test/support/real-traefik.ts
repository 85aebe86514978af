// The real Traefik in front of the classes of a live test: built by scripts/parts, put into an image, run in a container of the
// engine's default network.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { request } from 'node:http'
import { request as secureRequest } from 'node:https'
import { join, resolve } from 'node:path'
import { Type } from '@sinclair/typebox'
import { docker, inspect, tryDocker } from './docker.ts'
import type { Installation } from './service.ts'
import { until } from './until.ts'

export const traefikBinary = join(
  process.env['PARTS_DIR'] ?? resolve(import.meta.dirname, '../../.local/parts'),
  'traefik',
)

/** For `test(name, { skip })`. */
export const skipWithoutTraefik = existsSync(traefikBinary)
  ? false
  : `${traefikBinary} is absent: scripts/parts traefik builds it`

export const traefikImage = 'class-runtime-test/traefik'

/** Makes the image, where it is not there. */
async function ensureImage(): Promise<void> {
  if ((await tryDocker(['image', 'inspect', traefikImage])).exitCode === 0) return
  const tar = spawn('tar', ['-c', '--transform', 's,^,bin/,', '-C', join(traefikBinary, '..'), 'traefik'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const chunks: Uint8Array[] = []
  for await (const chunk of tar.stdout) chunks.push(chunk)
  if (tar.exitCode === null) await once(tar, 'exit')
  await docker(['import', '-c', 'ENTRYPOINT ["/bin/traefik"]', '-', traefikImage], Buffer.concat(chunks))
}

export interface Page {
  readonly status: number
  readonly body: string
}

export interface RealTraefik {
  readonly name: string
  /** Of its container in the default network. */
  address(): Promise<string>
  /** By the host name alone, as a browser asks. */
  get(host: string, path?: string, options?: GetOptions): Promise<Page>
  /** Removed and made anew: another container, in no class's network. */
  renew(): Promise<void>
  start(): Promise<void>
}

export interface GetOptions {
  readonly method?: string
  readonly body?: string | Uint8Array
  readonly timeoutMs?: number
  /** Of its entrypoint. Default 8000. */
  readonly port?: number
  /** By TLS, whatever its certificate. */
  readonly isSecure?: boolean
  /** In the middle of the body. */
  readonly pauseMs?: number
}

/** Where a service of the test listens for it: the engine's default gateway, at a port of the test's own. */
export interface TraefikPlace {
  readonly container: string
  readonly token: string
  readonly routesListen: string
}

export const traefikEnv = ({ container, token, routesListen }: TraefikPlace): Record<string, string> => ({
  TRAEFIK_CONTAINER: container,
  TRAEFIK_TOKEN: token,
  ROUTES_LISTEN: routesListen,
})

const Bridge = Type.Object({
  IPAM: Type.Object({ Config: Type.Array(Type.Object({ Gateway: Type.Optional(Type.String()) })) }),
})
const Addresses = Type.Object({
  NetworkSettings: Type.Object({ Networks: Type.Record(Type.String(), Type.Object({ IPAddress: Type.String() })) }),
})

/** This host's address in the engine's default network. Not every engine says it. */
export async function gatewayAddress(): Promise<string> {
  const [config] = (await inspect('network', 'bridge', Bridge)).IPAM.Config
  return config?.Gateway ?? '172.17.0.1'
}

export async function traefikPlace(name: string, port: number): Promise<TraefikPlace> {
  return {
    container: `${name}-traefik-${process.pid}`,
    token: 'the-token-of-traefik-in-tests',
    routesListen: `${await gatewayAddress()}:${port}`,
  }
}

/** The arguments that docs/operator.md names for a Traefik in a container and a service on the host itself. */
export const traefikArguments = ({ token, routesListen }: TraefikPlace): string[] => [
  '--entrypoints.web.address=:8000',
  '--entrypoints.web.transport.respondingTimeouts.readTimeout=0',
  '--serverstransport.forwardingtimeouts.dialtimeout=2s',
  '--providers.providersthrottleduration=200ms',
  `--providers.http.endpoint=http://${routesListen}/room/traefik`,
  '--providers.http.pollinterval=500ms',
  `--providers.http.headers.Authorization=Bearer ${token}`,
]

/** `command`: other arguments of Traefik; `flags`: further ones of `docker run`. */
export async function startTraefik(
  site: Installation,
  place: TraefikPlace,
  { command = traefikArguments(place), flags = [] }: { command?: readonly string[]; flags?: readonly string[] } = {},
): Promise<RealTraefik> {
  await ensureImage()
  const { container } = place
  const start = async () => {
    await docker([
      ...['run', '-d', '--name', container, '--label', site.testLabel],
      ...['--user', '65534:65534', '--read-only', '--cap-drop', 'ALL', '--security-opt', 'no-new-privileges'],
      ...[...flags, traefikImage, ...command],
    ])
  }
  const address = async () =>
    (await inspect('container', container, Addresses)).NetworkSettings.Networks['bridge']?.IPAddress ?? ''
  // The engine is asked once: while it attaches Traefik to a network, its answer takes seconds.
  let known: Promise<string> | undefined
  const get = async (host: string, path = '/', options: GetOptions = {}): Promise<Page> => {
    known ??= address()
    try {
      return await ask(await known, host, path, options)
    } catch (error) {
      known = undefined
      throw error
    }
  }
  const renew = async () => {
    await docker(['rm', '-f', container])
    await start()
  }
  await start()
  await until('Traefik to answer', async () => (await get('nobody.example').catch(() => undefined)) !== undefined)
  return { name: container, address, get, renew, start }
}

function ask(address: string, host: string, path: string, options: GetOptions): Promise<Page> {
  const { method = 'GET', body, timeoutMs = 30_000, port = 8000, isSecure = false, pauseMs = 0 } = options
  return new Promise((resolvePage, reject) => {
    const send = isSecure ? secureRequest : request
    const sent = send({
      ...{ host: address, port, path, method, agent: false },
      ...(isSecure ? { servername: host, rejectUnauthorized: false } : {}),
      headers: { host, ...(body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }) },
      signal: AbortSignal.timeout(timeoutMs),
    })
    sent.once('error', reject)
    sent.once('response', (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (chunk) => (text += chunk))
      response.once('error', reject)
      response.once('end', () => resolvePage({ status: response.statusCode ?? 0, body: text }))
    })
    if (body === undefined || pauseMs === 0) sent.end(body)
    else {
      const half = Math.floor(body.length / 2)
      sent.write(body.slice(0, half))
      setTimeout(() => sent.end(body.slice(half)), pauseMs)
    }
  })
}
