// Ten thousand requests by chance, over every call of the document: never a 5xx, never an answer that the document does not
// allow, nothing on the engine but what a class may have, no shared prototype touched, and no memory kept.
// REQUESTS_SEED repeats a run, REQUESTS_COUNT makes it longer.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { readContract, routeOf } from '../../../support/contract.ts'
import { callsOf } from '../../../support/contract-calls.ts'
import { openService } from '../../../support/memory-service.ts'
import { randomFrom } from '../../../support/random.ts'
import { type RandomRequest, randomRequest } from '../../../support/random-requests.ts'

const seed = Number(process.env['REQUESTS_SEED'] ?? Date.now() % 2 ** 32)
const count = Number(process.env['REQUESTS_COUNT'] ?? 10_000)

/** All that this class may make of the engine, whoever asks for whatever. */
const allowed = [
  /^(?:create-network|attach-proxy|close-network) class-os101-a$/,
  /^(?:create-volume|create-container|start|stop|inspect|archive|logs|freeze|thaw|exec|remove-container|remove-volume) SV00[1-3]$/,
]

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc')

function heapUsed(): number {
  collectGarbage()
  return process.memoryUsage().heapUsed
}

const shown = ({ method, url, headers, payload }: RandomRequest): string =>
  `REQUESTS_SEED=${seed}: ${method} ${url.slice(0, 300)} ${JSON.stringify(headers).slice(0, 300)} ${JSON.stringify(payload?.toString())?.slice(0, 500)}`

const sharedPrototypes = [Object, Array, Function, String, Number, Promise, Map].map(({ prototype }) => prototype)
const ownNames = () => sharedPrototypes.map((prototype) => Reflect.ownKeys(prototype))

test(`random requests (REQUESTS_SEED=${seed})`, { timeout: 300_000 }, async (t) => {
  const { app, ofClass, log, get } = await openService(t)
  const contract = readContract((await get('/openapi.json')).body)
  const calls = callsOf(contract.document)
  const random = randomFrom(seed)
  const names = ownNames()
  const operationIds: string[] = []
  const statuses = new Map<number, number>()

  const changing = calls.filter(({ method }) => method === 'POST')
  const warm = Math.floor(count / 4)
  let heapBefore = 0

  for (let asked = 0; asked < count; asked++) {
    if (asked === warm) heapBefore = heapUsed()
    const call = random.pick(asked % 2 === 0 ? calls : changing)
    const request = randomRequest(random, call, operationIds)
    // Each from an address of its own, so that nobody is told to wait.
    const response = await app.inject({
      ...request,
      remoteAddress: `2001:db8:${(asked >>> 16).toString(16)}:${(asked & 0xffff).toString(16)}::1`,
    })
    try {
      assert.ok(response.statusCode < 500, `${response.statusCode} ${response.body.slice(0, 500)}`)
      contract.check(routeOf(response.headers), response)
    } catch (error) {
      throw new Error(`${shown(request)}\n${error instanceof Error ? error.message : error}`, { cause: error })
    }
    // It is the test's own.
    log.length = 0
    statuses.set(response.statusCode, (statuses.get(response.statusCode) ?? 0) + 1)
    const { location } = response.headers
    if (typeof location === 'string') operationIds.push(location.split('/').at(-1) ?? '')
  }

  // What was begun must not write into the folder that is about to go.
  await app.close()
  assert.ok(heapUsed() - heapBefore < 16 * 1024 * 1024, 'the heap has grown by 16 MiB')
  const foreign = ofClass.runtime.events.filter((event) => !allowed.some((pattern) => pattern.test(event)))
  assert.deepEqual(foreign, [])
  assert.deepEqual(ownNames(), names)
  t.diagnostic(`answers by status: ${JSON.stringify(Object.fromEntries([...statuses].sort()))}`)
  for (const status of [200, 202, 400, 404, 409, 413, 415]) assert.ok(statuses.has(status), `no ${status} was seen`)
})
