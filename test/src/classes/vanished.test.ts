// Sandboxes that another hand removed: what a down, an up and a collection say of them, and where the last copy of the work is.

import assert from 'node:assert/strict'
import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { finishUp } from '../../../src/classes/up/up-class.ts'
import { timeStamp } from '../../../src/names.ts'
import { Progress } from '../../../src/operations/progress.ts'
import { Problem } from '../../../src/problems.ts'
import { RuntimeError } from '../../../src/runtime/errors.ts'
import { writeSession } from '../../../src/sessions/record.ts'
import { StoreError } from '../../../src/store/port.ts'
import { file } from '../../support/memory-archive.ts'
import { pair, quiet } from '../../support/memory-class.ts'
import type { MemoryRuntime } from '../../support/memory-runtime.ts'
import { openService } from '../../support/memory-service.ts'

function removeByAnotherHand(runtime: MemoryRuntime, studentId: string): void {
  runtime.containers.delete(runtime.container(studentId).id)
  runtime.volumes.delete(runtime.volume(studentId).name)
}

/** A class of two at work; `lose` snapshots it, and then SV002's sandbox is gone by another hand. */
async function openUp(t: TestContext) {
  const service = await openService(t)
  const { ofClass, post } = service
  const { sessionId } = await ofClass.up({ students: pair })
  for (const studentId of pair) ofClass.runtime.write(studentId, file('work.txt', `of ${studentId}`))
  const collect = async (body: object = {}) =>
    (await post('/room/collect-class', { classId: 'os101-a', ...body })).json()
  return {
    ...service,
    sessionId,
    collect,
    folderOf: (studentId: string, bag: string) => join(ofClass.studentFolder(sessionId, studentId), bag),
    /** The snapshot's row. */
    async snapshot() {
      const { students } = await collect()
      const row: Record<string, unknown> = students[1]
      return { row, collectionId: String(row['bag']).split('/').at(-2) ?? assert.fail() }
    },
    lose: () => removeByAnotherHand(ofClass.runtime, 'SV002'),
    downRow: async (allowPartial = true) =>
      (await ofClass.down(allowPartial)).students.find(({ studentId }) => studentId === 'SV002') ?? assert.fail(),
  }
}

const receiptOf = ({ bag, files, bytes, skipped, manifestSha256 }: object & Record<string, unknown>) => ({
  ...{ bag, files, bytes, skipped, manifestSha256 },
})

test('a lost student’s row names the newest snapshot, its receipt, its age and how it can be had', async (t) => {
  const { snapshot, lose, ofClass, get, sessionId } = await openUp(t)
  await snapshot()
  ofClass.runtime.write('SV002', file('later.txt', 'more'))
  const { row, collectionId } = await snapshot()
  lose()
  const refused = await ofClass.down().then(
    () => assert.fail(),
    (error: unknown) => (error instanceof Problem ? error : assert.fail()),
  )
  const { extensions } = refused
  const answer = await ofClass.down(true)
  for (const students of [
    extensions?.['students'],
    answer.students,
    (await ofClass.record(sessionId))?.ended?.answer.students,
  ]) {
    assert.ok(Array.isArray(students))
    const lost = students.find(({ studentId }) => studentId === 'SV002')
    assert.equal(lost.state, 'lost')
    assert.deepEqual(receiptOf(lost), receiptOf(row))
    assert.equal(lost.files, 2)
    assert.equal(lost.error.code, 'lost')
    assert.match(lost.collectedAt, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
    for (const said of [collectionId, lost.collectedAt, 'less than a minute ago', 'is lost'])
      assert.ok(lost.error.detail.includes(said), said)
    const path = /GET (\S+)/.exec(lost.error.detail)?.[1] ?? assert.fail()
    assert.equal((await get(path)).statusCode, 200)
  }
  assert.equal(answer.state, 'down-partial')
})

test('without any copy the row says that nothing was collected', async (t) => {
  const { lose, downRow } = await openUp(t)
  lose()
  const { state, bag, collectedAt, error } = await downRow()
  assert.deepEqual([state, bag, collectedAt], ['lost', null, undefined])
  assert.match(error?.detail ?? '', /before anything was collected/)
})

test('a snapshot that was not committed, or is damaged, is passed over for the newest whole one', async (t) => {
  for (const damaged of ['bagit.txt', 'bag-info.txt', 'tagmanifest-sha256.txt', 'data/workspace/work.txt']) {
    const { snapshot, lose, downRow, folderOf } = await openUp(t)
    const { row } = await snapshot()
    const { collectionId } = await snapshot()
    await rm(join(folderOf('SV002', collectionId), damaged))
    lose()
    assert.deepEqual(receiptOf(await downRow()), receiptOf(row), damaged)
  }
  const { snapshot, lose, downRow, folderOf } = await openUp(t)
  const { row } = await snapshot()
  const { collectionId } = await snapshot()
  await writeFile(join(folderOf('SV002', collectionId), 'manifest-sha256.txt'), 'another\n')
  lose()
  assert.deepEqual(receiptOf(await downRow()), receiptOf(row), 'a manifest of other bytes')
})

test('a bag of before bags said their time has the age of its id', async (t) => {
  const { snapshot, lose, downRow, folderOf } = await openUp(t)
  const { collectionId } = await snapshot()
  const old = new Date(Date.now() - 3 * 3_600_000)
  const older = `snapshot-${timeStamp(old)}`
  await rename(folderOf('SV002', collectionId), folderOf('SV002', older))
  const info = join(folderOf('SV002', older), 'bag-info.txt')
  const text = await readFile(info, 'utf8')
  const unsaid = text.replace(/^Class-Runtime-Collected-At: .*\n/m, '')
  assert.notEqual(unsaid, text)
  await writeFile(info, unsaid)
  lose()
  const { collectedAt, error } = await downRow()
  assert.equal(collectedAt, old.toISOString())
  assert.match(error?.detail ?? '', /\(3 hours ago\)/)
})

test('where the final bag is damaged, the whole snapshot before it is named with its receipt', async (t) => {
  const { snapshot, ofClass, downRow, folderOf } = await openUp(t)
  const { row, collectionId } = await snapshot()
  ofClass.runtime.before = (event) => {
    if (event === 'remove-container SV001') throw new RuntimeError('failed', 'The engine refused: busy')
  }
  await ofClass.down()
  ofClass.runtime.before = () => {}
  await rm(join(folderOf('SV002', 'final'), 'bag-info.txt'))
  const { state, collectedAt, error, ...rest } = await downRow()
  assert.deepEqual([state, error?.code], ['removed', 'store-mismatch'])
  assert.deepEqual(receiptOf(rest), receiptOf(row))
  assert.ok(collectedAt)
  assert.match(error?.detail ?? '', /final\/ in the store lacks bag-info\.txt/)
  assert.ok(error?.detail.includes(collectionId))
})

test('who was given up is told with the snapshot of before', async (t) => {
  const { snapshot, post, ofClass, downRow } = await openUp(t)
  const { row } = await snapshot()
  ofClass.runtime.givenUp.add('SV002')
  ofClass.runtime.before = (event) => {
    if (event === 'archive SV002') throw new RuntimeError('failed', 'The engine refused: input/output error')
  }
  const discarded = await post('/room/discard-student', {
    classId: 'os101-a',
    studentId: 'SV002',
    reason: 'broken disk',
  })
  assert.equal(discarded.json().state, 'discarded', discarded.body)
  ofClass.runtime.before = () => {}
  const { state, reason, error, collectedAt, ...rest } = await downRow(false)
  assert.deepEqual([state, reason, error], ['discarded', 'broken disk', undefined])
  assert.deepEqual(receiptOf(rest), receiptOf(row))
  assert.ok(collectedAt)
})

test('the bag of a reset is a copy like any other', async (t) => {
  const { post, lose, downRow } = await openUp(t)
  const { collected } = (await post('/room/reset-student', { classId: 'os101-a', studentId: 'SV002' })).json()
  lose()
  const row = await downRow()
  assert.equal(row.state, 'lost')
  assert.deepEqual(receiptOf(row), receiptOf(collected))
})

test('a store that cannot be asked for the copy makes nobody lost', async (t) => {
  const { snapshot, lose, ofClass, downRow } = await openUp(t)
  await snapshot()
  lose()
  ofClass.storeHooks = {
    before: (method, key) => {
      if (method === 'list' && key.includes('/SV002/snapshot-')) throw new StoreError('unreachable', 'away')
    },
  }
  assert.equal((await downRow()).state, 'kept')
  ofClass.storeHooks = {}
  assert.equal((await downRow()).state, 'lost')
})

test('an up tells of the work that was there and offers its last copy; the record and the down’s row keep it', async (t) => {
  const { snapshot, lose, ofClass, get, post, downRow, sessionId } = await openUp(t)
  const { row, collectionId } = await snapshot()
  lose()
  assert.deepEqual((await get('/room/classes/os101-a')).json().students.missing, ['SV002'])
  assert.deepEqual((await post('/room/plan-class', { classId: 'os101-a' })).json().vanished, ['SV002'])
  const up = (await post('/room/up-class', { classId: 'os101-a' })).json()
  const told = up.students.map(({ vanished }: { vanished?: object }) => vanished !== undefined)
  assert.deepEqual(told, [false, true, false])
  const { detail, bag } = up.students[1].vanished
  assert.deepEqual([bag.collectionId, bag.prefix], [collectionId, row['bag']])
  for (const said of ['another hand', 'empty', 'POST /room/reset-student', collectionId])
    assert.ok(detail.includes(said), said)
  assert.equal(
    ofClass.runtime.volume('SV002').things.some(({ path }) => String(path).includes('work.txt')),
    false,
  )

  const again = (await post('/room/up-class', { classId: 'os101-a' })).json()
  assert.equal(again.students[1].vanished, undefined, 'nobody vanished since')
  const restored = await post('/room/reset-student', {
    classId: 'os101-a',
    studentId: 'SV002',
    restore: bag.collectionId,
  })
  assert.equal(restored.statusCode, 200, restored.body)
  assert.ok(ofClass.runtime.volume('SV002').things.some(({ path }) => String(path).includes('work.txt')))

  const noted = (await ofClass.record(sessionId))?.vanished ?? assert.fail()
  assert.deepEqual(
    noted.map(({ studentId }) => studentId),
    ['SV002'],
  )
  const { state, vanished, files } = await downRow(false)
  assert.deepEqual([state, vanished?.bag, files], ['removed', bag, 1])
})

test('an up after all of a session was removed joins it, and says whose work was in it', async (t) => {
  const { snapshot, ofClass, post, sessionId } = await openUp(t)
  const { row } = await snapshot()
  for (const studentId of pair) removeByAnotherHand(ofClass.runtime, studentId)
  ofClass.runtime.networks.clear()
  assert.deepEqual((await post('/room/plan-class', { classId: 'os101-a' })).json().vanished, pair)
  const up = (await post('/room/up-class', { classId: 'os101-a' })).json()
  assert.equal(up.sessionId, sessionId)
  const bags = up.students.map(({ vanished }: { vanished?: { bag: { prefix: string } } }) => vanished?.bag.prefix)
  assert.deepEqual([bags[1], bags[2]], [row['bag'], undefined])
  assert.ok(bags[0])
  assert.equal((await ofClass.down()).state, 'down')
})

test('an up joins nothing that may be on another engine: one that is not known to be this one begins a new session', async (t) => {
  for (const engine of [undefined, 'this one']) {
    const { ofClass, post, sessionId } = await openUp(t)
    const { engine: _, ...record } = (await ofClass.record(sessionId)) ?? assert.fail()
    await writeSession(ofClass.context.store, record)
    ofClass.runtime.engine = engine
    for (const studentId of pair) removeByAnotherHand(ofClass.runtime, studentId)
    ofClass.runtime.networks.clear()
    const up = (await post('/room/up-class', { classId: 'os101-a' })).json()
    assert.notEqual(up.sessionId, sessionId)
    assert.deepEqual(
      up.students.filter(({ vanished }: { vanished?: object }) => vanished),
      [],
    )
  }
})

test('a session that was removed whole and has expired, or is on its way down, is ended by a down before an up', async (t) => {
  for (const over of [
    { expiresAt: '2020-01-01T00:00:00.000Z' },
    { down: { by: 'x', at: 'then', allowPartial: true } },
  ]) {
    const { ofClass, post, sessionId } = await openUp(t)
    for (const studentId of pair) removeByAnotherHand(ofClass.runtime, studentId)
    ofClass.runtime.networks.clear()
    const record = (await ofClass.record(sessionId)) ?? assert.fail()
    await writeSession(ofClass.context.store, { ...record, ...over })
    const refused = await post('/room/up-class', { classId: 'os101-a' })
    assert.deepEqual([refused.statusCode, refused.json().code], [409, 'down-unfinished'], refused.body)
    assert.deepEqual(
      (await ofClass.down(true)).students.map(({ state }) => state),
      ['lost', 'lost'],
    )
    assert.equal((await post('/room/up-class', { classId: 'os101-a' })).statusCode, 200)
  }
})

test('an up says so too where nothing was collected; an up that was interrupted tells it when it is finished', async (t) => {
  const { lose, ofClass, sessionId } = await openUp(t)
  lose()
  const stop = new AbortController()
  ofClass.runtime.before = (event) => {
    if (event === 'start SV002') stop.abort()
  }
  await ofClass.up({ students: pair }, { signal: stop.signal }).catch(() => {})
  ofClass.runtime.before = () => {}
  const interrupted = await ofClass.record(sessionId)
  assert.ok(interrupted?.up, 'it has not ended')
  const log = quiet
  const action = { actor: 'tester', log, progress: new Progress(), signal: new AbortController().signal }
  const { students } = await finishUp(ofClass.context, action, { classId: 'os101-a', sessionId, seen: interrupted.up })
  assert.equal(students[1]?.vanished?.bag, null)
  assert.match(students[1]?.vanished?.detail ?? '', /Nothing of it was collected/)
})

test('whom a reset, a discard or a failed up of ours took away has not vanished', async (t) => {
  const { ofClass, post, sessionId } = await openUp(t)
  await post('/room/discard-student', { classId: 'os101-a', studentId: 'SV002', reason: 'left' })
  ofClass.runtime.before = (event) => {
    if (event === 'start SV003') throw new RuntimeError('failed', 'The engine refused: no')
  }
  await post('/room/up-class', { classId: 'os101-a' })
  ofClass.runtime.before = () => {}
  const up = (await post('/room/up-class', { classId: 'os101-a' })).json()
  assert.deepEqual(
    up.students.filter(({ vanished }: { vanished?: object }) => vanished),
    [],
  )
  assert.equal((await ofClass.record(sessionId))?.vanished, undefined)
})

test('a collection names whom it did not find, with their last copy, and collects the others', async (t) => {
  const { snapshot, lose, collect } = await openUp(t)
  const { row } = await snapshot()
  lose()
  for (const body of [{}, { students: ['sv002', 'SV001'] }]) {
    const { students } = await collect(body)
    const of = (id: string) => students.find(({ studentId }: { studentId: string }) => studentId === id)
    assert.equal(of('SV001').state, 'collected')
    assert.equal(of('SV002').state, 'missing')
    assert.deepEqual(receiptOf(of('SV002')), receiptOf(row))
  }
})
