// up-class and down-class as callers see them: fields, statuses, waiting, joining.

import assert from 'node:assert/strict'
import { request } from 'node:http'
import { join } from 'node:path'
import { test } from 'node:test'
import { RuntimeError } from '../../../src/runtime/errors.ts'
import { DownAnswer, UpAnswer } from '../../support/answers.ts'
import { students } from '../../support/memory-class.ts'
import { engineGone } from '../../support/memory-runtime.ts'
import { openService, problemOf } from '../../support/memory-service.ts'
import { shaped } from '../../support/shape.ts'

const classId = 'os101-a'

test('up and down answer 200 with exactly the members that are described', async (t) => {
  const { post } = await openService(t)
  const up = await post('/room/up-class', { classId })
  assert.equal(up.statusCode, 200)
  assert.deepEqual(
    shaped(UpAnswer, up.json()).students.map(({ studentId }) => studentId),
    students,
  )
  const down = await post('/room/down-class', { classId })
  assert.equal(down.statusCode, 200)
  assert.equal(shaped(DownAnswer, down.json()).state, 'down')
})

test('ids are taken in any case and answered in the spelling of the catalogue', async (t) => {
  const { post } = await openService(t)
  const up = shaped(UpAnswer, (await post('/room/up-class', { classId: 'OS101-A', students: ['sv002'] })).json())
  assert.equal(up.classId, 'os101-a')
  assert.equal(up.students[0]?.studentId, 'SV002')
})

test('an unknown field is refused by its name, and never reaches the engine', async (t) => {
  const { post, ofClass } = await openService(t)
  for (const field of [
    'image',
    'command',
    'env',
    'mounts',
    'privileged',
    'network',
    'hostConfig',
    'allowpartial',
    '__proto__x',
  ]) {
    const response = await post('/room/up-class', { classId, [field]: 'x' })
    assert.equal(response.statusCode, 400)
    const { code, detail } = problemOf(response)
    assert.equal(code, 'invalid-request')
    assert.match(detail, new RegExp(`'${field}'`))
    assert.equal((await post('/room/down-class', { classId, [field]: 'x' })).statusCode, 400)
  }
  assert.deepEqual(ofClass.runtime.events, [])
})

test('a field of a wrong type or value is refused by its name, and nothing is converted in silence', async (t) => {
  const { post } = await openService(t)
  const cases: [object, RegExp][] = [
    [{}, /'classId' is missing/],
    [{ classId: 5 }, /'classId'/],
    [{ classId: 'a--b' }, /'classId'/],
    [{ classId: '../x' }, /'classId'/],
    [{ classId, students: [] }, /'students'/],
    [{ classId, students: 'SV001' }, /'students'/],
    [{ classId, students: ['SV001', 'a/b'] }, /'students\.1'/],
    [{ classId, ttlMinutes: '60' }, /'ttlMinutes'/],
    [{ classId, ttlMinutes: 0 }, /'ttlMinutes'/],
    [{ classId, ttlMinutes: 1.5 }, /'ttlMinutes'/],
    [{ classId, allowPartial: 'true' }, /'allowPartial'/],
    [{ classId, lab: null }, /'lab'/],
    [{ classId, ttlMinutes: 721 }, /ttlMinutes is 721.*720/],
  ]
  for (const [body, detail] of cases) {
    const response = await post('/room/up-class', body)
    assert.equal(response.statusCode, 400, JSON.stringify(body))
    const problem = problemOf(response)
    assert.equal(problem.code, 'invalid-request')
    assert.match(problem.detail, detail)
  }
})

test('what the catalogue does not have is a problem of its own', async (t) => {
  const { post } = await openService(t)
  const cases: [string, object, number, string][] = [
    ['up', { classId: 'gone' }, 404, 'unknown-class'],
    ['down', { classId: 'gone' }, 404, 'unknown-class'],
    ['up', { classId, lab: 'gone' }, 404, 'unknown-lab'],
    ['up', { classId, students: ['SV999'] }, 400, 'unknown-student'],
    ['up', { classId, students: ['SV001', 'sv001'] }, 400, 'duplicate-student'],
    ['down', { classId }, 409, 'class-not-up'],
  ]
  for (const [action, body, status, code] of cases) {
    const response = await post(`/room/${action}-class`, body)
    assert.equal(response.statusCode, status)
    assert.equal(problemOf(response).code, code)
  }
})

test('a failed up or down is 502 with the same list of students', async (t) => {
  const { post, ofClass } = await openService(t)
  ofClass.runtime.startsAs.set('SV002', 'unhealthy')
  const up = await post('/room/up-class', { classId })
  assert.equal(up.statusCode, 502)
  const { status, title, code, detail, ...failure } = problemOf(up)
  assert.equal(code, 'up-failed')
  assert.deepEqual(Object.keys(failure).sort(), [
    'classId',
    'expiresAt',
    'lab',
    'network',
    'resolvesNames',
    'sessionId',
    'state',
    'students',
  ])

  ofClass.runtime.startsAs.clear()
  await post('/room/up-class', { classId })
  ofClass.runtime.before = (event) => {
    if (event === 'archive SV003') throw new RuntimeError('archive', 'The archive was cut short.')
  }
  const down = problemOf(await post('/room/down-class', { classId }))
  assert.equal(down.code, 'collect-failed')
  assert.equal(down['state'], 'collect-failed')
  assert.deepEqual(Object.keys(down).sort(), [
    ...['artifacts', 'classId', 'code', 'detail', 'leaked', 'sessionId', 'state', 'status', 'students', 'title'],
  ])
})

test('a class that left the catalogue while it was up still comes down', async (t) => {
  const { post, editCatalogue, ofClass } = await openService(t)
  await post('/room/up-class', { classId })
  await editCatalogue('{"labs":{},"subjects":{},"classes":{}}')
  ofClass.runtime.before = () => {
    throw engineGone()
  }
  assert.equal(problemOf(await post('/room/down-class', { classId })).code, 'engine-unavailable')
  ofClass.runtime.before = () => {}
  assert.equal((await post('/room/down-class', { classId: 'OS101-a' })).statusCode, 200)
  assert.deepEqual(ofClass.runtime.held(), [])
})

/** The engine waits at the first container until it is told to go on. */
async function heldUp(t: Parameters<typeof openService>[0]) {
  const service = await openService(t)
  return { ...service, release: service.ofClass.runtime.hold('start') }
}

test('respond-async answers 202 at once, says where to look, and the operation goes on', async (t) => {
  const { post, get, release } = await heldUp(t)
  const response = await post('/room/up-class', { classId }, { prefer: 'respond-async' })
  assert.equal(response.statusCode, 202)
  assert.equal(response.headers['preference-applied'], 'respond-async')
  const { operationId, ...view } = response.json<{ operationId: string; state: string; kind: string }>()
  assert.equal(response.headers.location, `/room/operations/${operationId}`)
  assert.equal(view.state, 'running')
  assert.equal(view.kind, 'up-class')

  release()
  const events = await get(`/room/operations/${operationId}/events`)
  assert.match(events.body, /event: end\n/)
  const ended = (await get(`/room/operations/${operationId}`)).json()
  assert.equal(ended.state, 'succeeded')
  shaped(UpAnswer, ended.result)
})

test('a wait that is too short is 202; without a preference a quick call is 200 and names none', async (t) => {
  const { post, release } = await heldUp(t)
  const response = await post('/room/up-class', { classId }, { prefer: 'wait=0' })
  assert.equal(response.statusCode, 202)
  assert.equal(response.headers['preference-applied'], 'wait=0')
  release()
  const joined = await post('/room/up-class', { classId })
  assert.equal(joined.statusCode, 200)
  assert.equal(joined.headers['preference-applied'], undefined)
})

test('an identical call joins the running operation, whatever the order of its students; another is 409', async (t) => {
  const { post, release, ofClass } = await heldUp(t)
  const body = { classId, students: ['SV001', 'SV002'] }
  const first = await post('/room/up-class', body, { prefer: 'respond-async' })
  const second = await post('/room/up-class', { ...body, students: ['sv002', 'SV001'] }, { prefer: 'respond-async' })
  assert.equal(second.headers.location, first.headers.location)
  for (const other of [
    await post('/room/down-class', { classId }),
    await post('/room/up-class', { classId }),
    await post('/room/up-class', { ...body, allowPartial: true }),
  ]) {
    assert.equal(other.statusCode, 409)
    const problem = problemOf(other)
    assert.equal(problem.code, 'operation-in-progress')
    assert.equal(`/room/operations/${problem['operationId']}`, first.headers.location)
  }
  release()
  assert.equal((await post('/room/up-class', body)).statusCode, 200)
  assert.equal(ofClass.runtime.events.filter((event) => event === 'start SV001').length, 1)
})

test('a call whose client has gone stops waiting; its operation goes on', async (t) => {
  const { app, ofClass, actions } = await openService(t)
  const release = ofClass.runtime.hold('survey')
  const answered = new Promise<void>((resolve) => {
    app.addHook('onSend', async (request) => {
      if (request.method === 'POST') resolve()
    })
  })
  const path = join(ofClass.folder, '.listen.sock')
  await app.listen({ path })
  const headers = { 'content-type': 'application/json', prefer: 'wait=3600' }
  const call = request({ socketPath: path, method: 'POST', path: '/room/up-class', headers })
  call.on('error', () => {})
  call.end('{"classId":"os101-a"}')
  while (!actions.operations.runningFor('os101-a')) await new Promise(setImmediate)
  call.destroy()
  await answered
  const running = actions.operations.runningFor('os101-a')
  assert.ok(running?.running, 'the operation goes on')
  release()
  await running.ended
})
