// A service that cannot start says what to change and ends; one whose engine or catalogue is not usable runs, says so, and comes
// right by itself. The engines that are too old or do not answer are hand-made.

import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmod, lstat, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { join } from 'node:path'
import { after, before, describe, type TestContext, test } from 'node:test'
import { type CatalogueFile, catalogueOf } from '../support/catalogue.ts'
import { leftovers } from '../support/docker.ts'
import { cleanUpOfSuite, downClass, problemOf, upClass } from '../support/faults.ts'
import { engineHost, skipWithoutEngine } from '../support/live.ts'
import { type Installation, install, type Service } from '../support/service.ts'
import { startProcess } from '../support/service-process.ts'
import { until } from '../support/until.ts'

/** The service is started as somebody else, who must then be able to read it. */
function whyNobodyCannotRun(): string | false {
  if (process.getuid?.() !== 0) return 'only root can start the service as somebody else'
  const read = `process.setgid(65534); process.setuid(65534); require('node:fs').accessSync(${JSON.stringify(import.meta.filename)})`
  const { status } = spawnSync(process.execPath, ['-e', read])
  return status === 0 ? false : 'the checkout lies where no other user can read it'
}

const catalogue = catalogueOf({ class: ['s01'] })

const options = { store: 'directory', subnets: '10.237.0.0/24', catalogue } as const

const installed = (context: TestContext, name: string): Promise<Installation> => install(context, { name, ...options })

/** Enough to start with; `LISTEN` and the engine lead nowhere. */
const environment = (folder: string): Record<string, string> => ({
  CATALOGUE: join(folder, 'catalogue.json'),
  ARTIFACTS_DIR: join(folder, 'artifacts'),
  DOCKER_HOST: `unix://${folder}/no-engine.sock`,
  LISTEN: join(folder, 'start.sock'),
})

async function assertRefused(env: Record<string, string>, ...reasons: RegExp[]): Promise<void> {
  const { closed, output: printed } = startProcess(env, { timeout: 60_000 })
  const exitCode = await closed
  const output = printed()
  assert.equal(exitCode, 78, output)
  for (const reason of reasons) assert.match(output, reason)
  assert.equal(output.trim().split('\n').length, 1, `one line, no stack: ${output}`)
}

// What else is wrong in settings and catalogues is told apart in the unit tests; here it is how the process ends.
describe('settings that cannot be used', { skip: skipWithoutEngine, timeout: 180_000 }, () => {
  const cleanUp = cleanUpOfSuite(after)
  let folder = ''

  before(async () => {
    folder = (await install(cleanUp, { name: 'settings', ...options })).folder
  })

  for (const [what, env] of [
    ['LISTEN to everybody', { LISTEN: '0.0.0.0:8080' }],
    ['LISTEN in a folder that is absent', { LISTEN: '/no-such-folder/listen.sock' }],
    ['AUTH that is not there yet', { AUTH: 'on' }],
    ['UP_CONCURRENCY that is no number', { UP_CONCURRENCY: 'many' }],
    ['DOCKER_HOST that is no address', { DOCKER_HOST: 'docker' }],
  ] as const) {
    const name = what.split(' ')[0] ?? ''
    test(`${what}: one line that names it, and exit code 78`, () =>
      assertRefused({ ...environment(folder), ...env }, new RegExp(name)))
  }

  const rootLab = broken(({ labs }) => Object.assign(labs['shell'] ?? {}, { user: '0:0' }))
  for (const [what, text, place] of [
    ['that is not JSON', '{"labs": {', /not JSON/],
    ['with a lab that runs as root', rootLab, /\/labs\/shell\/user/],
    ['that is a folder', undefined, /EISDIR|directory/],
  ] as const) {
    test(`a catalogue ${what}: one line that names the file and the place, and exit code 78`, async () => {
      const file = join(folder, 'broken.json')
      await (text === undefined ? mkdir(file) : writeFile(file, text))
      await assertRefused({ ...environment(folder), CATALOGUE: file }, /broken\.json/, place)
      await rm(file, { recursive: true })
    })
  }

  test('no catalogue at all: one line that names the file, and exit code 78', () =>
    assertRefused({ ...environment(folder), CATALOGUE: join(folder, 'none.json') }, /none\.json.*ENOENT/))
})

function broken(change: (file: CatalogueFile) => unknown): string {
  const file = structuredClone(catalogue)
  change(file)
  return JSON.stringify(file)
}

describe('the socket to listen on', { skip: skipWithoutEngine, timeout: 180_000 }, () => {
  test('left by a killed service: replaced; in use: refused, and the running service is not disturbed', async (context) => {
    const installation = await installed(context, 'socket')
    const killed = await installation.start()
    await killed.kill()
    assert.ok((await lstat(join(installation.folder, 'listen.sock'))).isSocket())
    const running = await installation.start()
    const second = { ...environment(installation.folder), LISTEN: join(installation.folder, 'listen.sock') }
    await assertRefused(second, /LISTEN.*in use/)
    assert.equal((await running.get('/healthz')).status, 200)
    assert.equal(await running.stop(), 0)
  })

  test('an ordinary file in its place: refused, and still there', async (context) => {
    const { folder } = await installed(context, 'socket')
    const file = join(folder, 'precious')
    await writeFile(file, 'precious')
    await assertRefused({ ...environment(folder), LISTEN: file }, /LISTEN.*not a socket/)
    assert.equal(await readFile(file, 'utf8'), 'precious')
  })
})

describe('an edit of the catalogue', { skip: skipWithoutEngine, timeout: 180_000 }, () => {
  test('broken: the last good one stays in force and readyz says so; corrected: in force', async (context) => {
    const installation = await installed(context, 'edit')
    const service = await installation.start()
    const file = join(installation.folder, 'catalogue.json')
    const ready = async () => JSON.stringify((await service.get('/readyz')).body)

    for (const edit of ['{"labs":', broken(({ labs }) => Object.assign(labs['shell'] ?? {}, { image: 7 }))]) {
      await writeFile(file, edit)
      await upClass(service, 'class')
      assert.match(await ready(), /newest edit is not in force/)
    }
    await rm(file)
    await downClass(service, 'class')
    assert.match(await ready(), /newest edit is not in force/)

    await installation.writeCatalogue(catalogueOf({ class: ['s01'], added: ['s01'] }))
    await upClass(service, 'added')
    assert.match(await ready(), /"catalogue":"ok"/)
    // Taken out of the catalogue while it is up: it must still come down.
    await installation.writeCatalogue(catalogue)
    await downClass(service, 'added')
    problemOf(await service.post('/room/up-class', { classId: 'added' }), [404, 'unknown-class'])
  })
})

/** Every promise of a service without an engine: it lives, says what is wrong, and refuses both calls with the same reason. */
async function assertWithoutEngine(service: Service, reason: RegExp): Promise<void> {
  assert.equal((await service.get('/healthz')).status, 200)
  // What was found is kept for a second.
  await until('readyz to say why', async () => {
    const { status, body } = await service.get('/readyz')
    assert.equal(status, 503)
    assert.ok(body instanceof Object && 'engine' in body && 'store' in body)
    assert.equal(body.store, 'ok')
    return reason.test(String(body.engine))
  })
  for (const call of ['up-class', 'down-class']) {
    const answer = await service.post(`/room/${call}`, { classId: 'class' })
    assert.match(problemOf(answer, [503, 'engine-unavailable']).detail, reason)
  }
  problemOf(await service.get('/room/classes'), [503, 'engine-unavailable'])
}

/** A socket file that nobody listens on: what a killed engine leaves behind. */
async function leaveSocket(path: string): Promise<void> {
  const script = `require('node:net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`
  await once(spawn(process.execPath, ['-e', script]), 'close')
  assert.ok((await lstat(path)).isSocket())
}

/** Hand-made: answers every call like an engine of 2015. */
async function startOldEngine(path: string): Promise<Server> {
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'api-version': '1.24', 'content-type': 'text/plain' }).end('OK')
  })
  await once(server.listen(path), 'listening')
  return server
}

describe('an engine that cannot be used', { skip: skipWithoutEngine, timeout: 180_000 }, () => {
  test('absent, then dead, then too old: each is told; and when a good one is there, all works', async (context) => {
    const installation = await installed(context, 'engine')
    const socket = join(installation.folder, 'engine.sock')
    const service = await installation.start({ env: { DOCKER_HOST: `unix://${socket}` }, waitFor: '/healthz' })
    await assertWithoutEngine(service, /not running.*Start the engine/)

    await leaveSocket(socket)
    await assertWithoutEngine(service, /does not answer.*Start the engine/)
    await rm(socket)

    const old = await startOldEngine(socket)
    await assertWithoutEngine(service, /1\.24.*upgrade/i)
    old.closeAllConnections()
    await new Promise((done) => old.close(done))

    await symlink(engineHost().slice('unix://'.length), socket)
    await until('readyz', async () => (await service.get('/readyz')).status === 200)
    await upClass(service, 'class')
    await downClass(service, 'class')
    assert.deepEqual(await leftovers(installation.label), [])
  })

  test('not permitted to this user: told with what to do about it', {
    skip: whyNobodyCannotRun(),
  }, async (context) => {
    const installation = await installed(context, 'user')
    const socket = join(installation.folder, 'engine.sock')
    const engine = await startOldEngine(socket)
    context.after(async () => void engine.close())
    await chmod(socket, 0o600)
    for (const folder of ['', 'artifacts']) {
      await mkdir(join(installation.folder, folder), { recursive: true })
      await chmod(join(installation.folder, folder), 0o777)
    }
    const nobody = 'process.setgroups([]); process.setgid(65534); process.setuid(65534)'
    const service = await installation.start({
      env: { DOCKER_HOST: `unix://${socket}`, TMPDIR: installation.folder },
      nodeFlags: ['--import', `data:text/javascript,${encodeURIComponent(nobody)}`],
      waitFor: '/healthz',
    })
    await assertWithoutEngine(service, /may not open the socket.*group docker/)
  })
})
