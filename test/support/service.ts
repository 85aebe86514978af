// An installation of the real service for tests: its catalogue, its store, its names and subnets on the engine, and as many
// starts of the process as a test wants. However the test ends, nothing of it stays; only a killed test run leaves something.
// Between service and engine stands a referee (test/referee): a removal that could lose work fails the test.

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { type IncomingHttpHeaders, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { type Artifacts, bucketArtifacts, folderArtifacts } from './artifacts.ts'
import type { CatalogueFile } from './catalogue.ts'
import { removeAll } from './docker.ts'
import { type StoreKind, s3Server } from './live.ts'
import { signOf } from './memory-traefik.ts'
import { openReferee } from './referees.ts'
import { type ServiceProcess, startProcess } from './service-process.ts'

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  /** The parsed JSON; of any other content the raw bytes. */
  readonly body: unknown
}

export interface Service {
  readonly pid: number
  post(path: string, body: object, headers?: Readonly<Record<string, string>>): Promise<Answer>
  get(path: string, headers?: Readonly<Record<string, string>>): Promise<Answer>
  /** All that the process has printed so far. */
  logs(): string
  /** SIGTERM; resolves with the exit code. */
  stop(): Promise<number | null>
  /** SIGKILL; resolves when the process is gone. */
  kill(): Promise<void>
}

export interface StartOptions {
  /** Further flags of node, such as `--max-old-space-size=128`. */
  readonly nodeFlags?: readonly string[]
  /** Further environment of the service, over that of the installation. */
  readonly env?: Readonly<Record<string, string>>
  /** What must answer 200 before the service counts as started. Default `/readyz`: engine and store are usable. */
  readonly waitFor?: '/healthz' | '/readyz'
}

export interface Installation {
  /** INSTALLATION_ID. */
  readonly id: string
  /** `class-runtime.installation=<id>`: what the product puts on everything it makes. */
  readonly label: string
  /** A label for what the test itself puts on the engine: it is removed at the end too. */
  readonly testLabel: string
  /** A folder of the test's own. */
  readonly folder: string
  /** The engine behind the referee, `unix://...`: the service's DOCKER_HOST unless a start says otherwise. */
  readonly refereedHost: string
  readonly artifacts: Artifacts
  writeCatalogue(catalogue: CatalogueFile): Promise<void>
  start(options?: StartOptions): Promise<Service>
}

export interface InstallOptions {
  /** Short, lower case; part of INSTALLATION_ID. */
  readonly name: string
  readonly store: StoreKind
  /** CLASS_SUBNET_POOL: of each test file its own, so that no two meet. */
  readonly subnets: string
  readonly catalogue: CatalogueFile
  readonly env?: Readonly<Record<string, string>>
}

/** `cleanUp` is the test's context, or what a suite runs at its end. */
export async function install(
  cleanUp: { after(work: () => Promise<void>): unknown },
  options: InstallOptions,
): Promise<Installation> {
  const id = `live-${options.name}-${randomBytes(4).toString('hex')}`
  const folder = await mkdtemp(join(tmpdir(), `class-runtime-${options.name}-`))
  const [label, testLabel] = [`class-runtime.installation=${id}`, `class-runtime-test=${id}`]
  const store = storeOf(options.store, id, folder)
  const catalogueFile = join(folder, 'catalogue.json')
  const writeCatalogue = (catalogue: CatalogueFile) => writeFile(catalogueFile, JSON.stringify(catalogue))
  await writeCatalogue(options.catalogue)
  const referee = await openReferee({
    installation: id,
    folder,
    store: options.env?.['ARTIFACTS_DIR'] ?? store.artifacts.place,
  })
  const env = {
    DOCKER_HOST: referee.host,
    CATALOGUE: catalogueFile,
    INSTALLATION_ID: id,
    CLASS_SUBNET_POOL: options.subnets,
    LISTEN: join(folder, 'listen.sock'),
    // Only the first round, at the start: what happens by itself has tests of its own.
    SWEEP_SECONDS: '86400',
    ...store.env,
    ...(options.env?.['TRAEFIK_CONTAINER'] === undefined ? {} : { TRAEFIK_TOKEN: standInToken }),
    ...options.env,
  }
  // A container that stands in for Traefik: the test asks for the routes in its name.
  const isStandIn = options.env?.['TRAEFIK_CONTAINER'] !== undefined && options.env['TRAEFIK_TOKEN'] === undefined
  const started: Service[] = []

  cleanUp.after(async () => {
    for (const service of started) await service.kill()
    try {
      await removeAll(testLabel)
    } finally {
      await removeAll(label)
      await store.artifacts.removeAll()
      await referee.close()
      await rm(folder, { recursive: true, force: true })
    }
    assert.deepEqual(referee.violations, [])
  })

  return {
    id,
    label,
    testLabel,
    folder,
    refereedHost: referee.host,
    artifacts: store.artifacts,
    writeCatalogue,
    async start(startOptions = {}) {
      const service = launch({ ...env, ...startOptions.env }, startOptions.nodeFlags ?? [])
      started.push(service)
      if (isStandIn) void pollRoutes(service)
      await answering(service, startOptions.waitFor ?? '/readyz')
      return service
    },
  }
}

const standInToken = 'the-token-of-a-stand-in'

async function pollRoutes({ process, get }: LaunchedService): Promise<void> {
  while (!process.hasEnded()) {
    const routes = await get('/room/traefik', { authorization: `Bearer ${standInToken}` }).catch(() => undefined)
    if (routes?.status === 200) await get(signOf(routes.body)).catch(() => undefined)
    await delay(200)
  }
}

function storeOf(kind: StoreKind, id: string, folder: string): { env: Record<string, string>; artifacts: Artifacts } {
  if (kind === 'directory') {
    const root = join(folder, 'artifacts')
    return { env: { ARTIFACTS_DIR: root }, artifacts: folderArtifacts(root) }
  }
  const server = s3Server()
  const env = {
    MINIO_ENDPOINT: server.endpoint,
    MINIO_ACCESS_KEY: server.accessKey,
    MINIO_SECRET_KEY: server.secretKey,
    MINIO_BUCKET: id,
  }
  return { env, artifacts: bucketArtifacts(server, id) }
}

interface LaunchedService extends Service {
  readonly process: ServiceProcess
}

function launch(
  env: Readonly<Record<string, string>> & { readonly LISTEN: string },
  nodeFlags: readonly string[],
): LaunchedService {
  const started = startProcess(env, { nodeFlags })
  const { child, closed, output, pid } = started
  const call = (method: string, path: string, headers: object, body?: string): Promise<Answer> =>
    callSocket(env.LISTEN, method, path, headers, body).catch((error: unknown) => {
      throw new Error(`${method} ${path} got no answer. The end of the service's log:\n${output().slice(-3000)}`, {
        cause: error,
      })
    })
  return {
    process: started,
    pid,
    post: (path, body, headers = {}) =>
      call('POST', path, { 'content-type': 'application/json', prefer: 'wait=600', ...headers }, JSON.stringify(body)),
    get: (path, headers = {}) => call('GET', path, headers),
    logs: output,
    async stop() {
      child.kill('SIGTERM')
      return await closed
    },
    async kill() {
      child.kill('SIGKILL')
      await closed
    },
  }
}

function callSocket(socketPath: string, method: string, path: string, headers: object, body?: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request({ socketPath, method, path, headers: { ...headers }, agent: false }, (response) => {
      const chunks: Uint8Array[] = []
      response.on('data', (chunk: Uint8Array) => chunks.push(chunk))
      response.once('error', reject)
      response.once('end', () => {
        const bytes = Buffer.concat(chunks)
        const isJson = /\bjson\b/.test(response.headers['content-type'] ?? '')
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: isJson ? JSON.parse(bytes.toString()) : bytes,
        })
      })
    })
    sent.once('error', reject)
    sent.end(body)
  })
}

const startMs = 60_000

async function answering({ process, get, logs }: LaunchedService, path: string): Promise<void> {
  const deadline = Date.now() + startMs
  while (!process.hasEnded() && Date.now() < deadline) {
    const answer = await get(path).catch(() => undefined)
    if (answer?.status === 200) return
    await delay(50)
  }
  throw new Error(`the service did not start. Its log:\n${logs()}`)
}
