// One cell of the matrix: a class of two goes up, works and goes down. The fault strikes one of the two calls, which is then made
// once more without it.
// The service runs in this process, all of it but its socket. Where an engine or a store hangs its timeouts are short.
// Slightly over 250 lines: one cell from its first call to its verdict.

import assert from 'node:assert/strict'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pino } from 'pino'
import { buildApp } from '../../src/app.ts'
import { openCatalogue } from '../../src/catalogue/catalogue.ts'
import { ClassActions } from '../../src/classes/class-actions.ts'
import { Reservations } from '../../src/classes/up/reservations.ts'
import { createGroupGate } from '../../src/gate.ts'
import { trustEverybody } from '../../src/http/auth/tokens.ts'
import { Metrics } from '../../src/metrics.ts'
import { Leases } from '../../src/operations/lease.ts'
import { Operations } from '../../src/operations/operations.ts'
import { createDockerRuntime } from '../../src/runtime/docker/runtime.ts'
import { sandboxesPerSubnet } from '../../src/runtime/docker/subnets.ts'
import { createDirectoryStore } from '../../src/store/directory/store.ts'
import type { Store } from '../../src/store/port.ts'
import { createS3Store } from '../../src/store/s3/bucket.ts'
import { s3Limits } from '../../src/store/s3/limits.ts'
import { findBagFault } from '../referee/bags.ts'
import { findSandbox, type Planted, plant } from '../referee/plant.ts'
import { startReferee } from '../referee/referee.ts'
import { openStoreView } from '../referee/store.ts'
import type { Files } from '../referee/truth.ts'
import { DownAnswer, ProblemAnswer, UpAnswer } from '../support/answers.ts'
import { bucketArtifacts, folderArtifacts } from '../support/artifacts.ts'
import { catalogueOf } from '../support/catalogue.ts'
import { leftovers, removeAll } from '../support/docker.ts'
import { FailedDown, FailedUp } from '../support/faults.ts'
import { engineHost, type S3Server } from '../support/live.ts'
import { noProxy } from '../support/no-proxy.ts'
import { shaped } from '../support/shape.ts'
import { openEngineProxy } from './engine-proxy.ts'
import type { Cell, Outcome } from './matrix.ts'
import { startS3Proxy } from './s3-proxy.ts'

export interface Site {
  /** An empty folder of the cell's own, its path short enough for sockets. */
  readonly folder: string
  /** From 0: its subnet depends on it. */
  readonly number: number
  /** For cells of the store. */
  readonly server: S3Server
  readonly bucket: string
}

/** So short that a hang costs seconds, and used for nothing else: a busy machine is slow at times, and not hanging. */
const hasty = {
  engine: {
    quick: { headersMs: 3_000, idleMs: 3_000 },
    slow: { headersMs: 5_000, idleMs: 3_000 },
    unbounded: { headersMs: 0, idleMs: 0 },
  },
  s3StallMilliseconds: 2_000,
}
const retry = { attempts: 2, firstPauseMilliseconds: 20, totalMilliseconds: 60_000 }

const students = ['s01', 's02'] as const

/** Every kind of file that the way of a bag treats differently: large, small, empty, of an odd name. */
const workOf = (student: string): Planted => [
  [Buffer.from('large'), Buffer.alloc(1_200_000, student)],
  [Buffer.from('answer.txt'), Buffer.from(`the answer of ${student}`)],
  [Buffer.from('folder/code.c'), Buffer.alloc(100_000, `${student} `)],
  [Buffer.from('empty'), Buffer.alloc(0)],
  [Buffer.from([0x42, 0xff, 0x2e, 0x74, 0x78, 0x74]), Buffer.from('odd')],
]

/** Runs a cell to its end, and fails where it does not end as it must. Nothing of it stays on the engine. */
export async function runCell(site: Site, cell: Cell): Promise<void> {
  const classId = `m${site.number}`
  const installation = `matrix-${site.bucket}-${site.number}`
  const label = `class-runtime.installation=${installation}`
  const service = await openService(site, cell, classId, installation)
  const { post, referee, place, truthFile, engineSocket } = service
  const call = (name: Cell['during']) =>
    name === cell.during ? callStruck(service, cell, classId) : post(`/room/${name}-class`, { classId })
  try {
    const up = await call('up')
    assert.equal(outcomeOf(up), 'up', JSON.stringify(up.body))
    const truth = new Map<string, Files>()
    for (const { containerId } of shaped(UpAnswer, up.body).students) {
      const container = containerId ?? ''
      const { student } = await findSandbox(engineSocket, container)
      truth.set(student, await plant(engineSocket, truthFile, container, workOf(student.slice(-3))))
    }
    assert.equal(truth.size, students.length)

    const down = await call('down')
    assert.equal(down.status, 200, JSON.stringify(down.body))
    if (cell.first === 'leaked network') await letNetworkMakeWay(post, classId)
    else assertFinished(down.body)

    assert.deepEqual(referee.violations, [])
    for (const [student, files] of truth) {
      assert.equal(await findBagFault(openStoreView(place), student, files), undefined)
    }
    assert.deepEqual(await leftovers(label), [])
  } catch (error) {
    await removeAll(label)
    const told = service.log.map((line) => JSON.parse(line).err?.message).filter(Boolean)
    throw new Error(`the service's log:\n${told.slice(-10).join('\n')}`, { cause: error })
  } finally {
    await service.close()
  }
}

/** The call while the fault strikes; once more without it, unless all was done. */
async function callStruck(
  { post, postHastily, strike, hits, calm }: Awaited<ReturnType<typeof openService>>,
  cell: Cell,
  classId: string,
): Promise<Reply> {
  const path = `/room/${cell.during}-class`
  strike()
  const first = await (cell.strike.fault === 'hang' ? postHastily : post)(path, { classId })
  assert.ok(hits() > 0, `the fault never struck; the answer was ${JSON.stringify(first.body)}`)
  await calm()
  assert.deepEqual(outcomeOf(first), cell.first, JSON.stringify(first.body))
  return cell.first === cell.during ? first : await post(path, { classId })
}

/** A network that an ended session could not remove is in nobody's way: the next up takes it away. */
async function letNetworkMakeWay(post: Post, classId: string): Promise<void> {
  const up = await post('/room/up-class', { classId })
  assert.equal(up.status, 200, JSON.stringify(up.body))
  const down = await post('/room/down-class', { classId })
  assert.equal(outcomeOf(down), 'down', JSON.stringify(down.body))
}

function assertFinished(body: unknown): void {
  const answer = shaped(DownAnswer, body)
  assert.deepEqual([answer.state, answer.leaked], ['down', []])
  assert.deepEqual(
    answer.students.map(({ studentId, state, files }) => [studentId, state, files]),
    students.map((student) => [student, 'removed', workOf(student).length]),
  )
}

interface Reply {
  readonly status: number
  readonly body: unknown
}

type Post = (url: string, payload: object) => Promise<Reply>

function outcomeOf({ status, body }: Reply): Outcome {
  const codes = (all: readonly string[]) => [...new Set(all)].join()
  if (status === 200 && body instanceof Object && !('leaked' in body)) {
    assert.equal(shaped(UpAnswer, body).state, 'up')
    return 'up'
  }
  if (status === 200) {
    const { leaked, students: gone } = shaped(DownAnswer, body)
    const unconfirmed = codes(gone.flatMap(({ error }) => error?.code ?? []))
    if (unconfirmed !== '') return `unconfirmed ${unconfirmed}`
    return leaked.length === 0 ? 'down' : `leaked ${codes(leaked.map(({ kind }) => kind))}`
  }
  const problem = shaped(ProblemAnswer, body)
  if (!('students' in problem)) return `refused ${problem.code}`
  if (problem.code === 'up-failed') {
    return `failed ${codes(shaped(FailedUp, body).students.flatMap(({ error }) => error?.code ?? []))}`
  }
  const { students: told } = shaped(FailedDown, body)
  return `kept ${codes(told.flatMap(({ error }) => error?.code ?? []))}`
}

async function openService(
  { folder, number, server, bucket }: Site,
  cell: Cell,
  classId: string,
  installation: string,
) {
  const engineSocket = engineHost().slice('unix://'.length)
  const truthFile = join(folder, 'truth')
  const root = join(folder, 'store')
  await mkdir(root)
  const { place } = cell.at === 's3' ? bucketArtifacts(server, bucket) : folderArtifacts(root)
  const listenSocket = join(folder, 'referee.sock')
  const violationsFile = join(folder, 'violations')
  const referee = await startReferee({ engineSocket, listenSocket, store: place, truthFile, violationsFile })
  const engineProxy = await openEngineProxy({ socketPath: listenSocket }, join(folder, 'engine.sock'))
  const s3Proxy = cell.at === 's3' ? await startS3Proxy(server.endpoint) : undefined

  const subnets = { base: 0x0af0_0000 + number * 16, prefix: 28, size: 29 }
  const catalogueFile = join(folder, 'catalogue.json')
  await writeFile(catalogueFile, JSON.stringify(catalogueOf({ [classId]: students })))
  const catalogue = await openCatalogue(catalogueFile, () => {})
  const log: string[] = []
  const openStore = (stallMilliseconds: number) => {
    const s3 = { ...server, endpoint: s3Proxy?.url ?? server.endpoint, bucket, region: 'us-east-1' }
    return s3Proxy ? createS3Store(s3, { ...s3Limits, stallMilliseconds, retry }) : createDirectoryStore(root)
  }
  const stores = [openStore(s3Limits.stallMilliseconds), openStore(hasty.s3StallMilliseconds)] as const
  // One for both, which then are one process to it: a lease that could not be given back is still their own.
  const leases = new Leases(stores[1])
  const openApp = (store: Store, timeouts: typeof hasty.engine | undefined) => {
    const runtime = createDockerRuntime({ host: engineProxy.host, timeouts }, { installation, proxy: noProxy, subnets })
    const [upGate, collectGate, stopGate] = [createGroupGate(2), createGroupGate(1), createGroupGate(1)]
    const maxStudents = sandboxesPerSubnet(subnets)
    const reservations = new Reservations()
    const sandboxUids = { first: 20_000, last: 59_999 }
    const bounds = { upGate, collectGate, stopGate, maxStudents, sandboxUids }
    const classes = { runtime, store, installation, ...bounds, reservations, traefik: undefined }
    const app = buildApp({
      connectionsPerAddress: 200,
      classes,
      actions: new ClassActions(classes, new Operations(), leases),
      catalogue,
      identify: trustEverybody,
      log: pino({ level: 'warn' }, { write: (line: string) => void log.push(line) }),
      metrics: new Metrics(),
      onCatalogueChange: () => {},
    })
    const post: Post = async (url, payload) => {
      const answer = await app.inject({ method: 'POST', url, payload, headers: { prefer: 'wait=600' } })
      return { status: answer.statusCode, body: answer.json() }
    }
    const close = async () => {
      await app.close()
      await Promise.all([runtime.close(), store.close()])
    }
    return { post, close }
  }
  const [patientApp, hastyApp] = [openApp(stores[0], undefined), openApp(stores[1], hasty.engine)]

  return {
    referee,
    place,
    truthFile,
    engineSocket,
    log,
    post: patientApp.post,
    postHastily: hastyApp.post,
    strike() {
      if (cell.at === 'engine') engineProxy.plan.set(cell.strike)
      else s3Proxy?.plan.set(cell.strike)
    },
    hits: () => engineProxy.plan.hits + (s3Proxy?.plan.hits ?? 0),
    async calm() {
      engineProxy.plan.set(undefined)
      s3Proxy?.plan.set(undefined)
      await s3Proxy?.comeBack()
    },
    async close() {
      await Promise.all([patientApp.close(), hastyApp.close()])
      await Promise.all([engineProxy.close(), s3Proxy?.goDown()])
      await referee.close()
    },
  }
}
