// An admin gives a sandbox up: only what cannot be collected is lost, with the reason on record, and the class can end.

import assert from 'node:assert/strict'
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { RuntimeError } from '../../../src/runtime/errors.ts'
import { StoreError } from '../../../src/store/port.ts'
import { pair, workOf } from '../../support/memory-class.ts'
import { isCollected } from '../../support/memory-referee.ts'
import { engineGone } from '../../support/memory-runtime.ts'
import { openService, problemOf } from '../../support/memory-service.ts'

const reason = 'disk of the sandbox is broken; the student was told'

async function openUp(t: TestContext) {
  const service = await openService(t)
  const { ofClass } = service
  const { sessionId } = await ofClass.up({ students: pair })
  for (const studentId of pair) ofClass.runtime.write(studentId, ...workOf(studentId))
  return {
    ...service,
    sessionId,
    folderOf: (studentId: string) => ofClass.studentFolder(sessionId, studentId),
    discard: (more: object = {}) =>
      service.post('/room/discard-student', { classId: 'os101-a', studentId: 'SV001', reason, ...more }),
    /** From now on the engine cuts this student's archive. */
    breakArchive() {
      ofClass.runtime.before = (event) => {
        if (event === 'archive SV001') throw new RuntimeError('archive', 'The archive was cut short.')
      }
      ofClass.runtime.givenUp.add('SV001')
    },
  }
}

test('a down that one broken sandbox holds up ends after that is given up, and says who decided it and why', async (t) => {
  const { discard, breakArchive, ofClass, sessionId, folderOf } = await openUp(t)
  breakArchive()
  await assert.rejects(ofClass.down(), { code: 'collect-failed' })
  const response = await discard()
  assert.equal(response.statusCode, 200, response.body)
  const { artifacts, ...answer } = response.json()
  const error = { code: 'archive-incomplete', detail: 'The archive was cut short.' }
  const none = { bag: null, files: null, bytes: null, skipped: null, manifestSha256: null }
  assert.deepEqual(answer, {
    classId: 'os101-a',
    sessionId,
    state: 'discarded',
    students: [{ studentId: 'SV001', state: 'discarded', ...none, error, reason }],
  })
  const [entry, ...more] = (await ofClass.record(sessionId))?.discarded ?? []
  const { at: _, ...facts } = entry ?? assert.fail('not on record')
  assert.deepEqual([facts, more], [{ by: 'unauthenticated', studentId: 'SV001', reason, error }, []])
  assert.deepEqual(ofClass.runtime.held(), ['container SV002 exited', 'network class-os101-a', 'volume SV002'])

  const down = await ofClass.down()
  assert.equal(down.state, 'down')
  assert.deepEqual(
    down.students.map(({ studentId, state, reason: why }) => [studentId, state, why]),
    [
      ['SV002', 'removed', undefined],
      ['SV001', 'discarded', reason],
    ],
  )
  assert.ok(await isCollected(folderOf('SV002'), workOf('SV002')))
  assert.deepEqual(ofClass.runtime.held(), [])
})

test('what can be collected after all is, and is not lost', async (t) => {
  for (const duringDown of [false, true]) {
    const { discard, breakArchive, ofClass, sessionId, folderOf } = await openUp(t)
    if (duringDown) {
      breakArchive()
      await assert.rejects(ofClass.down())
      ofClass.runtime.before = () => {}
      ofClass.runtime.givenUp.clear()
    }
    const answer = (await discard()).json()
    assert.deepEqual([answer.state, answer.students[0].files], ['removed', 2])
    assert.ok(await isCollected(folderOf('SV001'), workOf('SV001')))
    assert.equal((await ofClass.record(sessionId))?.discarded, undefined)
    const down = await ofClass.down()
    assert.deepEqual(new Set(down.students.map(({ state }) => state)), new Set(['removed']))
  }
})

test('nothing is given up because the store or the engine does not answer', async (t) => {
  const { discard, ofClass, sessionId } = await openUp(t)
  ofClass.storeHooks = {
    before: (method, key) => {
      if (method === 'put' && key.includes('SV001')) throw new StoreError('unreachable', 'The store does not answer.')
    },
  }
  assert.equal(problemOf(await discard()).code, 'store-unavailable')
  ofClass.storeHooks = {}
  for (const call of ['stop SV001', 'archive SV001', 'inspect SV001', 'remove-container SV001']) {
    ofClass.runtime.before = (event) => {
      if (event === call) throw engineGone()
    }
    assert.equal(problemOf(await discard()).status, 503, call)
  }
  ofClass.runtime.before = () => {}
  assert.equal((await ofClass.record(sessionId))?.discarded, undefined)
  assert.ok(ofClass.runtime.held().includes('volume SV001'))
})

test('nothing is given up because another hand is at work in the sandbox, or the store holds other bytes than were sent', async (t) => {
  const { discard, ofClass, sessionId } = await openUp(t)
  ofClass.runtime.before = (event) => {
    if (event === 'archive SV001') throw new RuntimeError('running', 'The sandbox runs, though it was stopped.')
  }
  assert.equal(problemOf(await discard()).code, 'collect-failed')
  ofClass.runtime.before = () => {}
  ofClass.storeHooks = {
    before: (method, key) => {
      if (method === 'put' && key.includes('SV001')) throw new StoreError('mismatch', 'Other bytes arrived.')
    },
  }
  assert.equal(problemOf(await discard()).code, 'collect-failed')
  ofClass.storeHooks = {}
  assert.equal((await ofClass.record(sessionId))?.discarded, undefined)
  assert.ok(ofClass.runtime.held().includes('volume SV001'))
  assert.equal((await discard()).json().state, 'removed')
})

test('nothing is given up because the disk of the engine is full, whatever it cannot write', async (t) => {
  const { discard, ofClass, sessionId } = await openUp(t)
  for (const call of ['stop SV001', 'archive SV001', 'inspect SV001', 'remove-container SV001']) {
    ofClass.runtime.before = (event) => {
      if (event === call) throw new RuntimeError('full', 'The disk is full.')
    }
    const problem = problemOf(await discard())
    assert.deepEqual([problem.code, problem.status], ['engine-unavailable', 503], call)
  }
  ofClass.runtime.before = () => {}
  assert.equal((await ofClass.record(sessionId))?.discarded, undefined)
  assert.ok(ofClass.runtime.held().includes('volume SV001'))
})

test('a volume that nobody could look into yet is not given up: an archive call may read it', async (t) => {
  const { discard, ofClass, sessionId, folderOf } = await openUp(t)
  ofClass.runtime.containers.delete(ofClass.runtime.container('SV001').id)
  ofClass.runtime.before = (event) => {
    if (event === 'create-container SV001') throw new RuntimeError('failed', 'The engine refused: not now')
  }
  const problem = problemOf(await discard())
  assert.equal(problem.code, 'collect-failed')
  assert.match(problem.detail, /Nothing was given up/)
  assert.equal((await ofClass.record(sessionId))?.discarded, undefined)
  assert.ok(ofClass.runtime.held().includes('volume SV001'))
  ofClass.runtime.before = () => {}
  assert.equal((await discard()).json().state, 'removed')
  assert.ok(await isCollected(folderOf('SV001'), workOf('SV001')))
})

test('a sandbox whose bag the store loses before the removal is kept, and collected by the next call', async (t) => {
  const { discard, ofClass, folderOf } = await openUp(t)
  ofClass.storeHooks = {
    async after(method, key) {
      if (method !== 'put' || !key.endsWith('session.json')) return
      const [bag = ''] = await readdir(folderOf('SV001'))
      await rm(join(folderOf('SV001'), bag, 'bagit.txt'), { force: true })
    },
  }
  const problem = problemOf(await discard())
  assert.equal(problem.code, 'collect-failed')
  assert.match(problem.detail, /bagit\.txt is missing.* Nothing was given up/)
  assert.ok(ofClass.runtime.held().includes('container SV001 exited'))
  ofClass.storeHooks = {}
  assert.equal((await discard()).json().state, 'removed')
  assert.ok(await isCollected(folderOf('SV001'), workOf('SV001')))
})

for (const [what, fault] of [
  ['the engine fails', new RuntimeError('failed', 'The engine refused: device or resource busy')],
  ['the archive is cut', new RuntimeError('archive', 'The archive was cut short.')],
] as const) {
  test(`nothing is given up because ${what} once`, async (t) => {
    const { discard, ofClass, folderOf } = await openUp(t)
    let calls = 0
    ofClass.runtime.before = (event) => {
      if (event === 'archive SV001' && ++calls === 1) throw fault
    }
    assert.equal((await discard()).json().state, 'removed')
    assert.ok(await isCollected(folderOf('SV001'), workOf('SV001')))
  })
}

test('nothing is given up for two faults that are not the same, or for one of the service’s own system', async (t) => {
  const { discard, ofClass, sessionId } = await openUp(t)
  const full = Object.assign(new Error('no space left on device, write'), { code: 'ENOSPC', syscall: 'write' })
  const busy = new RuntimeError('failed', 'The engine refused: device or resource busy')
  const cut = new RuntimeError('archive', 'The archive was cut short.')
  for (const [first, second] of [
    [busy, cut],
    [busy, engineGone()],
    [full, full],
  ]) {
    const faults = [first, second]
    ofClass.runtime.before = (event) => {
      const fault = event === 'archive SV001' ? faults.shift() : undefined
      if (fault) throw fault
    }
    assert.match(problemOf(await discard()).detail, /Nothing was given up/)
  }
  ofClass.runtime.before = () => {}
  assert.equal((await ofClass.record(sessionId))?.discarded, undefined)
  assert.ok(ofClass.runtime.held().includes('volume SV001'))
})

test('a sandbox whose work is safe and that does not go is not given up', async (t) => {
  const { discard, ofClass, sessionId } = await openUp(t)
  ofClass.runtime.before = (event) => {
    if (event === 'remove-container SV001') throw new RuntimeError('failed', 'The engine refused: device is busy')
  }
  assert.equal(problemOf(await discard()).code, 'collect-failed')
  assert.equal((await ofClass.record(sessionId))?.discarded, undefined)
  ofClass.runtime.before = () => {}
  assert.equal((await discard()).json().state, 'removed')
})

test('a student who was given up can come up again, and is then looked for like everybody', async (t) => {
  const { discard, breakArchive, ofClass } = await openUp(t)
  breakArchive()
  await discard()
  ofClass.runtime.before = () => {}
  await ofClass.up({ students: pair })
  ofClass.runtime.containers.delete(ofClass.runtime.container('SV001').id)
  ofClass.runtime.volumes.delete(ofClass.runtime.volume('SV001').name)
  const down = await ofClass.down(true)
  assert.equal(down.students.find(({ studentId }) => studentId === 'SV001')?.state, 'lost')
})

test('a student without a sandbox, and a call without a reason, are refused', async (t) => {
  const { discard } = await openUp(t)
  assert.equal(problemOf(await discard({ studentId: 'SV003' })).code, 'unknown-student')
  assert.match(problemOf(await discard({ reason: undefined })).detail, /reason/)
  assert.match(problemOf(await discard({ reason: '' })).detail, /reason/)
})
