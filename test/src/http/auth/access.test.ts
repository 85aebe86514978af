// Who may call what: every route, by every kind of caller. What a stranger is told never says whether a class exists.
// Over 250 lines, since each kind of access is asked by each kind of caller.

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { LightMyRequestResponse } from 'fastify'
import { catalogueText } from '../../../support/memory-class.ts'
import { type MemoryService, openService, problemOf } from '../../../support/memory-service.ts'
import { bearer, goodClaims, portalAuth, portalSecret, secretKey, signToken } from '../../../support/tokens.ts'

const lan = bearer('t-lan', 'teacher')
const minh = bearer('t-minh', 'teacher')
const admin = bearer('a-hoa', 'admin')

/** Two classes: os101-a is of t-lan, os101-b of t-minh. */
async function openSchool(t: TestContext): Promise<MemoryService> {
  const service = await openService(t, {}, portalAuth)
  const { classes, ...rest } = JSON.parse(catalogueText())
  const ofLan = { ...classes['os101-a'], teachers: ['t-lan'] }
  const ofMinh = { ...classes['os101-a'], teachers: ['t-minh', 'T-LAN'] }
  await service.editCatalogue(JSON.stringify({ ...rest, classes: { 'os101-a': ofLan, 'os101-b': ofMinh } }))
  return service
}

const missingSession = 'sessions/20260102t030405678z-00ff'

/** Every route, with a call for a class; `none` is a class that is not in the catalogue. */
const ofClass: [string, (classId: string) => { url: string; body?: object }][] = [
  ['POST /room/up-class', (classId) => ({ url: '/room/up-class', body: { classId, students: ['SV999'] } })],
  ['POST /room/down-class', (classId) => ({ url: '/room/down-class', body: { classId } })],
  ['POST /room/collect-class', (classId) => ({ url: '/room/collect-class', body: { classId } })],
  ['POST /room/extend-class', (classId) => ({ url: '/room/extend-class', body: { classId, ttlMinutes: 5 } })],
  ['POST /room/reset-student', (classId) => ({ url: '/room/reset-student', body: { classId, studentId: 'SV999' } })],
  ['POST /room/plan-class', (classId) => ({ url: '/room/plan-class', body: { classId } })],
  ['GET /room/classes/:classId', (classId) => ({ url: `/room/classes/${classId}` })],
  ['GET /room/classes/:classId/students/:studentId', (classId) => ({ url: `/room/classes/${classId}/students/SV001` })],
  ['GET /room/classes/:classId/sessions', (classId) => ({ url: `/room/classes/${classId}/sessions` })],
  [
    'GET /room/classes/:classId/sessions/:sessionId',
    (classId) => ({ url: `/room/classes/${classId}/${missingSession}` }),
  ],
  [
    'GET /room/classes/:classId/sessions/:sessionId/students/:studentId/:collectionId',
    (classId) => ({ url: `/room/classes/${classId}/${missingSession}/students/SV001/final` }),
  ],
  [
    'GET /room/classes/:classId/sessions/:sessionId/students/:studentId/:collectionId/files/*',
    (classId) => ({ url: `/room/classes/${classId}/${missingSession}/students/SV001/final/files/data/x` }),
  ],
]
const ofOperation = ['GET /room/operations/:operationId', 'GET /room/operations/:operationId/events']
const discard = { url: '/room/discard-student', body: { classId: 'os101-a', studentId: 'SV999', reason: 'broken' } }
const ofEverybody = ['GET /room/classes', 'GET /room/labs', 'GET /metrics']
const open = ['GET /healthz', 'GET /readyz', 'GET /openapi.json', 'GET /docs', 'GET /docs/:asset']

const send = (
  { post, get }: MemoryService,
  { url, body }: { url: string; body?: object },
  headers?: Record<string, string>,
): Promise<LightMyRequestResponse> => (body ? post(url, body, headers) : get(url, headers))

test('these tests call every route that there is', async (t) => {
  const { app } = await openSchool(t)
  await app.ready()
  const routes = [...ofClass.map(([route]) => route), ...ofOperation, ...ofEverybody, ...open]
  routes.push('POST /room/discard-student', 'GET /room/traefik', 'GET /room/traefik/:state')
  routes.push('GET /room/traefik/in-use/:routesId', 'GET /room/nodes')
  for (const route of routes) {
    const [method = '', url = ''] = route.split(' ')
    assert.ok(app.hasRoute({ method, url }), route)
  }
  const listed = app.printRoutes({ commonPrefix: false }).match(/ \([A-Z, ]+\)$/gm) ?? []
  assert.equal(listed.length, routes.length)
})

test('a caller of the portal, whoever it is, gets no routes of Traefik', async (t) => {
  const { app } = await openSchool(t)
  for (const headers of [{}, bearer('a-hoa', 'admin'), bearer('t-lan', 'teacher')]) {
    const { statusCode, body } = await app.inject({ url: '/room/traefik', headers })
    assert.deepEqual([statusCode, JSON.parse(body).code], [401, 'not-authenticated'])
  }
})

test('without a good token nothing but health is answered, and nothing is read', async (t) => {
  const school = await openSchool(t)
  school.ofClass.runtime.before = () => assert.fail('the engine is asked')
  school.ofClass.storeHooks = { before: () => assert.fail('the store is asked') }
  const expired = signToken('HS256', secretKey(portalSecret), { ...goodClaims(), exp: 1 })
  const plain = [...ofOperation, ...ofEverybody].map((route) => ({ url: route.split(' ')[1] ?? '' }))
  for (const request of [...ofClass.map(([, requestFor]) => requestFor('os101-a')), discard, ...plain]) {
    const cases = [
      { headers: {}, reason: 'missing', challenge: /^Bearer$/ },
      { headers: { authorization: 'Basic dDpw' }, reason: 'missing', challenge: /^Bearer$/ },
      {
        headers: { authorization: `Bearer ${expired}` },
        reason: 'expired',
        challenge: /^Bearer error="invalid_token", error_description="The token has expired\. [^"\\]*"$/,
      },
    ]
    for (const { headers, reason, challenge } of cases) {
      const response = await send(school, request, headers)
      assert.equal(response.statusCode, 401, request.url)
      const problem = problemOf(response)
      assert.equal(problem.code, 'not-authenticated')
      assert.equal(problem['reason'], reason)
      assert.match(response.headers['www-authenticate']?.toString() ?? '', challenge)
    }
  }
  assert.equal((await school.app.inject({ method: 'HEAD', url: '/room/classes' })).statusCode, 401)
  assert.equal((await school.get('/healthz')).statusCode, 200)
})

test('a valid token whose role may do nothing here is known and forbidden, and the log says who it was', async (t) => {
  const school = await openSchool(t)
  for (const role of ['student', 'Admin', 'ADMIN ', 'none', '__proto__']) {
    const token = signToken('HS256', secretKey(portalSecret), { ...goodClaims(), sub: 'sv001', role })
    const headers = { authorization: `Bearer ${token}` }
    for (const url of ['/room/classes', '/room/labs', '/metrics', '/room/classes/none', '/room/operations/none']) {
      const response = await school.get(url, headers)
      assert.equal(response.statusCode, 403, `${role} ${url}`)
      assert.equal(problemOf(response).code, 'forbidden')
    }
    const response = await school.post('/room/down-class', { classId: 'os101-a' }, headers)
    assert.equal(problemOf(response).code, 'forbidden')
    assert.equal(response.headers['www-authenticate'], undefined)
    assert.equal((await school.get('/healthz', headers)).statusCode, 200)
  }
  const audited = school.log.filter(({ audit }) => audit === true)
  assert.deepEqual(new Set(audited.map(({ actor }) => actor)), new Set(['sv001']))
})

test('the nodes are told to admins alone', async (t) => {
  const school = await openSchool(t)
  assert.equal((await school.get('/room/nodes', bearer('a-hoa', 'admin'))).statusCode, 200)
  assert.equal((await school.get('/room/nodes')).statusCode, 401)
  const refused = await school.get('/room/nodes', bearer('t-lan', 'teacher'))
  assert.deepEqual([refused.statusCode, problemOf(refused).code], [403, 'forbidden'])
})

test('what a caller is told is kept by nobody on the way', async (t) => {
  const school = await openSchool(t)
  for (const url of ['/room/classes', '/room/classes/none', '/room/labs', '/metrics']) {
    assert.equal((await school.get(url, admin)).headers['cache-control'], 'private, no-store', url)
  }
})

test('readiness is told without a token', async (t) => {
  const { get } = await openSchool(t)
  assert.equal((await get('/readyz')).statusCode, 200)
})

test('a stranger is refused before the body is read', async (t) => {
  const { app } = await openSchool(t)
  const response = await app.inject({
    method: 'POST',
    url: '/room/up-class',
    payload: '{',
    headers: { 'content-type': 'application/json' },
  })
  assert.equal(problemOf(response).code, 'not-authenticated')
})

test('a token in the query, in the body or in a cookie is no token, and is not logged', async (t) => {
  const { app, log } = await openSchool(t)
  const token = admin.authorization.slice('Bearer '.length)
  for (const request of [
    { method: 'GET', url: `/room/classes?access_token=${token}` },
    { method: 'GET', url: `/room/classes?authorization=Bearer%20${token}` },
    { method: 'GET', url: '/room/classes', headers: { cookie: `access_token=${token}` } },
    { method: 'POST', url: '/room/down-class', payload: { classId: 'os101-a', access_token: token } },
  ] as const) {
    assert.equal(problemOf(await app.inject(request)).code, 'not-authenticated')
  }
  assert.ok(!JSON.stringify(log).includes(token))
  const urls = log.flatMap(({ req }) => (req && typeof req === 'object' && 'url' in req ? [req.url] : []))
  assert.deepEqual(urls.slice(0, 2), ['/room/classes?[secret]', '/room/classes?[secret]'])
})

test('a teacher of another class gets the same answer as for a class that does not exist', async (t) => {
  const school = await openSchool(t)
  school.ofClass.runtime.before = () => assert.fail('the engine is asked')
  school.ofClass.storeHooks = { before: () => assert.fail('the store is asked') }
  /** All that the caller sees, but for the id that they sent and the request's own. */
  const seen = (response: LightMyRequestResponse, classId: string): unknown => {
    const { detail, ...problem } = problemOf(response)
    const { date: _, ...headers } = response.headers
    return { headers: { ...headers, 'content-length': '' }, problem, detail: detail.replaceAll(classId, 'CLASS') }
  }
  for (const [route, requestFor] of ofClass) {
    const [foreign, unknown] = await Promise.all([
      send(school, requestFor('os101-b'), lan),
      send(school, requestFor('os101-z'), lan),
    ])
    assert.equal(foreign.statusCode, 403, route)
    assert.equal(problemOf(foreign).code, 'forbidden')
    assert.deepEqual(seen(foreign, 'os101-b'), seen(unknown, 'os101-z'), route)
  }
})

test('teachers of the class and admins get past the policy, in any spelling of the class', async (t) => {
  const school = await openSchool(t)
  for (const [route, requestFor] of ofClass) {
    for (const [caller, classId] of [
      [lan, 'os101-a'],
      [lan, 'OS101-A'],
      [minh, 'os101-b'],
      [admin, 'os101-b'],
    ] as const) {
      const { statusCode } = await send(school, requestFor(classId), caller)
      assert.ok(statusCode !== 401 && statusCode !== 403, `${route} ${classId}: ${statusCode}`)
    }
  }
  assert.equal(problemOf(await school.get('/room/classes/os101-z', admin)).code, 'unknown-class')
})

test('only an admin gives a sandbox up, and a teacher is told no more of another class than of none', async (t) => {
  const school = await openSchool(t)
  school.ofClass.runtime.before = () => assert.fail('the engine is asked')
  const answers = await Promise.all(
    ['os101-a', 'os101-b', 'os101-z'].map((classId) =>
      send(school, { ...discard, body: { ...discard.body, classId } }, lan),
    ),
  )
  assert.deepEqual(new Set(answers.map((answer) => problemOf(answer).code)), new Set(['forbidden']))
  assert.equal(new Set(answers.map((answer) => problemOf(answer).detail)).size, 1)
  school.ofClass.runtime.before = () => {}
  assert.equal(problemOf(await send(school, discard, admin)).code, 'unknown-student')
})

test('the list of classes shows a teacher their own, and an admin all', async (t) => {
  const { get } = await openSchool(t)
  const listFor = async (caller: Record<string, string>) =>
    (await get('/room/classes', caller)).json().classes.map(({ classId }: { classId: string }) => classId)
  assert.deepEqual(await listFor(lan), ['os101-a'])
  assert.deepEqual(await listFor(minh), ['os101-b'])
  assert.deepEqual(await listFor(bearer('t-new', 'teacher')), [])
  assert.deepEqual(await listFor(admin), ['os101-a', 'os101-b'])
  for (const path of ['/room/labs', '/metrics']) {
    assert.equal((await get(path, bearer('t-new', 'teacher'))).statusCode, 200)
  }
})

test('an operation is shown to the teachers of its class; for others there is none', async (t) => {
  const { post, get } = await openSchool(t)
  const up = await post('/room/up-class', { classId: 'os101-a' }, { ...lan, prefer: 'respond-async' })
  const location = up.headers.location?.toString() ?? ''
  for (const path of [location, `${location}/events`]) {
    for (const caller of [lan, admin]) assert.equal((await get(path, caller)).statusCode, 200)
    const foreign = await get(path, minh)
    assert.equal(foreign.statusCode, 404)
    assert.deepEqual(problemOf(foreign), problemOf(await get('/room/operations/gone', minh)))
  }
})

test('a class that left the catalogue while it was up is the admins alone', async (t) => {
  const { post, get, editCatalogue } = await openSchool(t)
  assert.equal((await post('/room/up-class', { classId: 'os101-a' }, lan)).statusCode, 200)
  await editCatalogue('{"labs":{},"subjects":{},"classes":{}}')
  assert.equal(problemOf(await post('/room/down-class', { classId: 'os101-a' }, lan)).code, 'forbidden')
  assert.deepEqual((await get('/room/classes', lan)).json(), { classes: [] })
  assert.equal((await get('/room/classes', admin)).json().classes.length, 1)
  assert.equal((await post('/room/down-class', { classId: 'os101-a' }, admin)).statusCode, 200)
})

test('the session record and the live state name who did it', async (t) => {
  const { post, get } = await openSchool(t)
  const { sessionId } = (await post('/room/up-class', { classId: 'os101-a' }, lan)).json()
  assert.equal((await get('/room/classes/os101-a', lan)).json().createdBy, 't-lan')
  await post('/room/down-class', { classId: 'os101-a' }, admin)
  const record = (await get(`/room/classes/os101-a/sessions/${sessionId}`, lan)).json()
  assert.equal(record.createdBy, 't-lan')
  assert.equal(record.down.by, 'a-hoa')
})

test('a teacher who is taken off the class may no longer act on it, with the same token', async (t) => {
  const { get, editCatalogue } = await openSchool(t)
  assert.equal((await get('/room/classes/os101-a', lan)).statusCode, 200)
  await editCatalogue(catalogueText())
  assert.equal((await get('/room/classes/os101-a', lan)).statusCode, 403)
})

test('students of a request must be in the roster, whoever asks', async (t) => {
  const { post } = await openSchool(t)
  for (const caller of [lan, admin]) {
    const response = await post('/room/up-class', { classId: 'os101-a', students: ['SV999'] }, caller)
    assert.equal(problemOf(response).code, 'unknown-student')
  }
})

const otherHosts = ['portal.example', 'portal.example:8080', '127.0.0.1.portal.example', 'localhost.example', '[::2]']

test('without authentication a page of another site is not answered, whatever its name points at', async (t) => {
  const { get, post, ofClass: memory } = await openService(t)
  for (const host of otherHosts) {
    for (const path of ofEverybody) {
      const response = await get(path.split(' ')[1] ?? '', { host })
      assert.equal(response.statusCode, 403, `${path} ${host}`)
      assert.match(problemOf(response).detail, /call localhost or 127\.0\.0\.1/)
    }
    assert.equal(problemOf(await post('/room/up-class', { classId: 'os101-a' }, { host })).code, 'forbidden')
    assert.equal((await get('/healthz', { host })).statusCode, 200)
  }
  assert.deepEqual(memory.runtime.events, [])
  for (const host of ['localhost', 'LOCALHOST:8080', '127.0.0.1:8080', '127.255.0.3', '[::1]:8080']) {
    assert.equal((await get('/room/classes', { host })).statusCode, 200, host)
  }
})

test('with authentication any host is answered: a page of another site has no token', async (t) => {
  const { get } = await openSchool(t)
  assert.equal((await get('/room/classes', { host: 'portal.example', ...lan })).statusCode, 200)
})
