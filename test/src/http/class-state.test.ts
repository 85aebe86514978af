// The live state of classes.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { parseCatalogue } from '../../../src/catalogue/catalogue.ts'
import { RuntimeError } from '../../../src/runtime/errors.ts'
import { placementsOf } from '../../../src/sessions/placements.ts'
import { readSession } from '../../../src/sessions/record.ts'
import { forgetSession } from '../../../src/sessions/remembered.ts'
import { catalogueText } from '../../support/memory-class.ts'
import { openFleet } from '../../support/memory-fleet.ts'
import { engineGone } from '../../support/memory-runtime.ts'
import { openService, problemOf } from '../../support/memory-service.ts'

const down = {
  classId: 'os101-a',
  state: 'down',
  sessionId: null,
  network: null,
  subnet: null,
  expiresAt: null,
  students: { total: 0, running: 0, missing: [], roster: 3, absent: [] },
  operation: null,
}

test('a class that is down is listed as such', async (t) => {
  const { get } = await openService(t)
  assert.deepEqual((await get('/room/classes')).json(), { classes: [down] })
  assert.deepEqual((await get('/room/classes/OS101-A')).json(), {
    ...down,
    subject: 'os101',
    lab: 'linux-shell',
    isolation: null,
    sandboxes: [],
  })
})

test('a class that is up is told from the engine alone, while the store hangs', async (t) => {
  const { get, ofClass } = await openService(t)
  const { sessionId, expiresAt } = await ofClass.up()
  ofClass.storeHooks = { before: () => new Promise<void>(() => {}) }
  const summary = {
    ...down,
    state: 'up',
    sessionId,
    network: 'class-os101-a',
    subnet: '10.201.0.0/24',
    expiresAt,
    students: { total: 3, running: 3, missing: [], roster: 3, absent: [] },
  }
  assert.deepEqual((await get('/room/classes')).json(), { classes: [summary] })
  const { sandboxes, isolation: _, ...rest } = (await get('/room/classes/os101-a')).json()
  assert.deepEqual(rest, { ...summary, subject: 'os101', lab: 'linux-shell', createdBy: 'tester' })
  assert.deepEqual(sandboxes[0], {
    studentId: 'SV001',
    state: 'running',
    containerId: ofClass.runtime.container('SV001').id,
    containerName: 'class-os101-a--sv001',
    endpoint: 'http://10.201.0.2:8080/SV001',
    endpointState: 'ready',
    volume: ofClass.runtime.volume('SV001').name,
  })
})

test('how far sandboxes are kept apart is told of the network that they are in, not of the catalogue', async (t) => {
  const { get, ofClass, editCatalogue } = await openService(t)
  await ofClass.up()
  const isolation = async () => (await get('/room/classes/os101-a')).json().isolation
  const closed = {
    ...{ classmates: 'reachable', otherClasses: 'blocked', host: 'reachable', engine: 'reachable', store: 'reachable' },
    ...{ cloudMetadata: 'reachable', internet: 'blocked' },
  }
  assert.deepEqual(await isolation(), closed)
  await editCatalogue(catalogueText({ internet: true }))
  ofClass.catalogue = parseCatalogue(catalogueText({ internet: true }))
  assert.deepEqual(await isolation(), closed)
  await ofClass.down()
  await ofClass.up()
  assert.deepEqual(new Set(Object.values(await isolation())), new Set(['reachable']))
})

test('a class is up-partial while some run, and stopped while none does', async (t) => {
  const { get, ofClass } = await openService(t)
  await ofClass.up()
  const stateNow = async () => (await get('/room/classes/os101-a')).json().state
  ofClass.runtime.exit(ofClass.runtime.container('SV001'), 1)
  assert.equal(await stateNow(), 'up-partial')
  for (const state of ['starting', 'unhealthy', 'paused'] as const) {
    for (const studentId of ['SV002', 'SV003']) ofClass.runtime.container(studentId).state = state
    assert.equal(await stateNow(), 'up-partial', state)
  }
  for (const studentId of ['SV002', 'SV003']) ofClass.runtime.exit(ofClass.runtime.container(studentId), 1)
  assert.equal(await stateNow(), 'stopped')
})

test('who has no sandbox any more is named and counted, from memory, while the store hangs', async (t) => {
  const { get, ofClass } = await openService(t)
  await ofClass.up({ students: ['SV001', 'SV002'] })
  ofClass.runtime.containers.delete(ofClass.runtime.container('SV002').id)
  ofClass.runtime.volumes.delete(ofClass.runtime.volume('SV002').name)
  ofClass.storeHooks = { before: () => new Promise<void>(() => {}) }
  const { state, students, sandboxes } = (await get('/room/classes/os101-a')).json()
  assert.equal(state, 'up-partial')
  assert.deepEqual(students, { total: 2, running: 1, missing: ['SV002'], roster: 3, absent: ['SV003'] })
  const states = sandboxes.map((each: { studentId: string; state: string }) => `${each.studentId} ${each.state}`)
  assert.deepEqual(states, ['SV001 running', 'SV002 missing'])
  const [listed] = (await get('/room/classes')).json().classes
  assert.deepEqual([listed.state, listed.students], [state, students])
})

test('an up that has not ended, running or interrupted, is partial: those on the way count', async (t) => {
  const { get, ofClass } = await openService(t)
  await ofClass.up({ students: ['SV001'] })
  const stop = new AbortController()
  const release = ofClass.runtime.hold('create-volume SV003')
  const up = ofClass.up({}, { signal: stop.signal }).catch(() => {})
  const shown = async () => {
    const { state, students } = (await get('/room/classes/os101-a')).json()
    return { state, total: students.total, running: students.running }
  }
  while ((await shown()).running < 2) await setImmediate()
  assert.deepEqual(await shown(), { state: 'up-partial', total: 3, running: 2 })
  stop.abort()
  release()
  await up
  assert.equal((await shown()).total, 3)
  await ofClass.up()
  assert.deepEqual(await shown(), { state: 'up', total: 3, running: 3 })
})

test('whom a down has let go is not missing', async (t) => {
  const { get, ofClass } = await openService(t)
  await ofClass.up()
  ofClass.runtime.before = (event) => {
    if (event === 'remove-container SV001') throw new RuntimeError('failed', 'The engine refused: busy')
  }
  await ofClass.down()
  ofClass.runtime.before = () => {}
  const { students } = (await get('/room/classes/os101-a')).json()
  assert.deepEqual([students.total, students.missing], [1, []])
  assert.equal((await ofClass.down()).state, 'down')
})

test('after a restart the record is remembered as soon as it is read', async (t) => {
  const { get, ofClass } = await openService(t)
  const { sessionId } = await ofClass.up()
  ofClass.runtime.containers.delete(ofClass.runtime.container('SV002').id)
  ofClass.runtime.volumes.delete(ofClass.runtime.volume('SV002').name)
  forgetSession(ofClass.store, sessionId)
  const missing = async () => (await get('/room/classes/os101-a')).json().students.missing
  assert.deepEqual(await missing(), [])
  await readSession(ofClass.store, 'os101-a', sessionId)
  assert.deepEqual(await missing(), ['SV002'])
})

test('of two sessions that the engine holds the newest is shown, in the list and alone', async (t) => {
  const { get, ofClass } = await openService(t)
  await ofClass.up()
  ofClass.runtime.before = (event) => {
    if (event.startsWith('remove-volume')) throw new RuntimeError('failed', 'The engine refused: busy')
  }
  await ofClass.down()
  ofClass.runtime.before = () => {}
  const leftover = ofClass.runtime.volume('SV001')
  await ofClass.down()
  const { sessionId } = await ofClass.up()
  ofClass.runtime.volumes.set(leftover.name, leftover)
  assert.notEqual(leftover.session.sessionId, sessionId)
  assert.equal((await get('/room/classes/os101-a')).json().sessionId, sessionId)
  const { classes } = (await get('/room/classes')).json()
  assert.equal(classes.length, 1)
  assert.equal(classes[0].sessionId, sessionId)
  assert.equal(classes[0].state, 'up')
})

test('a class that left the catalogue is shown as long as the engine holds it', async (t) => {
  const { get, ofClass, editCatalogue } = await openService(t)
  await ofClass.up()
  await editCatalogue('{"labs":{},"subjects":{},"classes":{}}')
  const { classes } = (await get('/room/classes')).json()
  assert.deepEqual(
    classes.map(({ classId, state }: { classId: string; state: string }) => `${classId} ${state}`),
    ['os101-a up'],
  )
  await ofClass.down()
  assert.equal(problemOf(await get('/room/classes/os101-a')).code, 'unknown-class')
})

test('a running operation is shown with its class', async (t) => {
  const { get, post, ofClass } = await openService(t)
  const release = ofClass.runtime.hold('start')
  const { location } = (await post('/room/up-class', { classId: 'os101-a', students: ['SV001'] }, { prefer: 'wait=0' }))
    .headers
  const { operation } = (await get('/room/classes/os101-a')).json()
  assert.equal(`/room/operations/${operation.operationId}`, location)
  release()
  await get(`${location}/events`)
})

test('an engine that is away is 503, and an id that is none is 400', async (t) => {
  const { get, ofClass } = await openService(t)
  assert.equal(problemOf(await get('/room/classes/a--b')).code, 'invalid-request')
  ofClass.runtime.before = () => {
    throw engineGone()
  }
  for (const path of ['/room/classes', '/room/classes/os101-a']) {
    const response = await get(path)
    assert.equal(response.statusCode, 503)
    assert.equal(problemOf(response).code, 'engine-unavailable')
  }
})

test('whose node cannot be asked is told as unreachable, and is not missing', async (t) => {
  let seatsOf: Parameters<typeof openFleet>[3] = async () => []
  const fleet = openFleet(t, ['a', 'b'], '/nowhere', (...session) => seatsOf(...session))
  const { get, post, ofClass } = await openService(t, {}, { kind: 'off' }, fleet.runtime)
  seatsOf = (...session) => placementsOf(ofClass.store, ...session)
  const [a, b] = fleet.nodes
  if (a) a.host.memoryMb = 300
  if (b) b.host.memoryMb = 300
  assert.equal((await post('/room/up-class', { classId: 'os101-a' })).statusCode, 200)
  b?.fallSilent()
  const { state, students, problem, sandboxes } = (await get('/room/classes/os101-a')).json()
  assert.deepEqual([state, students.running, students.missing], ['up-partial', 2, []])
  assert.equal(problem.code, 'engine-unreachable')
  assert.deepEqual(
    sandboxes.map((sandbox: { studentId: string; state: string }) => [sandbox.studentId, sandbox.state]),
    [
      ['SV001', 'running'],
      ['SV002', 'unreachable'],
      ['SV003', 'running'],
    ],
  )
  const one = await get('/room/classes/os101-a/students/SV002')
  assert.deepEqual([one.json().state, one.json().life], ['unreachable', null])
})
