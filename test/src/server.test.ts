// The process, started for real on a Unix socket with no engine behind it: exit codes, stale sockets, signals.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { access, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { catalogueText } from '../support/memory-class.ts'
import { type ServiceProcess, startProcess } from '../support/service-process.ts'
import { bearer, portalSecret } from '../support/tokens.ts'

/** A folder with a catalogue, and the environment of a service that lives in it and has no engine. */
async function installation(t: TestContext) {
  const folder = await mkdtemp(join(tmpdir(), 'class-runtime-test-'))
  const ends: (() => Promise<unknown>)[] = []
  t.after(async () => {
    await Promise.all(ends.map((end) => end()))
    await rm(folder, { recursive: true, force: true })
  })
  await writeFile(join(folder, 'catalogue.json'), catalogueText())
  const env: Record<string, string> = {
    PATH: process.env['PATH'] ?? '',
    LISTEN: join(folder, 'service.sock'),
    DOCKER_HOST: `unix://${join(folder, 'no-engine.sock')}`,
    CATALOGUE: join(folder, 'catalogue.json'),
    ARTIFACTS_DIR: join(folder, 'artifacts'),
  }
  const start = (change: Record<string, string> = {}): ServiceProcess => {
    const service = startProcess({ ...env, ...change })
    ends.push(() => end(service))
    return service
  }
  return { folder, socket: join(folder, 'service.sock'), start }
}

function end({ child, closed }: ServiceProcess, signal: NodeJS.Signals = 'SIGKILL'): Promise<number | null> {
  child.kill(signal)
  return closed
}

/** How a service that cannot start ends. */
const failedStart = async ({ closed, output }: ServiceProcess) => ({ exitCode: await closed, words: output() })

test('a configuration that cannot be used ends the start with exit code 78 and names what is wrong', async (t) => {
  const { start, folder } = await installation(t)
  const plain = join(folder, 'plain-file')
  await writeFile(plain, 'precious')
  const cases: [Record<string, string>, RegExp][] = [
    [{ LISTEN: '0.0.0.0:8080' }, /LISTEN/],
    [{ LISTEN: plain }, /LISTEN/],
    [{ CATALOGUE: join(folder, 'gone.json') }, /CATALOGUE .*gone\.json/],
    [{ DOCKER_HOST: 'nonsense' }, /DOCKER_HOST/],
    [{ AUTH_PUBLIC_KEY_FILE: plain }, /AUTH_PUBLIC_KEY_FILE .*plain-file/],
    [{ AUTH: 'jwt' }, /AUTH_JWT_SECRET/],
    [{ MINIO_ENDPOINT: 'http://127.0.0.1:9' }, /MINIO_ENDPOINT/],
    [{ MINIO_ENDPIONT: 'http://127.0.0.1:9' }, /did you mean MINIO_ENDPOINT\?/],
  ]
  const ends = await Promise.all(cases.map(([env]) => failedStart(start(env))))
  for (const [index, { exitCode, words }] of ends.entries()) {
    assert.equal(exitCode, 78, words)
    assert.match(words, /^class-runtime cannot start: /)
    assert.match(words, cases[index]?.[1] ?? /never/)
    assert.equal(words.trim().split('\n').length, 1, 'one line, no stack')
  }
  assert.equal(await readFile(plain, 'utf8'), 'precious')
})

test('without its engine the service starts, takes over a stale socket, and ends well at SIGTERM', async (t) => {
  const { start, socket } = await installation(t)
  const killed = start()
  await listening(killed)
  await end(killed)
  await access(socket)

  const service = start()
  await listening(service)
  assert.equal((await get(socket, '/healthz')).status, 200)
  assert.equal((await stat(socket)).mode & 0o777, 0o660)
  const { status, body } = await get(socket, '/readyz')
  assert.equal(status, 503)
  assert.match(body, /"engine":"The Docker Engine is not running.*"store":"ok"/)

  const second = await failedStart(start())
  assert.equal(second.exitCode, 78)
  assert.match(second.words, /in use by another process/)
  assert.equal((await get(socket, '/healthz')).status, 200, 'the first still answers')

  assert.equal(await end(service, 'SIGTERM'), 0)
  await assert.rejects(access(socket))
})

test('without a key source the start says loudly that nobody is authenticated; with one, callers show a token', async (t) => {
  const { start, socket, folder } = await installation(t)
  const open = start()
  const said = await listening(open, 'AUTH is off: everybody')
  assert.match(said, new RegExp(`"store":"the folder ${folder}/artifacts","engine":"unix://${folder}/no-engine.sock"`))
  assert.match(said, new RegExp(`"catalogue":"${folder}/catalogue.json","keySource":"none: AUTH is off"`))
  assert.match(said, /"level":40,.*AUTH is off: everybody/)
  assert.equal((await get(socket, '/room/operations/gone')).status, 404)
  await end(open)

  const closed = start({ AUTH_JWT_SECRET: portalSecret })
  const log = await listening(closed, 'AUTH is jwt')
  assert.match(log, /"key":"secret".*AUTH is jwt/)
  assert.ok(!log.includes(portalSecret))
  assert.equal((await get(socket, '/room/operations/gone')).status, 401)
  assert.equal((await get(socket, '/room/operations/gone', bearer('a-hoa', 'admin'))).status, 404)
  assert.equal((await get(socket, '/healthz')).status, 200)
})

/** Resolves with the log when the service has said that it listens, or other words of a start. */
async function listening({ child, closed, output }: ServiceProcess, words = 'Server listening'): Promise<string> {
  while (!output().includes(words)) {
    const ended = await Promise.race([once(child.stdout ?? child, 'data').then(() => false), closed.then(() => true)])
    assert.ok(!ended, `it ended: ${output()}`)
  }
  return output()
}

async function get(
  socketPath: string,
  path: string,
  headers: Record<string, string> = {},
): Promise<{ status: number | undefined; body: string }> {
  const call = request({ socketPath, path, headers }).end()
  const [response] = await once(call, 'response')
  let body = ''
  for await (const chunk of response) body += chunk
  return { status: response.statusCode, body }
}
