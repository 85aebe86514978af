// A student's sandbox made anew: what was in it is in a committed bag first, what is asked for is put back, nobody else
// notices, and a fault or a crash anywhere leaves nothing lost and nobody without a word.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CollectError } from '../../../src/collection/errors.ts'
import { RuntimeError } from '../../../src/runtime/errors.ts'
import { directory, file, hardLink, symbolicLink, type Thing } from '../../support/memory-archive.ts'
import { pair, workOf } from '../../support/memory-class.ts'
import { isCollected } from '../../support/memory-referee.ts'
import { engineGone } from '../../support/memory-runtime.ts'
import { problemOf } from '../../support/memory-service.ts'
import { classUp, openUp } from '../../support/opened-service.ts'

test('where the work in the fresh sandbox would be lost, the old one stays as it is', async (t) => {
  const { reset, ofClass, sessionId } = await openUp(t)
  const old = ofClass.runtime.container('SV001').id
  ofClass.runtime.keepsWrites = true
  const answer = await reset()
  assert.deepEqual([answer.statusCode, problemOf(answer).code], [409, 'lab-runtime-unfit'])
  assert.deepEqual([ofClass.runtime.events, ofClass.runtime.container('SV001').id], [[], old])
  assert.equal((await ofClass.record(sessionId))?.reset, undefined)
  ofClass.runtime.keepsWrites = false
  assert.equal((await reset()).statusCode, 200)
})

test('the work goes into a snapshot bag, the sandbox is a new and empty one, and nobody else is touched', async (t) => {
  const { reset, ofClass, sessionId, folderOf } = await openUp(t)
  const old = ofClass.runtime.container('SV001').id
  const response = await reset({ studentId: 'sv001' })
  assert.equal(response.statusCode, 200, response.body)
  const { collected, student, ...answer } = response.json()
  assert.deepEqual(answer, { classId: 'os101-a', sessionId, state: 'reset', restored: null })
  assert.match(collected.bag, new RegExp(`^os101-a/${sessionId}/SV001/snapshot-\\d{8}t\\d{9}z/$`))
  assert.deepEqual([collected.state, collected.files, student.state], ['removed', 2, 'running'])
  assert.ok(await isCollected(folderOf('SV001'), workOf('SV001')))
  assert.notEqual(student.containerId, old)
  assert.equal(student.containerId, ofClass.runtime.container('SV001').id)
  assert.deepEqual(ofClass.runtime.volume('SV001').things.length, 1)
  assert.deepEqual(ofClass.runtime.held(), classUp)
  assert.deepEqual(
    ofClass.runtime.events.filter((event) => event.endsWith('SV002')),
    [],
  )
  const record = await ofClass.record(sessionId)
  assert.deepEqual([record?.reset, new Set(record?.students)], [undefined, new Set(pair)])

  ofClass.runtime.write('SV001', file('again.txt', 'second try'))
  const down = await ofClass.down()
  assert.deepEqual(down.students.map(({ studentId, state, files }) => [studentId, state, files]).toSorted(), [
    ['SV001', 'removed', 1],
    ['SV002', 'removed', 2],
  ])
})

/** A workspace as a test can compare it. */
const seen = (things: readonly Thing[]) =>
  new Map(
    things.map(({ path, type = 'file', body = '', mode = 0o644, linkTarget = '' }) => [
      Buffer.from(path).toString('latin1'),
      [
        type,
        mode,
        Buffer.from(linkTarget).toString('latin1'),
        typeof body === 'function' ? '' : Buffer.from(body).toString('latin1'),
      ],
    ]),
  )

test('what an earlier bag holds is there again before the sandbox starts: names, modes, links, empty folders', async (t) => {
  const { reset, ofClass, post } = await openUp(t)
  const things = [
    directory('a'),
    directory('empty'),
    file('a/đề bài.txt', 'chữ', { mode: 0o600 }),
    file(Buffer.from([0x61, 0x2f, 0xff]), 'not UTF-8'),
    file(`a/${'long'.repeat(60)}`, 'x'.repeat(1000)),
    file('none', ''),
    symbolicLink('link', '../../etc/passwd'),
  ]
  const { things: workspace } = ofClass.runtime.volume('SV001')
  workspace.splice(1, workspace.length, ...things)
  const before = seen(workspace)
  const collected = await post('/room/collect-class', { classId: 'os101-a', students: ['SV001'] })
  const bag: string = collected.json().students[0].bag
  const restore = bag.split('/').at(-2)
  ofClass.runtime.write('SV001', file('mistake', 'rm -rf'))
  ofClass.runtime.events.length = 0
  const response = await reset({ restore })
  assert.equal(response.statusCode, 200, response.body)
  assert.equal(response.json().restored, restore)
  assert.deepEqual(seen(ofClass.runtime.volume('SV001').things), before)
  const { events } = ofClass.runtime
  assert.ok(events.indexOf('fill SV001') < events.indexOf('start SV001'))
})

test('a bag that is not there and a student without a sandbox are refused, and nothing is touched', async (t) => {
  const { reset, ofClass } = await openUp(t)
  assert.equal(problemOf(await reset({ restore: 'final' })).code, 'unknown-collection')
  assert.equal(problemOf(await reset({ restore: '../../x' })).code, 'invalid-request')
  const problem = problemOf(await reset({ studentId: 'SV003' }))
  assert.equal(problem.code, 'unknown-student')
  assert.match(problem.detail, /up-class/)
  assert.deepEqual(ofClass.runtime.events, [])
})

test('a sandbox that cannot be collected is kept, and the reset is over', async (t) => {
  const { reset, ofClass, sessionId } = await openUp(t, { collect: { maxFiles: 1 } })
  const problem = problemOf(await reset())
  assert.deepEqual([problem.status, problem.code], [502, 'collect-failed'])
  assert.match(problem.detail, /files.*limit/)
  const record = await ofClass.record(sessionId)
  assert.deepEqual([record?.reset, new Set(record?.students)], [undefined, new Set(pair)])
  assert.ok(ofClass.runtime.held().includes('container SV001 exited'))
  ofClass.runtime.volume('SV001').things.length = 1
  ofClass.runtime.volume('SV002').things.length = 1
})

/** A bag of what SV001 has now; answers with its prefix and its collection id. */
async function snapshot({ post }: Pick<Awaited<ReturnType<typeof openUp>>, 'post'>) {
  const { students } = (await post('/room/collect-class', { classId: 'os101-a', students: ['SV001'] })).json()
  const prefix: string = students[0].bag
  return { prefix, restore: prefix.split('/').at(-2) ?? '' }
}

const damaged = new CollectError('store-mismatch', 'A file of the bag is not the one that was collected.')

test('a bag that is damaged in the store is refused before anything is touched: the sandbox runs on', async (t) => {
  for (const part of ['SV001.txt', 'meta/submission.json']) {
    const opened = await openUp(t)
    const { reset, ofClass, sessionId } = opened
    const { prefix, restore } = await snapshot(opened)
    const old = ofClass.runtime.container('SV001')
    ofClass.runtime.write('SV001', file('since', 'newer'))
    ofClass.runtime.events.length = 0
    ofClass.storeHooks = {
      after: (method, key) => {
        if (method === 'read' && key.startsWith(prefix) && key.endsWith(part)) throw damaged
      },
    }
    const problem = problemOf(await reset({ restore }))
    assert.deepEqual([problem.status, problem.code], [502, 'restore-failed'])
    assert.match(problem.detail, /Nothing was removed/)
    assert.deepEqual(ofClass.runtime.events, [])
    assert.deepEqual([ofClass.runtime.container('SV001'), old.state], [old, 'running'])
    const record = await ofClass.record(sessionId)
    assert.deepEqual([record?.reset, new Set(record?.students)], [undefined, new Set(pair)])
    ofClass.storeHooks = {}
    assert.equal((await ofClass.down()).state, 'down')
  }
})

test('an engine that would not take the bag is asked before anything is touched', async (t) => {
  const opened = await openUp(t)
  const { reset, ofClass } = opened
  const { restore } = await snapshot(opened)
  ofClass.runtime.events.length = 0
  ofClass.runtime.before = (event) => {
    if (event === 'rehearse') throw new RuntimeError('failed', 'A name cannot be packed.')
  }
  assert.equal(problemOf(await reset({ restore })).code, 'restore-failed')
  assert.deepEqual(ofClass.runtime.events, [])
})

test('a restore that fails all the same gives back what was there before, and says so', async (t) => {
  const opened = await openUp(t)
  const { reset, ofClass, sessionId } = opened
  const { restore } = await snapshot(opened)
  ofClass.runtime.write('SV001', file('since', 'newer'))
  const before = seen(ofClass.runtime.volume('SV001').things)
  let fills = 0
  ofClass.runtime.before = (event) => {
    if (event === 'fill SV001' && ++fills === 1) throw new RuntimeError('failed', 'The engine refused: no space')
  }
  const problem = problemOf(await reset({ restore }))
  assert.equal(problem.code, 'up-failed')
  assert.match(problem.detail, /What was there before is back, from the bag 'snapshot-/)
  assert.deepEqual(seen(ofClass.runtime.volume('SV001').things), before)
  assert.deepEqual(ofClass.runtime.held(), classUp)
  const record = await ofClass.record(sessionId)
  assert.deepEqual([record?.reset, new Set(record?.students)], [undefined, new Set(pair)])
})

test('where not even that comes up, the answer names the bag, and an up and a reset with it bring the work back', async (t) => {
  const opened = await openUp(t)
  const { reset, ofClass } = opened
  const { restore } = await snapshot(opened)
  ofClass.runtime.write('SV001', file('since', 'newer'))
  const before = seen(ofClass.runtime.volume('SV001').things)
  ofClass.runtime.before = (event) => {
    if (event === 'fill SV001') throw new RuntimeError('failed', 'The engine refused: no space')
  }
  const { code, detail } = problemOf(await reset({ restore }))
  assert.equal(code, 'up-failed')
  const named = /restore '(snapshot-\w+)' puts it back/.exec(detail)?.[1] ?? assert.fail(detail)
  ofClass.runtime.before = () => {}
  assert.equal((await ofClass.up({ students: pair })).state, 'up')
  assert.equal((await reset({ restore: named })).statusCode, 200)
  assert.deepEqual(seen(ofClass.runtime.volume('SV001').things), before)
})

test('a restore that was interrupted and then fails gives back what was there before too', async (t) => {
  const opened = await openUp(t)
  const { reset, ofClass, actions, app, sessionId } = opened
  const { restore } = await snapshot(opened)
  ofClass.runtime.write('SV001', file('since', 'newer'))
  const before = seen(ofClass.runtime.volume('SV001').things)
  ofClass.runtime.before = (event) => {
    if (event === 'create-network class-os101-a' || event === 'attach-proxy class-os101-a') throw engineGone()
  }
  assert.equal((await reset({ restore })).statusCode, 503)
  const record = (await ofClass.record(sessionId)) ?? assert.fail('no record')
  const intent = record.reset ?? assert.fail('the reset is not to be gone on with')
  let fills = 0
  ofClass.runtime.before = (event) => {
    if (event === 'fill SV001' && ++fills === 1) throw new RuntimeError('failed', 'The engine refused: no space')
  }
  const caller = { actor: 'sweep', requestId: 'f2d8ee1e-8cb2-4a1f-a4c3-b1b0a4a0d2c1', log: app.log }
  await actions.finishReset(record, intent, caller).ended
  assert.deepEqual(seen(ofClass.runtime.volume('SV001').things), before)
  assert.deepEqual(ofClass.runtime.held(), classUp)
})

test('what a restore does not bring back as it was is named in the answer', async (t) => {
  const opened = await openUp(t, { collect: { exclude: ['*.o'] } })
  const { reset, ofClass } = opened
  ofClass.runtime.write(
    'SV001',
    file('a.o', 'object'),
    file('old', 'x', { mtimeMs: -5000 }),
    { path: 'pipe', type: 'fifo' },
    hardLink('second', 'SV001.txt'),
    hardLink('pipe too', 'pipe'),
  )
  const { restore } = await snapshot(opened)
  // The referee wants every file in a bag, and a rule of the lab leaves one out.
  ofClass.runtime.givenUp.add('SV001')
  const { notRestored, notRestoredTotal } = (await reset({ restore })).json()
  assert.deepEqual(
    notRestored.map(({ path, reason }: { path: string; reason: string }) => [path, reason.split(':')[0]]),
    [
      ['a.o', 'not in the bag'],
      ['pipe', 'not in the bag'],
      ['pipe too', 'not in the bag'],
      ['second', 'a hard link comes back as one of its own, with the same content'],
      ['old', 'a time before 1970 becomes 1970'],
    ],
  )
  assert.equal(notRestoredTotal, 5)
})

test('an engine that refuses to start the new one is told as an up that failed', async (t) => {
  const { reset, ofClass } = await openUp(t)
  ofClass.runtime.before = (event) => {
    if (event === 'create-container SV001') throw new RuntimeError('failed', 'The engine refused: no space')
  }
  const problem = problemOf(await reset())
  assert.equal(problem.code, 'up-failed')
  assert.match(problem.detail, /is in the bag 'snapshot-\w+'.*up-class.*reset-student with restore 'snapshot-/)
})
