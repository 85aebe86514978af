// One operation, once and as server-sent events.

import assert from 'node:assert/strict'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { openService, problemOf } from '../../../support/memory-service.ts'
import { goodClaims, now, portalAuth, portalSecret, secretKey, signToken } from '../../../support/tokens.ts'

/** The events of a text/event-stream, as sent, without its comments. */
function readEvents(
  stream: string,
): { event: string; data: { state: string; progress: object; problem: object | null } }[] {
  assert.ok(stream.endsWith('\n\n'))
  return stream
    .trimEnd()
    .split('\n\n')
    .filter((block) => !block.startsWith(':'))
    .map((block) => {
      const [, event = '', data = ''] = /^event: (\w+)\ndata: (.*)$/.exec(block) ?? assert.fail(block)
      return { event, data: JSON.parse(data) }
    })
}

test('events tell the progress of an operation and end with its outcome', async (t) => {
  const { post, get, ofClass } = await openService(t)
  const release = ofClass.runtime.hold('start')
  const { location = '' } = (await post('/room/up-class', { classId: 'os101-a' }, { prefer: 'respond-async' })).headers
  const listening = get(`${location}/events`)
  await new Promise(setImmediate)
  release()
  const response = await listening
  assert.equal(response.statusCode, 200)
  assert.match(response.headers['content-type']?.toString() ?? '', /^text\/event-stream/)
  assert.equal(response.headers['cache-control'], 'no-store')
  const events = readEvents(response.body)
  assert.deepEqual(new Set(events.slice(0, -1).map(({ event }) => event)), new Set(['progress']))
  const last = events.at(-1)
  assert.equal(last?.event, 'end')
  assert.equal(last.data.state, 'succeeded')
  assert.deepEqual(last.data.progress, {
    students: { total: 3, done: 3 },
    files: { total: 0, done: 0 },
    bytes: { total: 0, done: 0 },
    phases: ['SV001', 'SV002', 'SV003'].map((studentId) => ({ studentId, phase: 'running' })),
  })
})

test('an operation that failed tells its problem, with the request id of the call that began it', async (t) => {
  const { post, get, ofClass } = await openService(t)
  const release = ofClass.runtime.hold('survey')
  const response = await post('/room/down-class', { classId: 'os101-a' }, { prefer: 'wait=0' })
  release()
  const operationId = response.headers.location?.toString().split('/').at(-1)
  const events = readEvents((await get(`/room/operations/${operationId}/events`)).body)
  const view = (await get(`/room/operations/${operationId}`)).json()
  assert.equal(view.state, 'failed')
  assert.equal(view.result, null)
  assert.equal(view.problem.code, 'class-not-up')
  assert.match(view.problem.instance, /^[0-9a-f-]{36}$/)
  assert.deepEqual(events.at(-1), { event: 'end', data: view })
  const [only, ...more] = readEvents((await get(`/room/operations/${operationId}/events`)).body)
  assert.deepEqual(more, [], 'who listens after the end gets the end alone')
  assert.equal(only?.event, 'end')
})

test('the events of a caller end with their token, while the operation goes on', async (t) => {
  const { app, post, ofClass } = await openService(t, {}, portalAuth)
  const release = ofClass.runtime.hold('start')
  const tokenUntil = (exp: number) => ({
    authorization: `Bearer ${signToken('HS256', secretKey(portalSecret), { ...goodClaims(), role: 'admin', exp })}`,
  })
  const body = { classId: 'os101-a' }
  const asked = await post('/room/up-class', body, { ...tokenUntil(now() + 600), prefer: 'respond-async' })
  const url = `${asked.headers.location}/events`
  /** The stream, once it has begun. */
  const listen = async (headers: Record<string, string>) =>
    (await app.inject({ method: 'GET', url, headers, payloadAsStream: true })).stream()

  t.mock.timers.enable({ apis: ['setTimeout'] })
  const [short, long] = [await listen(tokenUntil(now() + 60)), await listen(tokenUntil(now() + 600))]
  t.mock.timers.tick(95_000)
  const cut = readEvents(await text(short))
  assert.deepEqual(new Set(cut.map(({ event }) => event)), new Set(['progress']))
  assert.equal(cut.at(-1)?.data.state, 'running')

  release()
  assert.equal(readEvents(await text(long)).at(-1)?.event, 'end')
})

test('an unknown operation is a problem', async (t) => {
  const { get } = await openService(t)
  for (const path of ['/room/operations/gone', '/room/operations/gone/events']) {
    const response = await get(path)
    assert.equal(response.statusCode, 404)
    assert.equal(problemOf(response).code, 'unknown-operation')
  }
})
