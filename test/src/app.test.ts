// The service as one: requests that no route takes, errors that nobody foresaw, edits of the catalogue, and its end.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openService, problemOf } from '../support/memory-service.ts'

test('unknown paths, methods and unreadable paths are problems', async (t) => {
  const { app, get } = await openService(t)
  for (const response of [
    await get('/'),
    await get('/room/up-class'),
    await app.inject({ method: 'DELETE', url: '/room/classes/os101-a' }),
  ]) {
    assert.equal(problemOf(response).code, 'not-found')
    assert.equal(response.statusCode, 404)
  }
  for (const path of ['/room/classes/%zz', `/room/classes/${'x'.repeat(3000)}`]) {
    const response = await get(path)
    assert.equal(response.statusCode, 400, path.slice(0, 30))
    assert.equal(problemOf(response).code, 'invalid-request')
    assert.ok(response.body.length < 1000, response.body.slice(0, 300))
  }
})

test('a body that no route takes is not read', async (t) => {
  const { app } = await openService(t)
  for (const payload of ['{', 'x'.repeat(2 * 1024 * 1024)]) {
    const headers = { 'content-type': 'application/json' }
    const response = await app.inject({ method: 'POST', url: '/nowhere', payload, headers })
    assert.equal(problemOf(response).code, 'not-found')
  }
})

test('a body that is no JSON object is refused with the reason', async (t) => {
  const { app } = await openService(t)
  const send = (payload: string, type = 'application/json') =>
    app.inject({ method: 'POST', url: '/room/down-class', payload, headers: { 'content-type': type } })
  const cases: [string, string | undefined, number, string][] = [
    ['{"classId":', undefined, 400, 'invalid-request'],
    ['', undefined, 400, 'invalid-request'],
    ['[]', undefined, 400, 'invalid-request'],
    ['null', undefined, 400, 'invalid-request'],
    ['"os101-a"', undefined, 400, 'invalid-request'],
    ['{"__proto__":{"classId":"os101-a"}}', undefined, 400, 'invalid-request'],
    ['{"classId":"os101-a"}', 'text/plain', 415, 'unsupported-media-type'],
    ['classId=os101-a', 'application/x-www-form-urlencoded', 415, 'unsupported-media-type'],
    [`{"classId":"${'x'.repeat(1024 * 1024)}"}`, undefined, 413, 'payload-too-large'],
  ]
  for (const [payload, type, status, code] of cases) {
    const response = await send(payload, type)
    assert.equal(response.statusCode, status, payload.slice(0, 40))
    assert.equal(problemOf(response).code, code, payload.slice(0, 40))
  }
})

test('an error that nobody foresaw is internal, and only the log has its cause, under the same id', async (t) => {
  const { ofClass, get, log } = await openService(t)
  ofClass.runtime.before = () => {
    throw new TypeError('secret at /srv/secret')
  }
  const response = await get('/room/classes')
  const { detail, code } = problemOf(response)
  assert.equal(code, 'internal')
  assert.doesNotMatch(response.body, /secret|TypeError|at /)
  assert.match(detail, /request id/)
  const line = log.find(({ msg }) => msg === 'request failed')
  assert.equal(line?.['reqId'], response.json<{ instance: string }>().instance)
  assert.match(JSON.stringify(line), /secret at \/srv\/secret/)
})

test('an edit of the catalogue is in force at the next call, and its images are fetched', async (t) => {
  const { get, editCatalogue, imageFetches } = await openService(t)
  await get('/room/labs')
  assert.equal(imageFetches(), 0)
  await editCatalogue('{"labs":{},"subjects":{},"classes":{}}')
  const response = await get('/room/labs')
  assert.deepEqual(response.json(), { labs: [] })
  assert.equal(imageFetches(), 1)
  await editCatalogue('{')
  assert.deepEqual((await get('/room/labs')).json(), { labs: [] })
  assert.equal(imageFetches(), 1)
})

test('closing the service lets a running operation come to a safe end first', async (t) => {
  const { app, ofClass, post } = await openService(t)
  await ofClass.up()
  let stopped = false
  ofClass.runtime.before = async (event) => {
    if (event !== 'stop SV001' || stopped) return
    stopped = true
    void app.close()
    await new Promise(setImmediate)
  }
  const response = await post('/room/down-class', { classId: 'os101-a' })
  await app.close()
  assert.equal(problemOf(response).code, 'collect-failed')
  assert.ok(!ofClass.runtime.events.some((event) => event.startsWith('remove-')))
})

test('a request that does not come to its end, and connections without end, do not hold the service', async (t) => {
  const { app } = await openService(t)
  await app.ready()
  assert.equal(app.server.requestTimeout, 60_000)
  assert.equal(app.server.maxConnections, 2_000)
})

test('a field name that is as long as a body is cut in the answer and in the log', async (t) => {
  const { post, log } = await openService(t)
  const response = await post('/room/down-class', { classId: 'os101-a', ['x'.repeat(100_000)]: 1 })
  assert.equal(
    problemOf(response).detail,
    `Unknown field '${'x'.repeat(100)}…'. Only class actions exist: leave it out.`,
  )
  assert.ok(JSON.stringify(log).length < 10_000)
})
