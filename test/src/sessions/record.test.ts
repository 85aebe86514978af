// The record of a session in the store: written, read, listed, and never half understood.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  readSession,
  removeSession,
  type SessionRecord,
  sessionIds,
  writeSession,
} from '../../../src/sessions/record.ts'
import { listSessions } from '../../../src/sessions/summary.ts'
import { createMemoryStore } from '../../support/memory-store.ts'

const record = (sessionId: string, change: Partial<SessionRecord> = {}): SessionRecord => ({
  schemaVersion: 1,
  installation: 'test',
  classId: 'os101-a',
  sessionId,
  subject: 'os101',
  lab: 'linux-shell',
  createdBy: 't-lan',
  createdAt: '2026-01-02T03:04:05.678Z',
  expiresAt: '2026-01-02T06:04:05.678Z',
  students: ['SV001', 'SV002'],
  ...change,
})

const [older, newer] = ['20251231t235959999z-ffff', '20260102t030405678z-0000'] as const
const key = (sessionId: string) => `os101-a/${sessionId}/session.json`

test('a record comes back as it was written, and is gone when it is removed', async () => {
  const store = createMemoryStore()
  const down = { by: 't-lan', at: '2026-01-02T04:00:00.000Z', allowPartial: true }
  const written = record(newer, { down })
  await writeSession(store, written)
  assert.deepEqual([...store.objects.keys()], [key(newer)])
  assert.deepEqual(await readSession(store, 'os101-a', newer), written)
  await removeSession(store, written)
  assert.equal(await readSession(store, 'os101-a', newer), undefined)
})

test('a record that cannot be understood is never acted on', async () => {
  const texts = [
    '',
    '{"schemaVersion":1',
    'null',
    JSON.stringify({ ...record(newer), schemaVersion: 2 }),
    JSON.stringify({ ...record(newer), students: 'SV001' }),
    JSON.stringify({ ...record(newer), ended: { at: '', answer: {} } }),
  ]
  for (const text of texts) {
    const store = createMemoryStore()
    store.objects.set(key(newer), Buffer.from(text))
    await assert.rejects(readSession(store, 'os101-a', newer), { name: 'StoreError', code: 'refused' }, text)
  }
})

test('sessions are listed newest first, and other folders of the class are none', async () => {
  const store = createMemoryStore()
  for (const folder of [older, 'notes', newer, '20260102t030405678z']) {
    store.objects.set(`os101-a/${folder}/session.json`, Buffer.from(JSON.stringify(record(folder))))
  }
  assert.deepEqual(await sessionIds(store, 'os101-a'), [newer, older])
  assert.deepEqual(await sessionIds(store, 'os101'), [])
})

test('a summary says how far the session is', async () => {
  const store = createMemoryStore()
  const answer = {
    classId: 'os101-a',
    sessionId: older,
    artifacts: { store: '', prefix: '' },
    students: [],
    leaked: [],
  }
  await writeSession(store, record(older, { ended: { at: 'then', answer: { ...answer, state: 'down-partial' } } }))
  await writeSession(store, record(newer, { down: { by: 't-lan', at: '', allowPartial: false } }))
  await writeSession(store, record('20260103t000000000z-0000'))
  const { createdAt, expiresAt } = record(older)
  const facts = { lab: 'linux-shell', createdAt, expiresAt, students: 2 }
  assert.deepEqual(await listSessions(store, 'os101-a'), [
    { sessionId: '20260103t000000000z-0000', state: 'open', endedAt: null, ...facts },
    { sessionId: newer, state: 'going-down', endedAt: null, ...facts },
    { sessionId: older, state: 'down-partial', endedAt: 'then', ...facts },
  ])
})

test('a session whose record is lost or cannot be understood does not hide the others', async () => {
  const store = createMemoryStore()
  await writeSession(store, record(newer))
  store.objects.set(`os101-a/${older}/SV001/final/bagit.txt`, Buffer.from('bag'))
  store.objects.set('os101-a/20260101t000000000z-0000/session.json', Buffer.from('{'))
  const listed = await listSessions(store, 'os101-a')
  assert.ok(listed.some(({ sessionId }) => sessionId === newer))
})
