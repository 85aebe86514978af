// Everything wrong that a caller can send: each gets a problem of the closed list that names the field, with an id that the log
// knows. Never a 5xx, and never anything on the engine. The service is the real one; its engine only has to stay empty.

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { problemKinds } from '../../src/problems.ts'
import { catalogueOf } from '../support/catalogue.ts'
import { leftovers } from '../support/docker.ts'
import { cleanUpOfSuite, problemOf, sendRaw } from '../support/faults.ts'
import { skipWithoutEngine } from '../support/live.ts'
import { type Answer, type Installation, install, type Service } from '../support/service.ts'
import { until } from '../support/until.ts'

const up = '/room/up-class'
const down = '/room/down-class'
const json = { 'content-type': 'application/json' }
const many = Array.from({ length: 10_000 }, (_, index) => `s${index}`)

type Case = readonly [name: string, path: string, body: string, status: number, code: string, detail: RegExp]

const body = (value: unknown): string => JSON.stringify(value)
const bad = (name: string, path: string, value: unknown, detail: RegExp): Case => [
  name,
  path,
  typeof value === 'string' ? value : body(value),
  400,
  'invalid-request',
  detail,
]

const unknownFields = ['image', 'cmd', 'command', 'env', 'HostConfig', 'Privileged', 'user', 'volumes', 'network']
const cases: Case[] = [
  ...unknownFields.flatMap((field) =>
    [up, down].map((path) =>
      bad(`unknown field ${field}`, path, { classId: 'class', [field]: 'x' }, new RegExp(`Unknown field '${field}'`)),
    ),
  ),
  bad('engine settings nested', up, { classId: 'class', lab: { image: 'evil' } }, /'lab'.*text/),
  bad('engine settings as HostConfig', up, { classId: 'class', HostConfig: { Binds: ['/:/host'] } }, /'HostConfig'/),
  bad('students as objects', up, { classId: 'class', students: [{ id: 's01', image: 'x' }] }, /'students\.0'.*text/),
  bad('a field of up in down', down, { classId: 'class', ttlMinutes: 5 }, /'ttlMinutes'/),
  bad('another case of a field', up, { ClassId: 'class' }, /'classId'.*missing|Unknown field 'ClassId'/),

  bad('no classId', up, {}, /'classId' is missing/),
  bad('classId null', up, { classId: null }, /'classId'.*text/),
  bad('classId a number', down, { classId: 1 }, /'classId'.*text/),
  bad('classId an array', down, { classId: ['class'] }, /'classId'.*text/),
  bad('classId empty', up, { classId: '' }, /'classId'/),
  bad('classId too long', up, { classId: 'c'.repeat(31) }, /'classId'/),
  bad('classId with two hyphens', up, { classId: 'a--b' }, /'classId'/),
  bad('classId that climbs', up, { classId: '../class' }, /'classId'/),
  bad('classId with a line end', up, { classId: 'class\n' }, /'classId'/),
  bad('classId with a NUL', up, { classId: 'class\0' }, /'classId'/),
  bad('classId of other letters', up, { classId: 'lớp' }, /'classId'/),
  bad('ttlMinutes as a text', up, { classId: 'class', ttlMinutes: '1' }, /'ttlMinutes'.*whole number/),
  bad('ttlMinutes a fraction', up, { classId: 'class', ttlMinutes: 1.5 }, /'ttlMinutes'.*whole number/),
  bad('ttlMinutes zero', up, { classId: 'class', ttlMinutes: 0 }, /'ttlMinutes'/),
  bad('ttlMinutes beyond every number', up, '{"classId":"class","ttlMinutes":1e999}', /'ttlMinutes'/),
  bad('ttlMinutes beyond the life of the lab', up, { classId: 'class', ttlMinutes: 721 }, /ttlMinutes.*720/),
  bad('allowPartial as a text', down, { classId: 'class', allowPartial: 'true' }, /'allowPartial'.*true or false/),
  bad('allowPartial as a number', up, { classId: 'class', allowPartial: 1 }, /'allowPartial'.*true or false/),
  bad('students as a text', up, { classId: 'class', students: 's01' }, /'students'.*list/),
  bad('no students in the list', up, { classId: 'class', students: [] }, /'students'/),
  bad('10,000 students', up, { classId: 'class', students: many }, /'students'.*1000/),
  bad('a student null', up, { classId: 'class', students: ['s01', null] }, /'students\.1'.*text/),

  ['unknown class, up', up, body({ classId: 'none' }), 404, 'unknown-class', /'none'/],
  ['unknown class, down', down, body({ classId: 'none' }), 404, 'unknown-class', /'none'/],
  ['classId constructor', up, body({ classId: 'constructor' }), 404, 'unknown-class', /'constructor'/],
  ['classId toString', down, body({ classId: 'toString' }), 404, 'unknown-class', /'toString'/],
  ['unknown lab', up, body({ classId: 'class', lab: 'none' }), 404, 'unknown-lab', /'none'/],
  ['lab constructor', up, body({ classId: 'class', lab: 'constructor' }), 404, 'unknown-lab', /'constructor'/],
  ['lab of another subject', up, body({ classId: 'class', lab: 'other' }), 409, 'lab-not-allowed', /'other'/],
  ['unknown student', up, body({ classId: 'class', students: ['s99'] }), 400, 'unknown-student', /students: 's99'/],
  ['one student twice', up, body({ classId: 'class', students: ['s01', 's01'] }), 400, 'duplicate-student', /'s01'/],
  ['twice but for case', up, body({ classId: 'class', students: ['s01', 'S01'] }), 400, 'duplicate-student', /'S01'/],
  ['a class without students', up, body({ classId: 'empty' }), 409, 'roster-empty', /operator/],

  bad('__proto__', up, '{"classId":"class","__proto__":{"image":"x"}}', /JSON|__proto__/),
  bad('__proto__ nested', up, '{"classId":"class","students":[{"__proto__":{"x":1}}]}', /JSON|__proto__/),
  bad('constructor.prototype', up, '{"classId":"class","constructor":{"prototype":{"x":1}}}', /JSON|constructor/),
  bad('constructor', up, '{"classId":"class","constructor":1}', /'constructor'/),
  bad('hasOwnProperty', up, '{"classId":"class","hasOwnProperty":1}', /'hasOwnProperty'/),
  bad('half a body', up, '{"classId":"class"', /JSON/),
  bad('no body', up, '', /JSON|empty/),
  bad('two bodies', up, '{"classId":"class"}{"classId":"class"}', /JSON/),
  bad('a text', up, '"class"', /object/),
  bad('an array', down, '[{"classId":"class"}]', /object/),
  bad('null', down, 'null', /object/),
  bad('a body full of NULs', down, '\0\0\0\0', /JSON/),
]

const get = (path: string, status: number, code: string, detail: RegExp) => [path, status, code, detail] as const
const session = '20261123t000000000z-0000'
const bag = `/room/classes/class/sessions/${session}/students/s01`
const paths = [
  get('/room/classes/none', 404, 'unknown-class', /'none'/),
  get('/room/classes/%2e%2e', 400, 'invalid-request', /classId/),
  get('/room/classes/%2e%2e%2fetc%2fpasswd', 400, 'invalid-request', /classId/),
  get('/room/classes/a%00b', 400, 'invalid-request', /classId/),
  get('/room/classes/%zz', 400, 'invalid-request', /path/i),
  get('/room/classes/%ff', 400, 'invalid-request', /path/i),
  get(`/room/classes/${'c'.repeat(300)}`, 400, 'invalid-request', /classId/),
  get(`/room/classes/${'c'.repeat(5000)}`, 400, 'invalid-request', /./),
  get('/room/../../etc/passwd', 404, 'not-found', /GET/),
  get('/room/classes/class/sessions/%2e%2e', 400, 'invalid-request', /sessionId/),
  get(`/room/classes/class/sessions/${session}`, 404, 'unknown-session', new RegExp(session)),
  get(`${bag}/final`, 404, 'unknown-collection', /'final'/),
  get(`${bag}/%2e%2e`, 400, 'invalid-request', /collectionId/),
  get(`${bag}/final-0`, 404, 'unknown-collection', /final-0/),
  get(`${bag}/final/files/..%2f..%2fsession.json`, 404, 'unknown-collection', /final/),
  get('/room/operations/none', 404, 'unknown-operation', /GET \/room\/classes/),
  get('/room/operations/__proto__', 404, 'unknown-operation', /./),
  get(`/room/operations/${'o'.repeat(100)}`, 400, 'invalid-request', /operationId/),
  get('/room/operations/none/events', 404, 'unknown-operation', /./),
  get('/room/up-class', 405, 'method-not-allowed', /GET.*POST/),
  get('/no-such-call', 404, 'not-found', /GET/),
] as const

describe('requests that are wrong', { skip: skipWithoutEngine, timeout: 180_000 }, () => {
  const cleanUp = cleanUpOfSuite(after)
  let installation: Installation
  let service: Service

  before(async () => {
    const { labs, subjects, classes } = catalogueOf({ class: ['s01', 's02'], empty: [] })
    const catalogue = { labs: { ...labs, other: labs['shell'] ?? {} }, subjects, classes }
    installation = await install(cleanUp, {
      name: 'input',
      store: 'directory',
      subnets: '10.236.0.0/24',
      catalogue,
    })
    service = await installation.start()
  })

  const send = (method: string, path: string, headers: Record<string, string>, text: string | Uint8Array) =>
    sendRaw(join(installation.folder, 'listen.sock'), method, path, headers, text)

  async function assertProblem(answer: Answer, status: number, code: string, detail: RegExp): Promise<void> {
    const problem = problemOf(answer, [status, code])
    assert.ok(Object.hasOwn(problemKinds, code), `${code} is in the closed list`)
    assert.match(problem.detail, detail)
    const line = new RegExp(`"reqId":"${problem.instance}".*"code":"${code}".*"msg":"request refused"`)
    await until(`${problem.instance} and ${code} in the log`, () => line.test(service.logs()))
  }

  for (const [name, path, text, status, code, detail] of cases) {
    test(`POST ${path}: ${name}`, async () => assertProblem(await send('POST', path, json, text), status, code, detail))
  }

  for (const [path, status, code, detail] of paths) {
    test(`GET ${path.slice(0, 100)}`, async () => assertProblem(await send('GET', path, {}, ''), status, code, detail))
  }

  for (const type of [
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'nonsense',
  ]) {
    test(`a body as ${type}`, async () => {
      const answer = await send('POST', up, { 'content-type': type }, body({ classId: 'class' }))
      await assertProblem(answer, 415, 'unsupported-media-type', /application\/json/)
    })
  }

  test('a body of more than 1 MiB', async () => {
    // Announced and not sent: the answer comes before the body would.
    const answer = await send('POST', up, { ...json, 'content-length': String(1024 * 1024 + 1) }, '{')
    await assertProblem(answer, 413, 'payload-too-large', /1 MiB/)
  })

  test('a method that the call does not have', async () => {
    await assertProblem(await send('PUT', up, json, body({ classId: 'class' })), 405, 'method-not-allowed', /PUT/)
    await assertProblem(await send('DELETE', '/room/classes/class', {}, ''), 405, 'method-not-allowed', /DELETE/)
  })

  test('a Prefer that nobody understands is passed over', async () => {
    for (const prefer of [
      'wait',
      'wait=',
      'wait=-1',
      'wait=abc',
      'wait=1e9',
      'nonsense; x=y, ,;=',
      '"',
      'x'.repeat(4000),
    ]) {
      const answer = await send('POST', down, { ...json, prefer }, body({ classId: 'class' }))
      await assertProblem(answer, 409, 'class-not-up', /not up/)
      assert.equal(answer.headers['preference-applied'], undefined)
    }
  })

  test('after all of that: nothing on the engine or in the store but its own name, no error in the log, and the service lives', async () => {
    assert.deepEqual(await leftovers(installation.label), [])
    assert.deepEqual([...(await installation.artifacts.list('')).keys()], ['class-runtime.store.json'])
    assert.deepEqual(service.logs().match(/"level":[56]0.*/g), null)
    assert.equal((await service.get('/healthz')).status, 200)
  })
})
