// Moving a class's expiry: later and sooner, never past the lab's longest life, and only while it is up.

import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { file } from '../../support/memory-archive.ts'
import { openService, problemOf } from '../../support/memory-service.ts'

const minutesFromNow = (time: string): number => Math.round((Date.parse(time) - Date.now()) / 60_000)

async function openUp(t: Parameters<typeof openService>[0], lab: object = {}) {
  const service = await openService(t, lab)
  const up = await service.post('/room/up-class', { classId: 'os101-a' })
  return {
    ...service,
    sessionId: up.json<{ sessionId: string }>().sessionId,
    extend: (ttlMinutes: number) => service.post('/room/extend-class', { classId: 'OS101-A', ttlMinutes }),
  }
}

test('the expiry is moved later and sooner, in the record, the answer and the status', async (t) => {
  const { extend, get, post, ofClass, sessionId } = await openUp(t)
  for (const ttlMinutes of [400, 10]) {
    const response = await extend(ttlMinutes)
    assert.equal(response.statusCode, 200, response.body)
    const { expiresAt, latest, ...answer } = response.json()
    assert.deepEqual(answer, { classId: 'os101-a', sessionId })
    assert.equal(minutesFromNow(expiresAt), ttlMinutes)
    assert.equal(minutesFromNow(latest), 720)
    assert.equal((await ofClass.record(sessionId))?.expiresAt, expiresAt)
    assert.equal((await get('/room/classes/os101-a')).json().expiresAt, expiresAt)
    const again = await post('/room/up-class', { classId: 'os101-a' })
    assert.equal(again.json().expiresAt, expiresAt)
  }
})

test('no expiry is later than the lab’s longest life allows, counted from the session’s beginning', async (t) => {
  const { extend } = await openUp(t, { ttlMinutes: 30, maxLifeMinutes: 60 })
  const { expiresAt, latest } = (await extend(1000)).json()
  assert.equal(expiresAt, latest)
  assert.equal(minutesFromNow(latest), 60)
})

test('after a lost record and a discard, which writes a new one, a class keeps the time that it had', async (t) => {
  const { extend, post, ofClass, sessionId } = await openUp(t)
  const before = await ofClass.record(sessionId)
  await rm(join(ofClass.folder, 'os101-a', sessionId, 'session.json'))
  const discarded = await post('/room/discard-student', { classId: 'os101-a', studentId: 'SV001', reason: 'broken' })
  assert.equal(discarded.statusCode, 200, discarded.body)
  assert.equal((await ofClass.record(sessionId))?.createdAt, before?.createdAt)
  const response = await extend(400)
  assert.equal(response.statusCode, 200, response.body)
  assert.equal(response.json().expiresAt, before?.expiresAt)
})

test('a class that is not up, or on its way down, has no expiry to move', async (t) => {
  const { extend, post, ofClass } = await openUp(t, { collect: { maxBytes: 1 } })
  ofClass.runtime.write('SV001', file('x', 'too much'))
  await post('/room/down-class', { classId: 'os101-a' })
  assert.equal(problemOf(await extend(10)).code, 'class-not-up')
  ofClass.runtime.volume('SV001').things.length = 0
  await post('/room/down-class', { classId: 'os101-a' })
  assert.equal(problemOf(await extend(10)).code, 'class-not-up')
})

test('what is no number of minutes is refused by its name', async (t) => {
  const { post } = await openUp(t)
  for (const ttlMinutes of [undefined, 0, 1.5, '10', 1e9]) {
    const problem = problemOf(await post('/room/extend-class', { classId: 'os101-a', ttlMinutes }))
    assert.match(problem.detail, /ttlMinutes/)
  }
})
