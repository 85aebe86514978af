// What requests by chance make the service ask of a Docker Engine: the same few questions whatever they say. The engine is
// hand-made and has neither image nor class, so that every up is looked at and refused. What an up that may begin sends is
// made in one place (src/runtime/docker/sandbox-body.ts), which has tests of its own.

import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { createDockerRuntime } from '../../../../src/runtime/docker/runtime.ts'
import { readContract, routeOf } from '../../../support/contract.ts'
import { callsOf } from '../../../support/contract-calls.ts'
import { openService } from '../../../support/memory-service.ts'
import { noProxy } from '../../../support/no-proxy.ts'
import { randomFrom } from '../../../support/random.ts'
import { randomRequest } from '../../../support/random-requests.ts'

const seed = Number(process.env['REQUESTS_SEED'] ?? Date.now() % 2 ** 32)
const count = 2_000

const answers: Readonly<Record<string, object>> = {
  '/_ping': {},
  '/version': { ApiVersion: '1.41', MinAPIVersion: '1.12', Version: '20.10.24' },
  '/info': {
    ServerVersion: '20.10.24',
    OperatingSystem: 'Debian',
    Driver: 'overlay2',
    MemTotal: 2 ** 33,
    NCPU: 2,
    Runtimes: {},
  },
  '/containers/json': [],
  '/networks': [],
  '/volumes': { Volumes: [], Warnings: null },
}

/** Notes every request, as `METHOD /path?query`, with its body where there is one. */
async function startEngine(t: TestContext) {
  const folder = await mkdtemp(join(tmpdir(), 'class-runtime-engine-'))
  const requests: string[] = []
  const server = createServer(async (request, response) => {
    const chunks: Uint8Array[] = []
    for await (const chunk of request) chunks.push(chunk)
    const target = decodeURIComponent(request.url ?? '').replace(/^\/v1\.\d+/, '')
    requests.push(`${request.method} ${target} ${Buffer.concat(chunks)}`.trim())
    const answer = answers[target.replace(/\?.*$/, '')]
    response.writeHead(answer ? 200 : 404, { 'content-type': 'application/json', 'api-version': '1.41' })
    response.end(JSON.stringify(answer ?? { message: 'no such thing' }))
  })
  const path = join(folder, 'docker.sock')
  await new Promise<void>((resolve) => server.listen(path, resolve))
  const runtime = createDockerRuntime(
    { host: `unix://${path}` },
    {
      installation: 'test',
      proxy: noProxy,
      subnets: { base: 10 * 2 ** 24, prefix: 24, size: 28 },
    },
  )
  t.after(async () => {
    await runtime.close()
    server.close()
    await rm(folder, { recursive: true })
  })
  return { runtime, requests }
}

const ofInstallation = '{"label":["class-runtime.installation=test"]}'
const questions = [
  'GET /_ping',
  'GET /version',
  'GET /info',
  'GET /networks',
  `GET /networks?filters=${ofInstallation}`,
  `GET /containers/json?all=1&filters=${ofInstallation}`,
  `GET /volumes?filters=${ofInstallation}`,
  'GET /images/busybox:1.36/json',
]

test(`no request reaches the engine but as one of the known questions (REQUESTS_SEED=${seed})`, async (t) => {
  const { runtime, requests } = await startEngine(t)
  const { app, get } = await openService(t, {}, { kind: 'off' }, runtime)
  const contract = readContract((await get('/openapi.json')).body)
  const calls = callsOf(contract.document)
  const random = randomFrom(seed)
  for (let asked = 0; asked < count; asked++) {
    const request = randomRequest(random, random.pick(calls), [])
    const response = await app.inject({ ...request, remoteAddress: `2001:db8::${asked.toString(16)}` })
    const what = `REQUESTS_SEED=${seed}, number ${asked}: ${request.method} ${request.url.slice(0, 200)}`
    assert.ok(response.statusCode < 500, `${what}: ${response.statusCode} ${response.body.slice(0, 500)}`)
    contract.check(routeOf(response.headers), response)
  }
  const asked = new Set(requests)
  assert.deepEqual(
    [...asked].filter((each) => !questions.includes(each)),
    [],
  )
  for (const question of questions.slice(2)) assert.ok(asked.has(question), question)
})
