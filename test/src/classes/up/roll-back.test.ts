// What a failed up takes back, and what it leaves: work that ran is collected first, what was there before stays.

import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { Problem } from '../../../../src/problems.ts'
import { RuntimeError } from '../../../../src/runtime/errors.ts'
import { StoreError } from '../../../../src/store/port.ts'
import { file } from '../../../support/memory-archive.ts'
import { type MemoryClass, openClass, pair } from '../../../support/memory-class.ts'
import { isCollected } from '../../../support/memory-referee.ts'
import { engineGone } from '../../../support/memory-runtime.ts'

/** The problem of an up that failed. */
async function failedUp(ofClass: MemoryClass, ...request: Parameters<MemoryClass['up']>): Promise<Problem> {
  const problem: unknown = await ofClass.up(...request).then(
    () => assert.fail('it is up'),
    (error: unknown) => error,
  )
  assert.ok(problem instanceof Problem, `${problem}`)
  assert.equal(problem.code, 'up-failed')
  return problem
}

const sessionsOf = ({ folder }: MemoryClass) => readdir(join(folder, 'os101-a')).catch(() => [])

/** SV003 comes up, and is not healthy. */
function failThird({ runtime }: MemoryClass): void {
  runtime.startsAs.set('SV003', 'unhealthy')
}

test('a first up that fails leaves nothing on the engine, and names each student', async (t) => {
  const ofClass = await openClass(t)
  failThird(ofClass)
  const problem = await failedUp(ofClass)
  assert.deepEqual(ofClass.runtime.held(), [])
  assert.match(problem.message, /^1 of 3 .*removed.*repeat the call\.$/)
  const { state, students } = problem.extensions
  assert.equal(state, 'up-failed')
  assert.ok(Array.isArray(students))
  assert.deepEqual(
    students.map(({ studentId, state }) => `${studentId} ${state}`),
    ['SV001 running', 'SV002 running', 'SV003 failed'],
  )
})

test('what ran goes into a bag before it is removed, even if it ran for a moment only', async (t) => {
  const ofClass = await openClass(t)
  const { runtime } = ofClass
  failThird(ofClass)
  const typed = file('typed.txt', 'in the first second')
  runtime.after = (event) => {
    if (event === 'start SV001') runtime.write('SV001', typed)
  }
  await failedUp(ofClass)
  const [sessionId = ''] = await sessionsOf(ofClass)
  assert.ok(await isCollected(ofClass.studentFolder(sessionId, 'SV001'), [typed]))
  const bags = await readdir(ofClass.studentFolder(sessionId, 'SV001'))
  assert.ok(bags.length === 1 && bags[0]?.startsWith('snapshot-'), 'a down must not take it for the last word')

  const answer = await ofClass.down()
  assert.equal(answer.sessionId, sessionId, 'the bags of the failed session are found by down')
  assert.deepEqual(answer.students.map(({ studentId, state }) => `${studentId} ${state}`).sort(), [
    'SV001 removed',
    'SV002 removed',
    'SV003 removed',
  ])
})

test('a sandbox whose start was answered by nobody may have run, and is collected if it did', async (t) => {
  const ofClass = await openClass(t)
  const { runtime } = ofClass
  const typed = file('typed.txt', 'in the first second')
  runtime.after = (event) => {
    if (event !== 'start SV001') return
    runtime.write('SV001', typed)
    runtime.exit(runtime.container('SV001'), 0)
    throw engineGone()
  }
  await failedUp(ofClass)
  const [sessionId = ''] = await sessionsOf(ofClass)
  const safe = await isCollected(ofClass.studentFolder(sessionId, 'SV001'), [typed])
  assert.ok(safe || runtime.held().includes('volume SV001'))
})

test('a container that another hand removes during the up leaves its work to the bag, not to the removal', async (t) => {
  const ofClass = await openClass(t)
  const { runtime } = ofClass
  failThird(ofClass)
  const typed = file('typed.txt', 'in the first second')
  runtime.after = (event) => {
    if (event !== 'start SV001') return
    runtime.write('SV001', typed)
    runtime.containers.delete(runtime.container('SV001').id)
  }
  await failedUp(ofClass)
  const [sessionId = ''] = await sessionsOf(ofClass)
  assert.ok(await isCollected(ofClass.studentFolder(sessionId, 'SV001'), [typed]))
  assert.deepEqual(runtime.held(), [])
})

test('a session of which nothing ever ran leaves no trace in the store', async (t) => {
  const ofClass = await openClass(t)
  ofClass.runtime.before = (event) => {
    if (event.startsWith('start')) throw new RuntimeError('failed', 'The engine refused: no such program')
  }
  await failedUp(ofClass)
  assert.deepEqual(ofClass.runtime.held(), [])
  assert.deepEqual(await sessionsOf(ofClass), [])
})

test('with allowPartial too: where nobody comes up, everything is taken back', async (t) => {
  const ofClass = await openClass(t)
  ofClass.runtime.before = (event) => {
    if (event.startsWith('create-container')) throw new RuntimeError('image-missing', 'The image is gone.')
  }
  await failedUp(ofClass, { allowPartial: true })
  assert.deepEqual(ofClass.runtime.held(), [])
})

test('what was there before the call stays as it is: running, with its files, and so does the network', async (t) => {
  const ofClass = await openClass(t)
  const { runtime } = ofClass
  const { sessionId } = await ofClass.up({ students: ['SV001'] })
  const { id, startedAt } = runtime.container('SV001')
  const work = file('work.txt', 'work')
  runtime.write('SV001', work)
  failThird(ofClass)
  const problem = await failedUp(ofClass)
  assert.match(problem.message, /What was there before stays/)
  assert.deepEqual(runtime.held(), ['container SV001 running', 'network class-os101-a', 'volume SV001'])
  assert.deepEqual([runtime.container('SV001').id, runtime.container('SV001').startedAt], [id, startedAt])
  assert.ok(runtime.volume('SV001').things.includes(work))
  assert.ok(!runtime.events.includes('stop SV001'))
  assert.deepEqual((await ofClass.record(sessionId))?.students, ['SV001'])

  runtime.startsAs.clear()
  assert.equal((await ofClass.up()).sessionId, sessionId)
})

test('a sandbox that died before and was started again by the call is not removed', async (t) => {
  const ofClass = await openClass(t)
  const { runtime } = ofClass
  await ofClass.up({ students: ['SV001'] })
  runtime.exit(runtime.container('SV001'), 1)
  failThird(ofClass)
  await failedUp(ofClass)
  assert.deepEqual(runtime.held(), ['container SV001 running', 'network class-os101-a', 'volume SV001'])
})

test('a volume that was there before the call stays, though the container around it was new', async (t) => {
  const ofClass = await openClass(t)
  const { runtime } = ofClass
  await ofClass.up({ students: ['SV001', 'SV002'] })
  const work = file('work.txt', 'work')
  runtime.write('SV001', work)
  runtime.containers.delete(runtime.container('SV001').id)
  failThird(ofClass)
  await failedUp(ofClass)
  assert.ok(runtime.volume('SV001').things.includes(work))
  assert.deepEqual(runtime.held(), ['container SV002 running', 'network class-os101-a', 'volume SV001', 'volume SV002'])
})

test('what cannot be collected is kept, and the answer says so', async (t) => {
  const ofClass = await openClass(t)
  failThird(ofClass)
  ofClass.storeHooks = {
    before(method, key) {
      if (method === 'put' && key.includes('SV001')) throw new StoreError('full', 'No space left.')
    },
  }
  const problem = await failedUp(ofClass)
  assert.match(problem.message, /kept: take the class down/)
  assert.deepEqual(ofClass.runtime.held(), ['container SV001 exited', 'network class-os101-a', 'volume SV001'])

  ofClass.storeHooks = {}
  assert.equal((await ofClass.down()).state, 'down')
  assert.deepEqual(ofClass.runtime.held(), [])
})

test('a stop of the service during an up keeps what ran; the next up goes on with it', async (t) => {
  const ofClass = await openClass(t)
  const stopping = new AbortController()
  ofClass.runtime.after = (event) => {
    if (event === 'start SV001') stopping.abort(new Error('the service is stopping'))
  }
  await failedUp(ofClass, {}, { signal: stopping.signal })
  assert.ok(ofClass.runtime.held().some((thing) => thing.startsWith('container SV001')))
  assert.equal((await ofClass.up()).state, 'up')
})

test('an up that lost the class to another process stops nothing of what that one finished, and leaves its record', async (t) => {
  const ofClass = await openClass(t)
  const { runtime } = ofClass
  const lost = new AbortController()
  runtime.after = async (event) => {
    if (event !== 'start SV001') return
    runtime.after = () => {}
    await ofClass.up({ students: pair })
    lost.abort(new Error('another process took over'))
    throw engineGone()
  }
  const problem = await failedUp(ofClass, { students: pair }, { signal: lost.signal })
  assert.match(problem.message, /everything is kept/)
  assert.deepEqual(runtime.held().slice(0, 2), ['container SV001 running', 'container SV002 running'])
  const [sessionId = ''] = await sessionsOf(ofClass)
  assert.deepEqual((await ofClass.record(sessionId))?.students, [...pair])
})

test('an up that lost the class before its network was there leaves the record to who goes on', async (t) => {
  const ofClass = await openClass(t)
  const lost = new AbortController()
  ofClass.runtime.before = (event) => {
    if (!event.startsWith('create-network')) return
    lost.abort(new Error('another process took over'))
    throw engineGone()
  }
  await assert.rejects(ofClass.up({ students: pair }, { signal: lost.signal }))
  const [sessionId = ''] = await sessionsOf(ofClass)
  assert.deepEqual((await ofClass.record(sessionId))?.up?.students, [...pair])
})
