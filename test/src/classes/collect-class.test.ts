// Snapshots of a running class: what is in them, what keeps running, and what a crash or a fault on the way leaves.

import assert from 'node:assert/strict'
import { readdir, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { timeStamp } from '../../../src/names.ts'
import { digestOf } from '../../../src/store/content.ts'
import { StoreError } from '../../../src/store/port.ts'
import { file } from '../../support/memory-archive.ts'
import { pair } from '../../support/memory-class.ts'
import { isCollected } from '../../support/memory-referee.ts'
import { engineGone } from '../../support/memory-runtime.ts'
import { openService, problemOf } from '../../support/memory-service.ts'

async function openUp(t: TestContext, lab: object = {}) {
  const service = await openService(t, lab)
  const { ofClass } = service
  const { sessionId } = await ofClass.up({ students: pair })
  for (const studentId of pair) ofClass.runtime.write(studentId, file('work.txt', `of ${studentId}`))
  ofClass.runtime.events.length = 0
  return {
    ...service,
    sessionId,
    folderOf: (studentId: string) => ofClass.studentFolder(sessionId, studentId),
    collect: (more: object = {}) => service.post('/room/collect-class', { classId: 'os101-a', ...more }),
  }
}

/** The collection id of so many minutes ago. */
const snapshotOf = (minutes: number): string => `snapshot-${timeStamp(new Date(Date.now() - minutes * 60_000))}`

const running = ['container SV001 running', 'container SV002 running']

test('everybody gets a snapshot bag of a moment at which they stood still, and goes on', async (t) => {
  const { collect, ofClass, sessionId, folderOf } = await openUp(t)
  const response = await collect()
  assert.equal(response.statusCode, 200, response.body)
  const { students, artifacts, ...answer } = response.json()
  assert.deepEqual(answer, { classId: 'os101-a', sessionId, state: 'collected' })
  assert.equal(artifacts.prefix, `os101-a/${sessionId}/`)
  for (const [index, studentId] of pair.entries()) {
    const { bag, manifestSha256, ...rest } = students[index]
    assert.deepEqual(rest, { studentId, state: 'collected', files: 1, bytes: 8, skipped: 0 })
    assert.match(bag, new RegExp(`^os101-a/${sessionId}/${studentId}/snapshot-\\d{8}t\\d{9}z/$`))
    assert.match(manifestSha256, /^[0-9a-f]{64}$/)
    assert.ok(await isCollected(folderOf(studentId), [file('work.txt', `of ${studentId}`)]))
    const [frozen, read, thawed] = ['freeze', 'archive', 'thaw'].map((call) =>
      ofClass.runtime.events.indexOf(`${call} ${studentId}`),
    )
    assert.ok(frozen !== undefined && read !== undefined && thawed !== undefined && frozen < read && read < thawed)
  }
  assert.deepEqual(ofClass.runtime.held().slice(0, 2), running)
  assert.equal((await ofClass.record(sessionId))?.collect, undefined)
})

test('a snapshot is no final bag: the down makes its own', async (t) => {
  const { collect, ofClass, folderOf } = await openUp(t)
  await collect()
  ofClass.runtime.write('SV001', file('later.txt', 'more'))
  assert.equal((await ofClass.down()).students[0]?.files, 2)
  assert.deepEqual(
    (await readdir(folderOf('SV001'))).map((name) => name.replace(/-.*/, '')),
    ['final', 'snapshot'],
  )
})

test('only those who are named, in any case; a stranger is refused by name before anybody stands still', async (t) => {
  const { collect, ofClass } = await openUp(t)
  assert.match(problemOf(await collect({ students: ['SV001', 'SV009'] })).detail, /SV009/)
  assert.deepEqual(ofClass.runtime.events, [])
  const { students } = (await collect({ students: ['sv002'] })).json()
  assert.deepEqual(
    students.map(({ studentId, state }: Record<string, unknown>) => [studentId, state]),
    [['SV002', 'collected']],
  )
})

test('who is named twice, in any case, is refused by name before anybody stands still', async (t) => {
  const { collect, ofClass } = await openUp(t)
  const problem = problemOf(await collect({ students: ['SV001', 'sv001'] }))
  assert.equal(problem.code, 'duplicate-student')
  assert.match(problem.detail, /'sv001'/)
  assert.deepEqual(ofClass.runtime.events, [])
})

test('a sandbox that does not run is named and left as it is', async (t) => {
  const { collect, ofClass } = await openUp(t)
  ofClass.runtime.exit(ofClass.runtime.container('SV001'), 0)
  const { students } = (await collect()).json()
  assert.deepEqual(students[0], {
    studentId: 'SV001',
    state: 'not-running',
    bag: null,
    files: null,
    bytes: null,
    skipped: null,
    manifestSha256: null,
  })
  assert.equal(students[1].state, 'collected')
})

test('who cannot be collected is named, goes on running, and leaves no half bag', async (t) => {
  const { collect, ofClass, folderOf } = await openUp(t, { collect: { maxBytes: 8 } })
  ofClass.runtime.write('SV001', file('large', 'too large'))
  const problem = problemOf(await collect())
  assert.equal(problem.code, 'collect-failed')
  const [first, second] = Object(problem)['students']
  assert.deepEqual([first.state, first.error.code, second.state], ['failed', 'over-limit', 'collected'])
  assert.deepEqual(ofClass.runtime.held().slice(0, 2), running)
  assert.deepEqual(await readdir(folderOf('SV001')).catch(() => []), [])
})

test('a store or an engine that goes away meanwhile is one problem of its own', async (t) => {
  const { collect, ofClass } = await openUp(t)
  ofClass.storeHooks = {
    before(method, key) {
      if (method === 'put' && key.includes('/data/')) throw new StoreError('unreachable', 'connect ECONNREFUSED')
    },
  }
  const problem = problemOf(await collect())
  assert.deepEqual([problem.status, problem.code], [503, 'store-unavailable'])
  assert.equal(problem.detail.split('The store does not answer.').length - 1, 1)
  ofClass.storeHooks = {}
  ofClass.runtime.before = (event) => {
    if (event.startsWith('archive')) throw engineGone()
  }
  assert.equal(problemOf(await collect()).code, 'engine-unavailable')
})

test('a store that once denies a commit mark costs no committed bag', async (t) => {
  const { collect, ofClass, folderOf } = await openUp(t)
  await collect()
  const [made = ''] = await readdir(folderOf('SV001'))
  await rename(join(folderOf('SV001'), made), join(folderOf('SV001'), snapshotOf(61)))
  const { stat } = ofClass.store
  t.mock.method(ofClass.store, 'stat', async (key: string) =>
    key.endsWith('/bagit.txt') && key.includes('/snapshot-') ? undefined : await stat(key),
  )
  await collect({ students: ['SV002'] })
  assert.ok(await isCollected(folderOf('SV001'), [file('work.txt', 'of SV001')]))
})

test('a bag without its commit mark is removed once it is old; a young one may be at work in another process', async (t) => {
  const { collect, ofClass, sessionId, folderOf } = await openUp(t)
  const bytes = Buffer.from('of a bag that was not committed')
  const young = snapshotOf(59)
  for (const folder of [young, snapshotOf(61)]) {
    const key = `os101-a/${sessionId}/SV001/${folder}/data/workspace/work.txt`
    await ofClass.store.put(key, digestOf(bytes), bytes)
  }
  assert.equal((await collect()).statusCode, 200)
  const bags = await readdir(folderOf('SV001'))
  assert.deepEqual([bags.includes(young), bags.length], [true, 2], 'the other one is that of this collection')
})

test('a class that is not up, or on its way down, has no snapshots', async (t) => {
  const { collect, ofClass } = await openUp(t)
  await ofClass.down()
  assert.equal(problemOf(await collect()).code, 'class-not-up')
})
