// Which session is the newest: not by a clock that may have been ahead. And a class that was written in another case.

import assert from 'node:assert/strict'
import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { pino } from 'pino'
import { parseCatalogue } from '../../../src/catalogue/catalogue.ts'
import { ClassActions } from '../../../src/classes/class-actions.ts'
import { Sweep } from '../../../src/classes/sweep.ts'
import { newSessionId, sessionTime } from '../../../src/names.ts'
import { Leases } from '../../../src/operations/lease.ts'
import { Operations } from '../../../src/operations/operations.ts'
import { newestFirst } from '../../../src/sessions/find.ts'
import { catalogueText, classId, type MemoryClass, openClass, pair } from '../../support/memory-class.ts'
import { openService } from '../../support/memory-service.ts'

const sevenHours = 7 * 3_600_000

/** Runs `work` while the clock is ahead. */
async function ahead<T>(t: TestContext, work: () => Promise<T>): Promise<T> {
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() + sevenHours })
  try {
    return await work()
  } finally {
    t.mock.timers.reset()
  }
}

/** As the version before wrote it: the id by the clock alone, and no engine in the record. */
async function asOfBefore(ofClass: MemoryClass, sessionId: string, time: number): Promise<string> {
  const older = newSessionId(new Date(time))
  const folder = join(ofClass.folder, classId)
  const path = join(folder, sessionId, 'session.json')
  const { engine: _, store: __, ...record } = JSON.parse(await readFile(path, 'utf8'))
  const text = JSON.stringify({ ...record, sessionId: older })
  await writeFile(path, text.replaceAll(sessionId, older))
  await rename(join(folder, sessionId), join(folder, older))
  for (const part of [ofClass.runtime.networks, ofClass.runtime.containers, ofClass.runtime.volumes]) {
    for (const { session } of part.values()) {
      if (session.sessionId === sessionId) Object.assign(session, { sessionId: older, store: undefined })
    }
  }
  return older
}

const removeByHand = ({ runtime }: MemoryClass) => {
  for (const part of [runtime.networks, runtime.containers, runtime.volumes]) part.clear()
}

test('session ids are in the order of begin, whatever the clock says', async (t) => {
  const ofClass = await openClass(t)
  const first = await ahead(t, async () => {
    const { sessionId } = await ofClass.up({ students: pair })
    await ofClass.down()
    return sessionId
  })
  const { sessionId: second } = await ofClass.up({ students: pair })
  assert.ok(second > first)
  const record = (await ofClass.record(second)) ?? assert.fail('no record')
  assert.ok(Date.parse(record.createdAt) < sessionTime(second).getTime() - sevenHours / 2)
  removeByHand(ofClass)
  const answer = await ofClass.down(true)
  assert.equal(answer.sessionId, second)
  assert.equal(answer.state, 'down-partial')
})

test('of sessions that were begun while the clock was ahead, an open one goes before one that has ended', async (t) => {
  const ofClass = await openClass(t)
  const { sessionId: ended } = await ofClass.up({ students: pair })
  await ofClass.down()
  const late = await asOfBefore(ofClass, ended, Date.now() + sevenHours)
  const { sessionId } = await ofClass.up({ students: pair })
  const open = await asOfBefore(ofClass, sessionId, Date.now())
  assert.ok(open < late)
  removeByHand(ofClass)
  const answer = await ofClass.down(true)
  assert.equal(answer.sessionId, open)
  assert.equal((await ofClass.down(true)).sessionId, late, 'of two that have ended, the later id')
})

test('the sweep ends an expired session that another with a later id stands before', async (t) => {
  const ofClass = await openClass(t)
  const { sessionId: ended } = await ofClass.up({ students: pair })
  await ofClass.down()
  await asOfBefore(ofClass, ended, Date.now() + sevenHours)
  const { sessionId } = await ofClass.up({ students: pair })
  const open = await asOfBefore(ofClass, sessionId, Date.now())
  const path = join(ofClass.folder, classId, open, 'session.json')
  const record = JSON.parse(await readFile(path, 'utf8'))
  await writeFile(path, JSON.stringify({ ...record, expiresAt: '2026-01-01T00:00:00.000Z' }))
  removeByHand(ofClass)
  await sweepOnce(ofClass)
  assert.ok((await ofClass.record(open))?.ended)
})

test('of two sessions on the engine the one that has not ended is taken down', async (t) => {
  const ofClass = await openClass(t)
  const { sessionId } = await ofClass.up({ students: pair })
  await ofClass.down()
  const late = await asOfBefore(ofClass, sessionId, Date.now() + sevenHours)
  const { sessionId: current } = await ofClass.up({ students: pair })
  const open = await asOfBefore(ofClass, current, Date.now())
  const network = [...ofClass.runtime.networks.values()][0] ?? assert.fail('no network')
  // What the ended one could not remove.
  const left = { name: 'left', studentId: 'SV009', collect: '', things: [] }
  ofClass.runtime.volumes.set('left', { ...left, session: { ...network.session, sessionId: late } })
  assert.equal((await ofClass.down()).sessionId, open)
})

test('a network of a session that seems to begin later is removed after the grace, and not for ever kept', async (t) => {
  const ofClass = await openClass(t)
  const { sessionId } = await ofClass.up({ students: pair })
  ofClass.runtime.containers.clear()
  ofClass.runtime.volumes.clear()
  const late = await asOfBefore(ofClass, sessionId, Date.now() + sevenHours)
  await rm(join(ofClass.folder, classId, late, 'session.json'))
  const sweep = openSweep(ofClass)
  await sweep.round()
  assert.deepEqual(ofClass.runtime.held(), [`network class-${classId}`])
  const now = performance.now()
  t.mock.method(performance, 'now', () => now + 400_000)
  await sweep.round()
  assert.deepEqual(ofClass.runtime.held(), [])
})

test('what has ended comes last, and the rest is by id', () => {
  const sessions = ['a ended', 'b', 'c ended', 'd'].map((sessionId) => ({ sessionId }))
  const sorted = newestFirst(sessions, ({ sessionId }) => sessionId.endsWith('ended'))
  assert.deepEqual(
    sorted.map(({ sessionId }) => sessionId),
    ['d', 'b', 'c ended', 'a ended'],
  )
})

const upperCase = classId.toUpperCase()
const inUpperCase = () => parseCatalogue(catalogueText().replace(`"${classId}"`, `"${upperCase}"`))

test('a class that is written in another case keeps its past sessions, its running one and its bags', async (t) => {
  const { ofClass, get, editCatalogue } = await openService(t)
  const { sessionId: past } = await ofClass.up({ students: pair })
  await ofClass.down()
  const { sessionId: running } = await ofClass.up({ students: pair })
  await editCatalogue(catalogueText().replace(`"${classId}"`, `"${upperCase}"`))
  ofClass.catalogue = inUpperCase()
  const listed = async () =>
    (await get(`/room/classes/${upperCase}/sessions`))
      .json()
      .sessions.map((each: { sessionId: string }) => each.sessionId)
  assert.deepEqual(await listed(), [running, past])
  const session = `/room/classes/${upperCase}/sessions/${past}`
  assert.equal((await get(session)).json().bags.length, 2)
  assert.equal((await get(`${session}/students/SV001/final`)).statusCode, 200)
  assert.equal((await ofClass.up()).classId, classId)
  assert.equal((await ofClass.down()).classId, classId)
  assert.equal((await ofClass.down()).sessionId, running)

  const { sessionId: next, classId: spelled } = await ofClass.up()
  assert.equal(spelled, upperCase)
  assert.deepEqual(await listed(), [next, running, past])
})

test('two spellings of a class share one lease', async (t) => {
  const ofClass = await openClass(t)
  const leases = new Leases(ofClass.store)
  const held = leases.hold(upperCase, new AbortController().signal, () => ofClass.store.stat(`${classId}/lease.json`))
  assert.ok(await held)
})

function openSweep(ofClass: MemoryClass) {
  const { context } = ofClass
  const operations = new Operations()
  const actions = new ClassActions(context, operations, new Leases(context.store))
  const sweep = new Sweep(context, actions, pino({ level: 'silent' }), { everyMs: 1_000_000, graceMs: 300_000 })
  return {
    async round() {
      await sweep.round()
      await operations.runningFor(classId)?.ended
    },
  }
}
const sweepOnce = (ofClass: MemoryClass) => openSweep(ofClass).round()
