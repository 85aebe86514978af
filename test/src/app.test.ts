// The service as one: requests that no route takes, errors that nobody foresaw, edits of the catalogue, and its end.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { InjectOptions } from 'fastify'
import { openService, problemOf } from '../support/memory-service.ts'
import { portalAuth } from '../support/tokens.ts'

test('a path that other methods take names them, whoever asks and before a body is read', async (t) => {
  const { app } = await openService(t, {}, portalAuth)
  const cases = [
    ['GET', '/room/up-class', 'POST'],
    ['HEAD', '/room/plan-class', 'POST'],
    ['DELETE', '/room/classes/os101-a', 'GET, HEAD'],
    ['POST', '/room/classes/os101-a?x=1', 'GET, HEAD'],
    ['OPTIONS', '/room/down-class', 'POST'],
    ['PUT', '/room/classes/a/sessions/b/students/c/final/files/data/x/y', 'GET, HEAD'],
    ['PATCH', '/%72oom/labs', 'GET, HEAD'],
    ['TRACE', '/healthz', 'GET, HEAD'],
  ] as const
  for (const [method, url, allow] of cases) {
    const body = method === 'POST' ? { payload: '{', headers: { 'content-type': 'application/json' } } : {}
    const response = await app.inject({ method, url, ...body } as InjectOptions)
    assert.equal(response.statusCode, 405, url)
    assert.equal(response.headers['allow'], allow, url)
    if (method !== 'HEAD') assert.equal(problemOf(response).code, 'method-not-allowed')
  }
  for (const url of ['/room/classes/a/b', '/room/classes/', '/room/classesx', '/room/labs/x', '/docs/a%2Fb/c']) {
    assert.equal((await app.inject({ method: 'DELETE', url })).statusCode, 404, url)
  }
})

test('a name in a query that a call does not know is refused by its name', async (t) => {
  const { app, get, post } = await openService(t)
  for (const [path, name] of [
    ['/healthz?verbose', 'verbose'],
    ['/room/classes?limit=3', 'limit'],
    ['/room/classes/os101-a?__proto__=1', '__proto__'],
    ['/openapi.json?a=1&a=2', 'a'],
  ]) {
    const response = await get(path ?? '')
    assert.equal(response.statusCode, 400, path)
    assert.match(problemOf(response).detail, new RegExp(`^Unknown query field '${name}'\\.`))
  }
  const asked = await post('/room/up-class?allowPartial=true', { classId: 'os101-a' })
  assert.match(problemOf(asked).detail, /^Unknown query field 'allowPartial'/)
  assert.equal((await app.inject({ method: 'HEAD', url: '/room/labs?x=1' })).statusCode, 400)
  assert.equal((await get('/healthz?')).statusCode, 200)
})

test('what is wrong with a field is said in words, never by a pattern', async (t) => {
  const { get, post } = await openService(t)
  const classId = 'os101-a'
  const session = '/room/classes/os101-a/sessions'
  const ofBag = `${session}/20260102t030405678z-00ff/students`
  const idWords = /1 to 30 letters, digits and single hyphens inside/
  const cases = [
    [post('/room/up-class', { classId: 'a--b' }), idWords],
    [post('/room/up-class', { classId, students: ['SV001', 'S V'] }), idWords],
    [post('/room/up-class', { classId, lab: '' }), idWords],
    [post('/room/up-class', { classId, students: [] }), /must have 1 entry or more/],
    [post('/room/up-class', { classId, students: 'SV001' }), /must be a list/],
    [post('/room/up-class', { classId, ttlMinutes: 0 }), /must be 1 or more/],
    [post('/room/up-class', { classId, ttlMinutes: 1e6 }), /must be 525600 or less/],
    [post('/room/up-class', { classId, ttlMinutes: 1.5 }), /must be a whole number/],
    [post('/room/up-class', { classId, allowPartial: 'yes' }), /must be true or false/],
    [post('/room/up-class', { classId: 7 }), /must be text/],
    [post('/room/up-class', []), /must be a JSON object/],
    [post('/room/collect-class', { classId, students: ['SV001', 'SV001'] }), /has an entry twice/],
    [post('/room/reset-student', { classId, studentId: 'SV001', restore: 'x' }), /a collection id is final/],
    [post('/room/discard-student', { classId, studentId: 'SV001', reason: '' }), /must have 1 character or more/],
    [get('/room/classes/a--b'), idWords],
    [get(`${session}/x`), /a session id looks like/],
    [get(`${ofBag}/SV001/other`), /a collection id is final/],
    [get(`${ofBag}/-/final`), idWords],
    [get(`/room/operations/${'o'.repeat(65)}`), /must have 64 characters or fewer/],
  ] as const
  for (const [asked, words] of cases) {
    const { code, detail } = problemOf(await asked)
    assert.equal(code, 'invalid-request')
    assert.match(detail, words)
    assert.doesNotMatch(detail, /pattern|\(\?|\^|\$|NOT|#/)
  }
})

test('unknown and unreadable paths are problems', async (t) => {
  const { app, get } = await openService(t)
  for (const response of [await get('/'), await app.inject({ method: 'DELETE', url: '/room' })]) {
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

test('a request that does not come to its end does not hold the service', async (t) => {
  const { app } = await openService(t)
  await app.ready()
  assert.equal(app.server.requestTimeout, 60_000)
  assert.equal(app.server.headersTimeout, 10_000)
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
