// Ids, and the names made of them: no two students ever share one.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  bagPrefix,
  collectionIdPattern,
  containerName,
  hostName,
  idPattern,
  networkName,
  newSessionId,
  sameId,
  sessionIdPattern,
  timeStamp,
  volumeName,
} from '../../src/names.ts'

const longId = `A${'b'.repeat(28)}9`

test('an id is 1 to 30 letters, digits and single inner hyphens', () => {
  const good = ['a', '7', 'SV001', 'os101-a', 'a-b-c', longId]
  const bad = ['', '-a', 'a-', 'a--b', 'a_b', 'a.b', 'a b', 'a/b', '..', 'é', 'a\n', `${longId}x`, 'a\u0000']
  for (const id of good) assert.match(id, new RegExp(idPattern))
  for (const id of bad) assert.doesNotMatch(id, new RegExp(idPattern))
})

test('two ids of 30 characters still fit one DNS label of 63', () => {
  assert.equal(longId.length, 30)
  const [label = ''] = hostName(longId, longId, 'lab.localhost').split('.')
  assert.equal(label.length, 62)
  assert.match(label, /^[a-z0-9-]+$/)
})

test('joined names of different students and classes never meet', () => {
  const ids = ['a', 'b', 'a-b', 'b-a', 'a-b-a', 'ab']
  const pairs = ids.flatMap((classId) => ids.map((studentId) => ({ classId, studentId })))
  assert.equal(new Set(pairs.map((pair) => containerName(pair.classId, pair.studentId))).size, pairs.length)
  assert.equal(new Set(pairs.map((pair) => hostName(pair.classId, pair.studentId, 'x'))).size, pairs.length)
})

test('engine names are lower case, store prefixes keep the spelling', () => {
  assert.equal(networkName('OS101-A'), 'class-os101-a')
  assert.equal(containerName('OS101-A', 'SV001'), 'class-os101-a--sv001')
  assert.equal(
    volumeName('OS101-A', 'SV001', '20260102t030405678z-00ff'),
    'class-os101-a--sv001--20260102t030405678z-00ff',
  )
  assert.equal(hostName('OS101-A', 'SV001', 'lab.localhost'), 'sv001--os101-a.lab.localhost')
  assert.equal(bagPrefix('OS101-A', 's', 'SV001', 'final'), 'OS101-A/s/SV001/final/')
  assert.ok(sameId('OS101-A', 'os101-a'))
  assert.ok(!sameId('OS101-A', 'os101-b'))
})

test('session ids sort by the time of their up, and two of one millisecond differ', () => {
  const times = [
    '2025-12-31T23:59:59.999Z',
    '2026-01-01T00:00:00.000Z',
    '2026-01-01T00:00:00.001Z',
    '2026-11-02T10:00:00.000Z',
  ]
  const ids = times.map((time) => newSessionId(new Date(time)))
  assert.deepEqual([...ids].sort(), ids)
  for (const id of ids) assert.match(id, new RegExp(sessionIdPattern))

  const now = new Date()
  const sameMillisecond = new Set(Array.from({ length: 20 }, () => newSessionId(now)))
  assert.ok(sameMillisecond.size > 1)
})

test('a time stamp is UTC to the millisecond', () => {
  assert.equal(timeStamp(new Date('2026-11-23T14:17:45.123Z')), '20261123t141745123z')
})

test('a collection id is final, a numbered final or a snapshot, and nothing with a path in it', () => {
  const pattern = new RegExp(collectionIdPattern)
  for (const id of ['final', 'final-2', 'final-9999', 'snapshot-20261123t141745123z']) assert.match(id, pattern)
  for (const id of ['', 'final/', 'final-', 'final-12345', '../final', 'snapshot-1', 'Final'])
    assert.doesNotMatch(id, pattern)
})
