// The real Traefik between the service and its store: as docs/operator.md wants it a class goes down through it, and where it cuts uploads off
// or refuses a character, everybody keeps their work and is told what it answered.

import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { startS3Proxy } from '../faults/s3-proxy.ts'
import { catalogueOf } from '../support/catalogue.ts'
import { bagSums, downClass, FailedDown, problemOf, randomFiles, upClass, work } from '../support/faults.ts'
import { s3Server, skipWithoutStore } from '../support/live.ts'
import { skipWithoutTraefik, traefikBinary } from '../support/real-traefik.ts'
import { type Installation, install } from '../support/service.ts'
import { until } from '../support/until.ts'

const skip = skipWithoutStore('s3') || skipWithoutTraefik
const student = 'class-behind--s01'
const noReadTimeout = 'transport.respondingTimeouts.readTimeout=0'

interface StoreGate {
  readonly url: string
  /** Ends it and starts it anew, with other flags of its entrypoint. */
  restart(...flags: string[]): Promise<void>
}

/** A Traefik on a port of loopback that leads to the store whatever comes. */
async function startGate(t: TestContext, site: Installation, port: number, ...flags: string[]): Promise<StoreGate> {
  // JSON is YAML too, and Traefik knows files by their endings.
  const rules = join(site.folder, 'store.yaml')
  const url = `http://127.0.0.1:${port}`
  const servers = [{ url: s3Server().endpoint }]
  const routers = { store: { rule: 'PathPrefix(`/`)', service: 'store' } }
  await writeFile(rules, JSON.stringify({ http: { routers, services: { store: { loadBalancer: { servers } } } } }))
  let running: ChildProcess | undefined
  const end = async () => {
    running?.kill('SIGKILL')
    if (running?.exitCode === null && running.signalCode === null) await once(running, 'exit')
  }
  t.after(end)
  const restart = async (...more: readonly string[]) => {
    await end()
    const fixed = [`--entrypoints.store.address=127.0.0.1:${port}`, `--providers.file.filename=${rules}`]
    const own = more.map((flag) => `--entrypoints.store.${flag}`)
    running = spawn(traefikBinary, [...fixed, ...own], { stdio: 'ignore' })
    const status = () =>
      fetch(url)
        .then((answer) => answer.status)
        .catch(() => 404)
    await until('Traefik to lead to the store', async () => (await status()) !== 404)
  }
  await restart(...flags)
  return { url, restart }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  assert.ok(address !== null && typeof address === 'object')
  server.close()
  await once(server, 'close')
  return address.port
}

const siteOf = (t: TestContext, subnets: string, port: number): Promise<Installation> =>
  install(t, {
    name: 'behind',
    store: 's3',
    subnets,
    catalogue: catalogueOf({ behind: ['s01'] }),
    env: { MINIO_ENDPOINT: `http://127.0.0.1:${port}` },
  })

test('a class goes down through a Traefik before the store, and a character that it refuses is told with the file', {
  skip,
  timeout: 180_000,
}, async (t) => {
  const port = await freePort()
  const site = await siteOf(t, '10.221.0.0/20', port)
  const gate = await startGate(t, site, port, noReadTimeout)
  const service = await site.start()
  await upClass(service, 'behind')
  const names = ['a#b', 'a;b', 'a%2Fb', 'a b+c', 'a?b', 'Bài tập', 'a\\b', '..a', 'a"b&c']
  const sums = await work(student, names.map((name) => `echo ${name.length} >'${name}'`).join('\n'))
  assert.equal(sums.size, names.length)

  // A service that started now would tell it in /readyz, before any class is up.
  await gate.restart('http.encodedcharacters.allowencodedhash=false')
  const problem = problemOf(
    await service.post('/room/down-class', { classId: 'behind' }),
    [503, 'store-unavailable'],
    FailedDown,
  )
  const [refused] = problem.students
  assert.equal(refused?.state, 'kept')
  assert.match(refused?.error?.detail ?? '', /The store, or what stands before it, answered 400\..*The file is 'a#b'\./)

  await gate.restart(noReadTimeout)
  const down = await downClass(service, 'behind')
  assert.equal(down.state, 'down')
  assert.deepEqual(await bagSums(site.artifacts, down.students[0]?.bag ?? ''), sums)
})

test('an upload that Traefik cuts off by its read timeout is told with the file, and goes down when there is none', {
  skip,
  timeout: 180_000,
}, async (t) => {
  const port = await freePort()
  const site = await siteOf(t, '10.222.0.0/20', port)
  const gate = await startGate(t, site, port, 'transport.respondingTimeouts.readTimeout=1s')
  // The service's uploads come at 64 KB/s, so that a second is here what 60 s are to a class.
  const slow = await startS3Proxy(gate.url)
  t.after(slow.goDown)
  const service = await site.start({ env: { MINIO_ENDPOINT: slow.url } })
  await upClass(service, 'behind')
  const sums = await work(student, randomFiles(1, 150_000))
  slow.plan.set({ fault: 'slow', method: 'PUT', url: /data\/1/, nth: 1, standing: true })

  const problem = problemOf(
    await service.post('/room/down-class', { classId: 'behind' }),
    [503, 'store-unavailable'],
    FailedDown,
  )
  assert.equal(problem.students[0]?.state, 'kept')
  assert.match(
    problem.students[0]?.error?.detail ?? '',
    /^The store, or what stands before it, answered (499|504)\. .*The file is 'data\/1'\.$/,
  )

  await gate.restart(noReadTimeout)
  const down = await downClass(service, 'behind')
  assert.equal(down.state, 'down')
  assert.deepEqual(await bagSums(site.artifacts, down.students[0]?.bag ?? ''), sums)
})
