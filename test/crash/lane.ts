// One class of an installation of its own that is taken up and down while its service is killed: between it and the engine
// stand the counter and the referee, between it and the store the counter; changes of a folder are told by its process itself.
// Processes are started before they are needed.

import assert from 'node:assert/strict'
import { randomBytes, randomInt } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { findBagFault } from '../referee/bags.ts'
import { filtered, look } from '../referee/engine.ts'
import { plant } from '../referee/plant.ts'
import { type RecordedViolation, startReferee } from '../referee/referee.ts'
import { openStoreView } from '../referee/store.ts'
import type { Files } from '../referee/truth.ts'
import { bucketArtifacts, folderArtifacts } from '../support/artifacts.ts'
import { catalogueOf, studentsOf } from '../support/catalogue.ts'
import { removeAll } from '../support/docker.ts'
import { sendRaw } from '../support/faults.ts'
import { engineHost, type StoreKind, s3Server } from '../support/live.ts'
import type { Answer } from '../support/service.ts'
import { type ServiceProcess, startProcess } from '../support/service-process.ts'
import { type CrashPoint, Effects, openCountedProxy } from './effects.ts'
import type { FolderChange, FolderWord } from './folder.ts'

const patienceMs = 60_000

export interface LaneOptions {
  readonly store: StoreKind
  readonly students: number
  /** CLASS_SUBNET_POOL, of each lane its own. */
  readonly subnets: string
  readonly env?: Readonly<Record<string, string>>
}

export interface SessionState {
  readonly up?: unknown
  readonly down?: unknown
  readonly collect?: unknown
  readonly reset?: unknown
  readonly ended?: unknown
}

export type Lane = Awaited<ReturnType<typeof openLane>>

export async function openLane(options: LaneOptions) {
  const id = `crash-${randomBytes(4).toString('hex')}`
  const label = `class-runtime.installation=${id}`
  // Lanes share an engine, where a class's names are its own.
  const classId = id
  const folder = await mkdtemp(join(tmpdir(), 'crash-'))
  const students = studentsOf(options.students)
  const engineSocket = engineHost().replace(/^unix:\/\//, '')
  const [refereeSocket, countedSocket] = [join(folder, 'r.sock'), join(folder, 'e.sock')]
  const truthFile = join(folder, 'truth')
  const catalogue = join(folder, 'catalogue.json')
  await writeFile(catalogue, JSON.stringify(catalogueOf({ [classId]: students }, { stopSeconds: 0 })))

  const effects = new Effects()
  const store = await openStoreBehind(options.store, id, folder, effects)
  const view = openStoreView(store.artifacts.place)
  const violationsFile = join(folder, 'violations')
  const referee = await startReferee({
    engineSocket,
    listenSocket: refereeSocket,
    store: store.artifacts.place,
    truthFile,
    violationsFile,
  })
  const counted = await openCountedProxy('engine', { socketPath: refereeSocket }, { path: countedSocket }, effects)

  let spare = startProcess({}, { isSpare: true })
  let current: ServiceProcess | undefined
  const listenSocket = join(folder, 'listen.sock')

  /** The next service, as after a crash; killed at `point`. Resolves when it answers, or has been killed. */
  async function start(point?: CrashPoint): Promise<void> {
    await kill()
    const next = spare
    spare = startProcess({}, { isSpare: true })
    current = next
    effects.arm(() => void next.child.kill('SIGKILL'), point)
    next.child.on('message', (change: FolderChange) => {
      if (effects.struck || (effects.met && !change.done)) return
      const position = change.done ? undefined : effects.arrive(change.name)
      if (position !== undefined) effects.meet()
      if (change.done || position === 'before') effects.strike()
      else next.child.send({ number: change.number, position } satisfies FolderWord, () => {})
    })
    next.child.send({
      DOCKER_HOST: `unix://${countedSocket}`,
      CATALOGUE: catalogue,
      INSTALLATION_ID: id,
      CLASS_SUBNET_POOL: options.subnets,
      LISTEN: listenSocket,
      SWEEP_SECONDS: '5',
      ...store.env,
      ...options.env,
    })
    await until('the service to listen', async () => {
      if (next.hasEnded()) return true
      return await call('GET', '/healthz').then(
        ({ status }) => status === 200,
        () => false,
      )
    })
  }

  async function kill(): Promise<void> {
    if (current === undefined) return
    current.child.kill('SIGKILL')
    await current.closed
    current = undefined
  }

  const call = (method: string, path: string, body?: object): Promise<Answer> => {
    const headers = { prefer: 'wait=600', ...(body ? { 'content-type': 'application/json' } : {}) }
    return sendRaw(listenSocket, method, path, headers, body ? JSON.stringify(body) : '')
  }

  async function until(what: string, condition: () => Promise<boolean>): Promise<void> {
    const deadline = Date.now() + patienceMs
    while (!(await condition())) {
      if (Date.now() > deadline) {
        throw new Error(`waited in vain for ${what}; the end of the service's log:\n${current?.output().slice(-6000)}`)
      }
      await delay(20)
    }
  }

  /** What is on the engine of this lane, by names. */
  async function held(): Promise<string[]> {
    const query = filtered({ label: [label] })
    const [containers, volumes, networks] = await Promise.all([
      look<{ Names: string[] }[]>(engineSocket, `/containers/json?all=1&${query}`),
      look<{ Volumes: { Name: string }[] | null }>(engineSocket, `/volumes?${query}`),
      look<{ Name: string }[]>(engineSocket, `/networks?${query}`),
    ])
    return [
      ...(containers ?? []).map(({ Names }) => `container ${Names[0]}`),
      ...(volumes?.Volumes ?? []).map(({ Name }) => `volume ${Name}`),
      ...(networks ?? []).map(({ Name }) => `network ${Name}`),
    ]
  }

  /** Sessions whose record is in the store, oldest first, each with what it says. */
  async function sessions(): Promise<Map<string, SessionState>> {
    const keys = [...(await view.list(`${classId}/`))].filter((key) => key.endsWith('/session.json')).sort()
    const found = new Map<string, SessionState>()
    for (const key of keys) found.set(key.split('/')[1] ?? '', JSON.parse((await store.artifacts.read(key)).toString()))
    return found
  }

  // The first service makes the bucket, which nobody else here can.
  await start()
  await until('engine and store', async () => (await call('GET', '/readyz')).status === 200)

  return {
    classId,
    students,
    effects,
    start,
    kill,
    call,
    until,
    held,
    sessions,
    log: () => current?.output() ?? '',
    isDead: () => current === undefined || current.hasEnded(),
    /** Whether the present process is at work. What a killed one left says nothing. */
    async isAtWork(): Promise<boolean> {
      const lease = await store.artifacts.read(`${classId}/lease.json`).catch(() => Buffer.from('{}'))
      const { pid }: { pid?: number } = JSON.parse(lease.toString())
      return pid !== undefined && pid === current?.child.pid
    },
    violations: (): readonly RecordedViolation[] => referee.violations,
    removals: () => referee.removals,

    /** Puts some files of random content into every sandbox; they are the truth from now on. */
    async plantAll(): Promise<Map<string, Files>> {
      const planted = new Map<string, Files>()
      for (const studentId of students) {
        const names = ['work.txt', 'src/main.c', `caf\u00e9 ${randomBytes(2).toString('hex')}`]
        const files = names.map((name) => [Buffer.from(name), randomBytes(100 + randomInt(5000))] as const)
        planted.set(studentId, await plant(engineSocket, truthFile, `class-${classId}--${studentId}`, files))
      }
      return planted
    },

    /** Why these files of a student are not safe; undefined: they are in a committed bag. */
    fault: async (sessionId: string, studentId: string, files: Files): Promise<string | undefined> =>
      (await findBagFault(view, `${classId}/${sessionId}/${studentId}`, files))?.detail,

    /** Past the service and the referee: the next cycle begins with nothing on the engine and in the store. */
    async clear(): Promise<void> {
      await kill()
      if ((await held()).length > 0) await removeAll(label)
      await store.artifacts.empty()
    },

    async close(): Promise<void> {
      await kill()
      spare.child.kill('SIGKILL')
      await spare.closed
      await counted.close()
      await referee.close()
      await removeAll(label)
      await store.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** A running class whose students all have work. */
export async function upAndPlant(lane: Lane): Promise<Map<string, Files>> {
  await lane.start()
  const { status, body } = await lane.call('POST', '/room/up-class', { classId: lane.classId })
  assert.equal(status, 200, JSON.stringify(body))
  return await lane.plantAll()
}

/** A call whose answer does not matter: it may never come. */
export async function attempt(lane: Lane, path: string, more: object = {}): Promise<void> {
  await lane.call('POST', path, { classId: lane.classId, ...more }).catch(() => undefined)
}

/** Nothing is asked for that has not ended, and nobody is at work. Asked of the store alone: the service's calls are counted. */
export async function isSettled(lane: Lane): Promise<boolean> {
  if (await lane.isAtWork()) return false
  return [...(await lane.sessions()).values()].every(
    (session) => session.ended || !(session.up || session.down || session.collect || session.reset),
  )
}

async function openStoreBehind(kind: StoreKind, id: string, folder: string, effects: Effects) {
  if (kind === 'directory') {
    const root = join(folder, 'artifacts')
    const artifacts = folderArtifacts(root)
    return { env: { ARTIFACTS_DIR: root }, artifacts, close: () => artifacts.removeAll() }
  }
  const server = s3Server()
  const { hostname, port } = new URL(server.endpoint)
  const proxy = await openCountedProxy(
    'store',
    { host: hostname, port: Number(port) },
    { host: '127.0.0.1', port: 0 },
    effects,
  )
  const artifacts = bucketArtifacts(server, id)
  return {
    artifacts,
    env: {
      MINIO_ENDPOINT: `http://127.0.0.1:${proxy.port}`,
      MINIO_ACCESS_KEY: server.accessKey,
      MINIO_SECRET_KEY: server.secretKey,
      MINIO_BUCKET: id,
    },
    async close() {
      await proxy.close()
      await artifacts.removeAll()
    },
  }
}
