// Each class action leaves exactly one line of the one shape, whatever becomes of it.

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { pino } from 'pino'
import { ClassActions } from '../../../src/classes/class-actions.ts'
import { Sweep } from '../../../src/classes/sweep.ts'
import { AuditLine } from '../../../src/operations/audit.ts'
import { Leases } from '../../../src/operations/lease.ts'
import { Operations } from '../../../src/operations/operations.ts'
import { catalogueText, openClass, students } from '../../support/memory-class.ts'
import { type MemoryService, openService } from '../../support/memory-service.ts'
import { shaped } from '../../support/shape.ts'
import { bearer, goodClaims, portalAuth, portalSecret, secretKey, signToken } from '../../support/tokens.ts'

const classId = 'os101-a'
const lan = bearer('t-lan', 'teacher')
const admin = bearer('a-hoa', 'admin')

async function openAudited(t: TestContext): Promise<MemoryService> {
  const service = await openService(t, {}, portalAuth)
  const { classes, ...rest } = JSON.parse(catalogueText())
  const entry = classes[classId]
  await service.editCatalogue(
    JSON.stringify({ ...rest, classes: { [classId]: { ...entry, teachers: ['t-lan'] }, 'os101-b': entry } }),
  )
  return service
}

/** The lines so far, checked against the shape; what pino and Fastify add is left out. */
function auditLines(log: readonly Record<string, unknown>[]): AuditLine[] {
  return log
    .filter(({ audit }) => audit !== undefined)
    .map(({ level, time, service, reqId, msg, ...line }) => {
      assert.equal(msg, 'class action')
      assert.equal(level, 30)
      assert.ok(reqId === undefined || reqId === line['requestId'])
      assert.deepEqual(Object.keys(line).sort(), Object.keys(AuditLine.properties).sort())
      return shaped(AuditLine, line)
    })
}

test('every action that is done is one line with who, what, on whom, how long and under which request', async (t) => {
  const { post, log } = await openAudited(t)
  const calls: [string, object, string[] | null][] = [
    ['up-class', { students: ['sv002'] }, ['SV002']],
    ['up-class', {}, [...students]],
    ['collect-class', { students: ['SV002'] }, ['SV002']],
    ['collect-class', {}, null],
    ['extend-class', { ttlMinutes: 5 }, null],
    ['reset-student', { studentId: 'SV002' }, ['SV002']],
    ['down-class', {}, null],
  ]
  for (const [action, body, asked] of calls) {
    log.length = 0
    assert.equal((await post(`/room/${action}`, { classId: 'OS101-A', ...body }, lan)).statusCode, 200, action)
    const [line, ...more] = auditLines(log)
    assert.deepEqual(more, [])
    const { durationMs: _, requestId, operationId, ...facts } = line ?? assert.fail('no line')
    assert.deepEqual(facts, { audit: true, actor: 't-lan', action, classId, students: asked, outcome: 'succeeded' })
    const started = log.find(({ msg }) => msg === 'operation started')
    assert.deepEqual([started?.['operationId'], started?.['reqId']], [operationId, requestId])
  }
})

test('every refusal of an action is one line, with its code', async (t) => {
  const { post, app, log, ofClass } = await openAudited(t)
  const expired = signToken('HS256', secretKey(portalSecret), { ...goodClaims(), exp: 1 })
  const none = { actor: 't-lan', classId, students: null }
  const refusals: [Record<string, string>, object, Partial<AuditLine>][] = [
    [{}, { classId }, { outcome: 'not-authenticated', actor: null, classId: null, students: null }],
    [{ authorization: `Bearer ${expired}` }, { classId }, { outcome: 'not-authenticated', actor: null, classId: null }],
    [
      lan,
      { classId: 'os101-b', students: ['SV001'] },
      { ...none, outcome: 'forbidden', classId: 'os101-b', students: ['SV001'] },
    ],
    [lan, { classId: 'gone' }, { ...none, outcome: 'forbidden', classId: 'gone' }],
    [admin, { classId: 'gone' }, { outcome: 'unknown-class', actor: 'a-hoa', classId: 'gone' }],
    [lan, { classId, image: 'x' }, { ...none, outcome: 'invalid-request' }],
    [lan, { classId: '../x' }, { ...none, outcome: 'invalid-request', classId: null }],
    [lan, { classId, students: ['a\nb'] }, { ...none, outcome: 'invalid-request' }],
    [lan, { classId, students: ['SV999'] }, { ...none, outcome: 'unknown-student', students: ['SV999'] }],
    [lan, { classId, lab: 'gone' }, { ...none, outcome: 'unknown-lab' }],
  ]
  for (const [headers, body, expected] of refusals) {
    log.length = 0
    const response = await post('/room/up-class', body, headers)
    const [line, ...more] = auditLines(log)
    assert.deepEqual(more, [], JSON.stringify(body))
    assert.deepEqual({ ...line, ...expected, action: 'up-class', operationId: null }, line)
    assert.equal(line?.requestId, response.json().instance)
  }

  log.length = 0
  await app.inject({
    method: 'POST',
    url: '/room/down-class',
    payload: '{',
    headers: { ...lan, 'content-type': 'application/json' },
  })
  assert.deepEqual(
    auditLines(log).map(({ outcome, action }) => [action, outcome]),
    [['down-class', 'invalid-request']],
  )

  log.length = 0
  const release = ofClass.runtime.hold('start')
  const up = await post('/room/up-class', { classId }, { ...lan, prefer: 'respond-async' })
  await post('/room/down-class', { classId }, admin)
  assert.deepEqual(
    auditLines(log).map(({ actor, outcome }) => [actor, outcome]),
    [['a-hoa', 'operation-in-progress']],
  )
  release()
  await app.inject({ url: `${up.headers.location}/events`, headers: lan })
  assert.equal(auditLines(log).length, 2)
})

test('an operation that fails is one line with its code, also for a caller who did not wait', async (t) => {
  const { post, get, log } = await openAudited(t)
  for (const prefer of ['wait=60', 'respond-async']) {
    log.length = 0
    const response = await post('/room/down-class', { classId }, { ...lan, prefer })
    if (response.statusCode === 202) await get(`${response.headers.location}/events`, lan)
    assert.deepEqual(
      auditLines(log).map(({ outcome, actor }) => [actor, outcome]),
      [['t-lan', 'class-not-up']],
    )
  }
})

test('two callers of one operation are two lines with the same operation', async (t) => {
  const { post, get, log, ofClass } = await openAudited(t)
  const release = ofClass.runtime.hold('start')
  const first = await post('/room/up-class', { classId }, { ...lan, prefer: 'respond-async' })
  await post('/room/up-class', { classId }, { ...admin, prefer: 'respond-async' })
  release()
  await get(`${first.headers.location}/events`, lan)
  const lines = auditLines(log)
  assert.deepEqual(
    lines.map(({ actor }) => actor),
    ['t-lan', 'a-hoa'],
  )
  assert.equal(new Set(lines.map(({ operationId }) => operationId)).size, 1)
  assert.equal(new Set(lines.map(({ requestId }) => requestId)).size, 2)
})

test('calls that only read leave no line', async (t) => {
  const { get, log } = await openAudited(t)
  for (const path of ['/room/classes', '/room/classes/os101-b', '/room/labs', '/room/operations/gone', '/gone']) {
    await get(path, lan)
  }
  assert.deepEqual(auditLines(log), [])
})

test('what the service does by itself is a line too', async (t) => {
  const ofClass = await openClass(t)
  await ofClass.up({ ttlMinutes: 1 })
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() + 61_000 })
  const log: Record<string, unknown>[] = []
  const operations = new Operations()
  const actions = new ClassActions(ofClass.context, operations, new Leases(ofClass.store))
  // No level but `silent` drops the lines.
  const errorsOnly = pino({ level: 'error' }, { write: (line: string) => void log.push(JSON.parse(line)) })
  const sweep = new Sweep(ofClass.context, actions, errorsOnly, { everyMs: 60_000, graceMs: 0 })
  await sweep.round()
  await operations.runningFor(classId)?.ended
  assert.deepEqual(
    log.filter(({ audit }) => audit).map(({ actor, action, outcome }) => [actor, action, outcome]),
    [['sweep', 'down-class', 'succeeded']],
  )
})
