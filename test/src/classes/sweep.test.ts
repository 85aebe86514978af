// What the service does by itself. A crash is a call that never comes back: its work stands still, and another service
// with the same engine and the same store looks at what it left.
// Each thing that a session can ask for, and each that must be left alone, has a short case.

import assert from 'node:assert/strict'
import { readdir, readFile, readlink, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { pino } from 'pino'
import { ClassActions } from '../../../src/classes/class-actions.ts'
import { Sweep, type SweepSettings } from '../../../src/classes/sweep.ts'
import { orderUp } from '../../../src/classes/up/order.ts'
import { finishUp } from '../../../src/classes/up/up-class.ts'
import { newSessionId } from '../../../src/names.ts'
import { Leases } from '../../../src/operations/lease.ts'
import { Operations } from '../../../src/operations/operations.ts'
import { Progress } from '../../../src/operations/progress.ts'
import type { SessionIdentity } from '../../../src/runtime/held.ts'
import type { SessionRecord } from '../../../src/sessions/record.ts'
import { digestOf } from '../../../src/store/content.ts'
import { StoreError } from '../../../src/store/port.ts'
import { file } from '../../support/memory-archive.ts'
import {
  classId,
  type MemoryClass,
  openClass,
  openWorkedClass,
  pair,
  quiet,
  students,
  workOf,
} from '../../support/memory-class.ts'
import { isCollected } from '../../support/memory-referee.ts'
import { engineGone } from '../../support/memory-runtime.ts'

const longAgo = '2026-01-01T00:00:00.000Z'

/** A service on this engine and store, as it is after its start. */
function serve(ofClass: MemoryClass, settings: Partial<SweepSettings> = {}) {
  const operations = new Operations()
  const actions = new ClassActions(ofClass.context, operations, new Leases(ofClass.store))
  const lines: { msg: string; what?: string }[] = []
  const log = pino({ level: 'info' }, { write: (line: string) => void lines.push(JSON.parse(line)) })
  const sweep = new Sweep(ofClass.context, actions, log, { everyMs: 1_000_000, graceMs: 300_000, ...settings })
  const caller = { actor: 'tester', requestId: 'request', log: quiet }
  return {
    sweep,
    operations,
    caller,
    up: () => actions.up(orderUp(ofClass.catalogue, { classId, students: pair }), caller),
    collect: () => actions.collect({ classId }, caller),
    reset: () => actions.reset({ classId, studentId: 'SV001' }, caller),
    down: (allowPartial = false) => actions.down({ classId, allowPartial }, caller),
    lines: (msg: string) => lines.filter((line) => line.msg === msg),
    /** One round, and the end of the operation that it started, if any. */
    async round() {
      await sweep.round()
      const operation = operations.runningFor(classId)
      await operation?.ended
      return operation?.view()
    },
  }
}

/** A service that is killed before such an event: none of its calls comes back any more. */
function serveUntil(ofClass: MemoryClass, event: string) {
  let dead = false
  const { runtime } = ofClass
  const crashed = new Promise<void>((resolve) => {
    runtime.before = (each) => {
      if (!dead && !each.startsWith(event)) return undefined
      dead = true
      runtime.before = () => {}
      resolve()
      return new Promise(() => {})
    }
  })
  const isDead = () => dead
  const atStore = new Set<Promise<unknown>>()
  const store = mortal(ofClass.store, isDead, (call, [, , body]) => {
    // A body that streams out of the dead process never ends.
    if (body === undefined || body instanceof Uint8Array) atStore.add(call)
  })
  const context = { ...ofClass.context, runtime: mortal(runtime, isDead), store }
  // What the store had in hand at the death comes to its end, and nothing of it later than that.
  return { ...serve({ ...ofClass, context, store }), crashed: crashed.then(() => Promise.allSettled(atStore)) }
}

/** Methods that are called after the death never settle; `begun` is told of those before it. */
function mortal<T extends object>(
  target: T,
  isDead: () => boolean,
  begun: (call: Promise<unknown>, values: readonly unknown[]) => void = () => {},
): T {
  return new Proxy(target, {
    get(from, name) {
      const member: unknown = Reflect.get(from, name)
      if (typeof member !== 'function') return member
      return (...values: unknown[]) => {
        if (!isDead()) {
          const call: unknown = Reflect.apply(member, from, values)
          if (call instanceof Promise) begun(call, values)
          return call
        }
        return Object.assign(new Promise(() => {}), {
          [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => {}) }),
        })
      }
    },
  })
}

async function rewrite(ofClass: MemoryClass, sessionId: string, change: Partial<SessionRecord>): Promise<void> {
  const path = join(ofClass.folder, classId, sessionId, 'session.json')
  await writeFile(path, JSON.stringify({ ...JSON.parse(await readFile(path, 'utf8')), ...change }))
}

async function assertAllSafe(ofClass: MemoryClass, sessionId: string): Promise<void> {
  assert.deepEqual(ofClass.runtime.held(), [])
  for (const studentId of pair) {
    assert.ok(await isCollected(ofClass.studentFolder(sessionId, studentId), workOf(studentId)), studentId)
  }
}

const allUp = pair.flatMap((studentId) => [`container ${studentId} running`, `volume ${studentId}`])
const classUp = [...allUp, 'network class-os101-a'].sort()

for (const event of ['stop SV001', 'archive SV002', 'remove-container SV001', 'remove-volume SV002', 'close-network']) {
  test(`a down that a crash interrupted before '${event}' is finished`, async (t) => {
    const { ofClass, sessionId } = await openWorkedClass(t)
    const killed = serveUntil(ofClass, event)
    killed.down()
    await killed.crashed

    const view = await serve(ofClass).round()
    assert.equal(view?.state, 'succeeded', JSON.stringify(view?.problem))
    await assertAllSafe(ofClass, sessionId)
    const record = await ofClass.record(sessionId)
    assert.equal(record?.down?.by, 'tester')
    assert.equal(record?.ended?.answer.state, 'down')
  })
}

for (const event of [
  'create-network',
  'attach-proxy',
  'create-volume SV002',
  'create-container SV001',
  'start SV002',
]) {
  test(`an up that a crash interrupted before '${event}' is finished, in its own session`, async (t) => {
    const ofClass = await openClass(t)
    const killed = serveUntil(ofClass, event)
    killed.up()
    await killed.crashed

    const service = serve(ofClass)
    const view = await service.round()
    assert.equal(view?.state, 'succeeded', JSON.stringify(view?.problem))
    assert.deepEqual(ofClass.runtime.held(), classUp)
    const sessions = await ofClass.store.folders(`${classId}/`)
    assert.equal(sessions.length, 1)
    const record = await ofClass.record(sessions[0] ?? '')
    assert.deepEqual([record?.students, record?.up], [pair, undefined])
    assert.equal(await service.round(), undefined, 'there is nothing more to do')
  })
}

/** Until the round has started an operation, or has ended without one. */
async function begun({ operations }: ReturnType<typeof serve>, round: Promise<unknown>): Promise<void> {
  let over = false
  void round.finally(() => {
    over = true
  })
  while (!over && !operations.runningFor(classId)) await new Promise(setImmediate)
}

test('the repeated call joins an up, and a down, that the sweep goes on with', async (t) => {
  const ofClass = await openClass(t)
  let killed = serveUntil(ofClass, 'create-container')
  killed.up()
  await killed.crashed
  let release = ofClass.runtime.hold('create-container')
  let service = serve(ofClass)
  let round = service.round()
  await begun(service, round)
  assert.equal(service.up(), service.operations.runningFor(classId))
  release()
  assert.equal((await round)?.state, 'succeeded')

  killed = serveUntil(ofClass, 'stop')
  killed.down(true)
  await killed.crashed
  release = ofClass.runtime.hold('stop')
  service = serve(ofClass)
  round = service.round()
  await begun(service, round)
  assert.equal(service.down(true), service.operations.runningFor(classId))
  release()
  assert.equal((await round)?.state, 'succeeded')
})

test('an up that another process has finished meanwhile is repeated for those who came up, and for nobody else', async (t) => {
  const ofClass = await openClass(t)
  const { sessionId } = await ofClass.up({ students: ['SV001', 'SV002'] })
  const running = ofClass.runtime.container('SV001').id
  const seen = { by: 't', at: '', students: ['SV001', 'SV002', 'SV003'], ttlMinutes: 180, allowPartial: false }
  const action = { actor: 't', log: quiet, progress: new Progress(), signal: new AbortController().signal }
  const { state, students } = await finishUp(ofClass.context, action, { classId, sessionId, seen })
  assert.deepEqual([state, students.map(({ studentId }) => studentId)], ['up', ['SV001', 'SV002']])
  assert.equal(students[0]?.containerId, running)
  assert.equal((await ofClass.record(sessionId))?.up, undefined)
})

test('a late joiner’s up does not make the sweep forget an interrupted up of others', async (t) => {
  const ofClass = await openClass(t)
  const killed = serveUntil(ofClass, 'create-container SV001')
  killed.up()
  await killed.crashed
  const { sessionId } = await ofClass.up({ students: ['SV003'] })
  assert.equal((await serve(ofClass).round())?.state, 'succeeded')
  assert.deepEqual((await ofClass.record(sessionId))?.students.toSorted(), students)
  assert.equal((await ofClass.record(sessionId))?.up, undefined)
})

for (const event of ['freeze SV002', 'archive SV001', 'thaw SV001']) {
  test(`after a collection that a crash interrupted before '${event}' everybody goes on, and no half bag stays`, async (t) => {
    const { ofClass, sessionId, runtime, folderOf } = await openWorkedClass(t)
    const killed = serveUntil(ofClass, event)
    killed.collect()
    await killed.crashed
    assert.equal((await serve(ofClass).round())?.state, 'succeeded')
    assert.deepEqual(runtime.held(), classUp)
    assert.equal((await ofClass.record(sessionId))?.collect, undefined)
    for (const studentId of pair) {
      const bags = await readdir(folderOf(studentId)).catch(() => [])
      for (const bag of bags) assert.ok((await readdir(join(folderOf(studentId), bag))).includes('bagit.txt'))
    }
  })
}

for (const event of [
  'stop SV001',
  'archive SV001',
  'remove-container SV001',
  'remove-volume SV001',
  'create-volume SV001',
  'start SV001',
  'wait-ready',
]) {
  test(`a reset that a crash interrupted before '${event}' is finished, and a fresh sandbox is not reset again`, async (t) => {
    const { ofClass, sessionId, runtime, folderOf } = await openWorkedClass(t)
    const killed = serveUntil(ofClass, event)
    killed.reset()
    await killed.crashed
    if (event === 'wait-ready') runtime.write('SV001', file('new.txt', 'begun again'))

    const service = serve(ofClass)
    const view = await service.round()
    assert.equal(view?.state, 'succeeded', JSON.stringify(view?.problem))
    assert.equal(view.kind, 'reset-student')
    assert.deepEqual(runtime.held(), classUp)
    assert.equal(runtime.volume('SV001').things.length, event === 'wait-ready' ? 2 : 1)
    assert.ok(await isCollected(folderOf('SV001'), workOf('SV001')))
    const record = await ofClass.record(sessionId)
    assert.deepEqual([record?.reset, new Set(record?.students)], [undefined, new Set(pair)])
    assert.equal(await service.round(), undefined, 'there is nothing more to do')
    for (const bag of await readdir(folderOf('SV001'))) {
      assert.ok((await readdir(join(folderOf('SV001'), bag))).includes('bagit.txt'))
    }
    const down = await ofClass.down()
    assert.deepEqual(new Set(down.students.map(({ state }) => state)), new Set(['removed']))
  })
}

test('a down after a reset that was interrupted loses nobody: who had no sandbox just then is not called lost', async (t) => {
  const { ofClass, folderOf } = await openWorkedClass(t)
  const killed = serveUntil(ofClass, 'create-volume SV001')
  killed.reset()
  await killed.crashed
  const down = await ofClass.down()
  assert.deepEqual([down.state, down.students.map(({ state }) => state)], ['down', ['removed']])
  assert.ok(await isCollected(folderOf('SV001'), workOf('SV001')))
})

test('a class that is up is left as it is', async (t) => {
  const { ofClass } = await openWorkedClass(t)
  assert.equal(await serve(ofClass).round(), undefined)
  assert.deepEqual(ofClass.runtime.events, [])
})

test('an expired class goes down by the way of every down', async (t) => {
  const { ofClass, sessionId } = await openWorkedClass(t)
  await rewrite(ofClass, sessionId, { expiresAt: longAgo })
  assert.equal((await serve(ofClass).round())?.kind, 'down-class')
  await assertAllSafe(ofClass, sessionId)
  assert.deepEqual((await ofClass.record(sessionId))?.down?.by, 'sweep')
})

test('an expiry that was moved beyond the lab’s longest life of 720 minutes keeps a class up until then', async (t) => {
  const { ofClass, sessionId } = await openWorkedClass(t)
  await rewrite(ofClass, sessionId, { expiresAt: '2999-01-01T00:00:00.000Z' })
  const minutesAgo = (minutes: number) => new Date(Date.now() - minutes * 60_000).toISOString()
  for (const createdAt of [minutesAgo(0), minutesAgo(710)]) {
    await rewrite(ofClass, sessionId, { createdAt })
    assert.equal(await serve(ofClass).round(), undefined)
  }
  await rewrite(ofClass, sessionId, { createdAt: minutesAgo(730) })
  assert.equal((await serve(ofClass).round())?.state, 'succeeded')
  await assertAllSafe(ofClass, sessionId)
})

test('of an expired class who can be collected goes, and the others are kept', async (t) => {
  const { ofClass, sessionId, runtime } = await openWorkedClass(t, { collect: { maxBytes: 10 } })
  runtime.volume('SV001').things.splice(1)
  await rewrite(ofClass, sessionId, { expiresAt: longAgo })
  await serve(ofClass).round()
  assert.deepEqual(runtime.held(), ['container SV002 exited', 'network class-os101-a', 'volume SV002'])
})

test('a sandbox that cannot be collected is tried ever more seldom', async (t) => {
  const { ofClass, runtime } = await openWorkedClass(t, { collect: { maxBytes: 1 } })
  const readings = () => runtime.events.filter((event) => event === 'archive SV001').length
  const patient = serve(ofClass)
  await patient.down().ended
  assert.equal((await patient.round())?.state, 'failed')
  assert.equal(await patient.round(), undefined)
  assert.equal(readings(), 2)
  const hasty = serve(ofClass, { everyMs: 1 })
  for (let rounds = 0; readings() < 5; rounds++) {
    assert.ok(rounds < 100_000, 'it is not tried again')
    await hasty.round()
  }
})

test('what failed for a store or an engine that was away is tried at the next round', async (t) => {
  const { ofClass, sessionId, runtime } = await openWorkedClass(t)
  const service = serve(ofClass)
  ofClass.storeHooks = {
    before: (method, key) => {
      if (method === 'put' && key.includes('data/workspace')) throw new StoreError('unreachable', 'It does not answer.')
    },
  }
  await service.down().ended
  for (let round = 0; round < 3; round++) assert.equal((await service.round())?.state, 'failed')
  ofClass.storeHooks = {}
  runtime.before = (event) => {
    if (event.startsWith('archive')) throw engineGone()
  }
  for (let round = 0; round < 3; round++) assert.equal((await service.round())?.state, 'failed')
  runtime.before = () => {}
  assert.equal((await service.round())?.state, 'succeeded')
  await assertAllSafe(ofClass, sessionId)
})

test('an engine or a store that is away when the service starts is tried again, and reported once', async (t) => {
  const { ofClass, sessionId, runtime } = await openWorkedClass(t)
  await rewrite(ofClass, sessionId, { expiresAt: longAgo })
  const service = serve(ofClass)
  runtime.before = () => {
    throw engineGone()
  }
  await service.round()
  await service.round()
  runtime.before = () => {}
  ofClass.storeHooks = {
    before: () => {
      throw new StoreError('unreachable', 'The store does not answer.')
    },
  }
  await service.round()
  await service.round()
  ofClass.storeHooks = {}
  assert.equal(service.lines('the sweep cannot do its work').length, 2)
  assert.equal((await service.round())?.state, 'succeeded')
  assert.equal(service.lines('the sweep can do its work again').length, 1)
  await assertAllSafe(ofClass, sessionId)
})

test('a bucket that is still being made is no trouble, and is asked again once it is there', async (t) => {
  const ofClass = await openClass(t)
  const { sweep, lines } = serve(ofClass)
  ofClass.storeHooks = {
    before(method) {
      if (method === 'folders') throw new StoreError('no-bucket', 'There is no bucket.')
    },
  }
  await sweep.round()
  assert.deepEqual(lines('the sweep cannot do its work'), [])

  let asked = 0
  ofClass.storeHooks = {
    before(method) {
      if (method === 'folders') asked++
    },
  }
  await sweep.round()
  await sweep.round()
  assert.equal(asked, 1)
})

test('a network that holds nothing goes when it is older than the grace, not before', async (t) => {
  const ofClass = await openClass(t)
  const { sessionId } = await ofClass.up({ students: ['SV001'] })
  const { runtime } = ofClass
  runtime.containers.clear()
  runtime.volumes.clear()
  await rewrite(ofClass, sessionId, { students: [] })
  assert.equal(await serve(ofClass).round(), undefined)
  assert.deepEqual(runtime.held(), ['network class-os101-a'])
  assert.equal((await serve(ofClass, { graceMs: -1000 }).round())?.state, 'succeeded')
  assert.deepEqual(runtime.held(), [])
})

test('what an ended session left goes, and the session that is up meanwhile stays', async (t) => {
  const ofClass = await openClass(t)
  const { runtime } = ofClass
  const { sessionId } = await ofClass.up({ students: pair })
  const leaked = [...runtime.networks.values()]
  await ofClass.down()
  const second = await ofClass.up({ students: pair })
  for (const network of leaked) runtime.networks.set(network.id, network)
  const service = serve(ofClass, { graceMs: -1000 })
  assert.equal((await service.round())?.state, 'succeeded')
  assert.deepEqual(runtime.held(), classUp)
  const [session] = await runtime.survey()
  assert.equal(session?.sessionId, second.sessionId)
  assert.notEqual(second.sessionId, sessionId)
})

test('a session of another installation in the same bucket is left alone', async (t) => {
  const ofClass = await openClass(t)
  const killed = serveUntil(ofClass, 'create-network')
  killed.up()
  await killed.crashed
  const [sessionId = ''] = await ofClass.store.folders(`${classId}/`)
  await rewrite(ofClass, sessionId, { installation: 'another' })
  assert.equal(await serve(ofClass).round(), undefined)
  assert.deepEqual(ofClass.runtime.held(), [])
})

test('sandboxes whose record the store has lost stay until they expire', async (t) => {
  const { ofClass, sessionId, runtime } = await openWorkedClass(t)
  await ofClass.store.remove(`${classId}/${sessionId}/session.json`)
  assert.equal(await serve(ofClass).round(), undefined)
  const expired = <T extends { session: SessionIdentity }>(held: Map<string, T>) => {
    for (const [id, each] of held) held.set(id, { ...each, session: { ...each.session, expiresAt: longAgo } })
  }
  expired(runtime.networks)
  expired(runtime.containers)
  expired(runtime.volumes)
  assert.equal((await serve(ofClass).round())?.state, 'succeeded')
  await assertAllSafe(ofClass, sessionId)
})

test('a record that cannot be read keeps no other class from being looked at', async (t) => {
  const { ofClass, sessionId, runtime } = await openWorkedClass(t)
  await rewrite(ofClass, sessionId, { expiresAt: longAgo })
  const broken = newSessionId()
  const identity = {
    classId: 'broken',
    sessionId: broken,
    subject: 'os101',
    lab: 'x',
    createdBy: 'y',
    expiresAt: longAgo,
  }
  runtime.networks.set('network-of-broken', { id: 'network-of-broken', internal: true, session: identity })
  await ofClass.store.put(`broken/${broken}/session.json`, digestOf(Buffer.from('{')), Buffer.from('{'))
  assert.equal((await serve(ofClass).round())?.state, 'succeeded')
  assert.deepEqual(runtime.held(), ['network class-broken'])
})

test('the lease of a process that was killed is removed, of a class that asks for nothing too; a living one stays', async (t) => {
  const { ofClass, down } = await openWorkedClass(t)
  await down()
  const path = join(ofClass.folder, classId, 'lease.json')
  const bootId = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim()
  const pidNamespace = await readlink('/proc/self/ns/pid')
  const holder = { process: 'killed', host: hostname(), bootId, pidNamespace, beat: 0 }
  await writeFile(path, JSON.stringify({ ...holder, pid: process.ppid }))
  const service = serve(ofClass)
  assert.equal(await service.round(), undefined)
  await readFile(path)
  // Beyond the largest number that Linux gives.
  await writeFile(path, JSON.stringify({ ...holder, pid: 2 ** 22 + 1 }))
  assert.equal(await service.round(), undefined)
  await assert.rejects(readFile(path), { code: 'ENOENT' })
})

test('each round tells what the engine holds, and one that cannot look tells nothing', async (t) => {
  const ofClass = await openWorkedClass(t)
  const { sweep, round } = serve(ofClass)
  const told: string[] = []
  sweep.onSurvey((sessions) => told.push(sessions.map(({ sandboxes }) => sandboxes.length).join()))
  await round()
  ofClass.runtime.before = () => {
    throw engineGone()
  }
  await round()
  assert.deepEqual(told, ['2'])
})
