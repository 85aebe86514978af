// A uid for each sandbox: no two that may run at once have the same, a session keeps its own, and what has ended gives back.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { planOf } from '../../../../src/classes/up/session.ts'
import { sandboxUser } from '../../../../src/runtime/sandbox-user.ts'
import { openClass } from '../../../support/memory-class.ts'
import { type MemorySubject, openSubject, problemIn, subjectCatalogue } from '../../../support/memory-subject.ts'

/** Student -> uid, as the session's record says it. */
async function uidsOf(subject: MemorySubject, classId: string, sessionId: string) {
  const text = await subject.context.store.read(`${classId}/${sessionId}/session.json`)
  const chunks: Uint8Array[] = []
  for await (const chunk of text) chunks.push(chunk)
  const { seats } = JSON.parse(Buffer.concat(chunks).toString())
  return Object.fromEntries(
    seats.map(({ studentId, uid }: { studentId: string; uid?: number }) => [studentId, uid ?? null]),
  )
}

test('sandboxes of all classes have different uids, and a late joiner has one more', async (t) => {
  const subject = await openSubject(t)
  const a = await subject.upOf('a', { students: ['a1', 'a2'] })
  const b = await subject.upOf('b', { students: ['b1'] })
  assert.deepEqual(await uidsOf(subject, 'a', a.sessionId), { a1: 20_000, a2: 20_001 })
  assert.deepEqual(await uidsOf(subject, 'b', b.sessionId), { b1: 20_002 })
  await subject.upOf('a')
  assert.deepEqual(await uidsOf(subject, 'a', a.sessionId), { a1: 20_000, a2: 20_001, a3: 20_003 })
})

test('an ended session gives its uids back, and one that is still up does not', async (t) => {
  const subject = await openSubject(t)
  await subject.upOf('a')
  const b = await subject.upOf('b', { students: ['b1'] })
  await subject.downOf('a')
  const c = await subject.upOf('c')
  assert.deepEqual(await uidsOf(subject, 'b', b.sessionId), { b1: 20_003 })
  assert.deepEqual(await uidsOf(subject, 'c', c.sessionId), { c1: 20_000, c2: 20_001, c3: 20_002 })
})

test('an up that nothing on the engine shows yet has its uids already', async (t) => {
  const subject = await openSubject(t)
  const release = subject.runtime.hold('create-network')
  const rising = [subject.upOf('a'), subject.upOf('b')]
  while (subject.context.reservations.current().length < 2) await new Promise(setImmediate)
  release()
  const uids: unknown[] = []
  for (const { classId, sessionId } of await Promise.all(rising)) {
    uids.push(...Object.values(await uidsOf(subject, classId, sessionId)))
  }
  assert.equal(new Set(uids).size, 6)
})

test('who has no uid left is refused before anything is made, by the plan too; who has one comes up again', async (t) => {
  const subject = await openSubject(t)
  subject.sandboxUids = { first: 30_000, last: 30_003 }
  const { sessionId } = await subject.upOf('a')
  subject.runtime.events.length = 0
  const { code, status, message } = await problemIn(subject.upOf('b', { students: ['b1', 'b2'] }))
  assert.deepEqual([code, status], ['uids-exhausted', 503])
  assert.match(message, /30000 to 30003.*2 more.*SANDBOX_UIDS/)
  assert.deepEqual((await subject.planOf('b')).refusals[0]?.code, 'uids-exhausted')
  assert.deepEqual(subject.runtime.events, [])
  await subject.upOf('b', { students: ['b1'] })
  subject.runtime.exit(subject.runtime.container('a1'), 1)
  await subject.upOf('a')
  assert.deepEqual(await uidsOf(subject, 'a', sessionId), { a1: 30_000, a2: 30_001, a3: 30_002 })
})

test('a lab that fixes a user needs no uid, and nobody else gets the one that it fixes', async (t) => {
  const subject = await openSubject(t)
  subject.catalogue = subjectCatalogue({}, { user: '20000:100' })
  const a = await subject.upOf('a')
  assert.deepEqual(await uidsOf(subject, 'a', a.sessionId), { a1: null, a2: null, a3: null })
  subject.catalogue = subjectCatalogue({})
  const b = await subject.upOf('b', { students: ['b1'] })
  assert.deepEqual(await uidsOf(subject, 'b', b.sessionId), { b1: 20_001 })
})

test('a sandbox runs as the lab’s user, else as its student’s own, and never as root', async (t) => {
  const ofClass = await openClass(t)
  const { sessionId } = await ofClass.up({ students: ['SV001', 'SV002'] })
  const record = (await ofClass.record(sessionId)) ?? assert.fail('no record')
  const plan = planOf(record)
  assert.equal(sandboxUser(plan, 'SV001'), '20000:20000')
  assert.equal(sandboxUser(plan, 'sv002'), '20001:20001')
  assert.equal(sandboxUser(plan, 'SV003'), '65534:65534')
  const fixed = { ...plan, frozenLab: { ...plan.frozenLab, user: '1000:1000' } }
  assert.equal(sandboxUser(fixed, 'SV001'), '1000:1000')
})
