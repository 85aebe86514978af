// A class that was begun with another store, or on another engine: its work is safe there, so nothing is done to it here.

import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { pino } from 'pino'
import { ClassActions } from '../../../src/classes/class-actions.ts'
import { collectClass } from '../../../src/classes/collect-class.ts'
import type { Run } from '../../../src/classes/context.ts'
import { discardStudent } from '../../../src/classes/discard-student.ts'
import { downClass } from '../../../src/classes/down/down-class.ts'
import { extendClass } from '../../../src/classes/extend-class.ts'
import { resetStudent } from '../../../src/classes/reset-student.ts'
import { Sweep } from '../../../src/classes/sweep.ts'
import { orderUp } from '../../../src/classes/up/order.ts'
import { upClass } from '../../../src/classes/up/up-class.ts'
import { storeIdentityKey } from '../../../src/names.ts'
import { Leases } from '../../../src/operations/lease.ts'
import { Operations } from '../../../src/operations/operations.ts'
import { Progress } from '../../../src/operations/progress.ts'
import { Problem } from '../../../src/problems.ts'
import { storeIdentity } from '../../../src/sessions/store-identity.ts'
import { type Store, StoreError } from '../../../src/store/port.ts'
import { anotherStore, becomeAnotherEngine, becomeAnotherStore } from '../../support/another-place.ts'
import { classId, openWorkedClass, pair, quiet } from '../../support/memory-class.ts'
import { openService } from '../../support/memory-service.ts'
import { createMemoryStore } from '../../support/memory-store.ts'

const newRun = (): Run => ({
  actor: 'tester',
  log: quiet,
  progress: new Progress(),
  signal: new AbortController().signal,
})
const isProblem = (code: string) => (error: unknown) => error instanceof Problem && error.code === code

/** A class at work, and a service that was started with another store. */
async function withAnotherStore(t: TestContext) {
  const worked = await openWorkedClass(t)
  const other = await anotherStore(t)
  return { ...worked, other, context: { ...worked.ofClass.context, store: other } }
}

function sweepOf(context: Awaited<ReturnType<typeof withAnotherStore>>['context']) {
  const operations = new Operations()
  const actions = new ClassActions(context, operations, new Leases(context.store))
  const lines: { msg: string }[] = []
  const log = pino({ level: 'info' }, { write: (line: string) => void lines.push(JSON.parse(line)) })
  const sweep = new Sweep(context, actions, log, { everyMs: 1_000_000, graceMs: 0 })
  return {
    messages: () => lines.map(({ msg }) => msg),
    async round() {
      await sweep.round()
      const operation = operations.runningFor(classId)
      await operation?.ended
      return operation?.view()
    },
  }
}

async function objects(store: Store): Promise<string[]> {
  const keys: string[] = []
  for await (const { key } of store.list('')) keys.push(key)
  return keys
}

test('with another store every call of the class is refused, and neither the engine nor that store is touched', async (t) => {
  const { context, runtime, other, store, down } = await withAnotherStore(t)
  const before = runtime.held()
  const order = orderUp((await openWorkedClass(t)).ofClass.catalogue, { classId })
  const calls = [
    () => downClass(context, newRun(), { classId, allowPartial: false }),
    () => downClass(context, newRun(), { classId, allowPartial: true }),
    () => collectClass(context, newRun(), { classId }),
    () => extendClass(context, newRun(), { classId, ttlMinutes: 5 }),
    () => resetStudent(context, newRun(), { classId, studentId: 'SV001' }),
    () => discardStudent(context, newRun(), { classId, studentId: 'SV001', reason: 'none' }),
    () => upClass(context, newRun(), order),
  ]
  const here = await storeIdentity(other)
  const begun = await storeIdentity(store)
  for (const call of calls) {
    await assert.rejects(call, (error: unknown) => {
      assert(error instanceof Problem)
      assert.equal(error.code, 'store-changed')
      for (const name of [here.name, here.id, begun.name, begun.id]) assert.match(error.message, new RegExp(name))
      return true
    })
  }
  assert.deepEqual(runtime.held(), before)
  assert.deepEqual(runtime.events, [])
  assert.deepEqual(await objects(other), [storeIdentityKey])
  const answer = await down()
  assert.deepEqual(
    answer.students.map(({ state }) => state),
    ['removed', 'removed'],
  )
})

test('the sweep leaves an expired class of another store alone, and says so once', async (t) => {
  const { context, runtime, ofClass } = await withAnotherStore(t)
  for (const { session } of [...runtime.networks.values(), ...runtime.containers.values(), ...runtime.volumes.values()])
    Object.assign(session, { expiresAt: '2026-01-01T00:00:00.000Z' })
  const sweep = sweepOf(context)
  assert.equal(await sweep.round(), undefined)
  assert.equal(await sweep.round(), undefined)
  assert.deepEqual(sweep.messages(), ['the sweep cannot do its work'])
  assert.deepEqual(runtime.events, [])
  assert.equal((await ofClass.down()).state, 'down')
})

test('a session without a record and without a label of its store belongs to another store', async (t) => {
  const { ofClass, down, runtime, sessionId } = await openWorkedClass(t)
  await rm(join(ofClass.folder, classId, sessionId, 'session.json'))
  for (const { session } of [...runtime.networks.values(), ...runtime.containers.values(), ...runtime.volumes.values()])
    Object.assign(session, { store: undefined })
  await assert.rejects(down(true), isProblem('store-changed'))
  assert.deepEqual(runtime.events, [])
})

test('a session of the version before, with its record and without a label, goes down as ever', async (t) => {
  const { down, runtime } = await openWorkedClass(t)
  for (const { session } of [...runtime.networks.values(), ...runtime.containers.values(), ...runtime.volumes.values()])
    Object.assign(session, { store: undefined })
  assert.equal((await down()).state, 'down')
})

test('a store that lost the record itself collects by the labels; another one at the same path does not', async (t) => {
  const { ofClass, down, sessionId, runtime } = await openWorkedClass(t)
  await storeIdentity(ofClass.store)
  await becomeAnotherStore(ofClass, sessionId)
  await assert.rejects(down(), isProblem('store-changed'))
  assert.deepEqual(runtime.events, [])

  const lost = await openWorkedClass(t)
  await rm(join(lost.ofClass.folder, classId, lost.sessionId, 'session.json'))
  assert.equal((await lost.down()).state, 'down')
})

test('what a session of another store left without a sandbox makes way', async (t) => {
  const { context, runtime, ofClass } = await withAnotherStore(t)
  runtime.containers.clear()
  runtime.volumes.clear()
  const order = orderUp(ofClass.catalogue, { classId, students: pair })
  assert.equal((await upClass(context, newRun(), order)).state, 'up')
})

test('the state of a class says that it belongs to another store, and does not wait for a store that hangs', async (t) => {
  const { get, ofClass } = await openService(t)
  const { sessionId } = await ofClass.up()
  assert.equal((await get(`/room/classes/${classId}`)).json().problem, undefined)
  await becomeAnotherStore(ofClass, sessionId)
  await storeIdentity(ofClass.store)
  ofClass.storeHooks = { before: () => new Promise(() => {}) }
  assert.equal((await get(`/room/classes/${classId}`)).json().problem.code, 'store-changed')
  const [listed] = (await get('/room/classes')).json().classes
  assert.equal(listed.problem.code, 'store-changed')
})

test('a store keeps its identity, which two processes that make it at once agree upon', async () => {
  const store = createMemoryStore()
  const [first, second] = await Promise.all([storeIdentity(store), storeIdentity({ ...store })])
  assert.deepEqual(first, second)
  assert.deepEqual(await storeIdentity(store), first)
  store.objects.set(storeIdentityKey, Buffer.from('{'))
  await assert.rejects(storeIdentity(store), (error) => error instanceof StoreError && error.code === 'refused')
})

test('a class of another engine is not lost: its down is refused, with allowPartial too, and the sweep leaves it', async (t) => {
  const { ofClass, down, runtime, sessionId } = await openWorkedClass(t)
  const back = becomeAnotherEngine(runtime)
  await assert.rejects(down(), isProblem('engine-changed'))
  await assert.rejects(down(true), isProblem('engine-changed'))
  const named = downClass(ofClass.context, newRun(), { classId, sessionId, allowPartial: true })
  await assert.rejects(named, isProblem('engine-changed'))
  assert.equal(await sweepOf(ofClass.context).round(), undefined)
  const record = await ofClass.record(sessionId)
  assert.deepEqual([record?.down, record?.ended], [undefined, undefined])
  back()
  assert.deepEqual(
    (await down()).students.map(({ state }) => state),
    ['removed', 'removed'],
  )
})

test('a class of an engine that is lost can go up on another; each engine takes down its own', async (t) => {
  const { ofClass, down, runtime, sessionId } = await openWorkedClass(t)
  const back = becomeAnotherEngine(runtime)
  const { sessionId: second } = await ofClass.up({ students: pair })
  assert.equal((await down()).sessionId, second)
  assert.equal((await down()).sessionId, second)
  back()
  assert.equal((await down()).sessionId, sessionId)
})

test('where the engine has no lasting id, who was removed by another hand is called lost, as ever', async (t) => {
  const { ofClass, down, runtime } = await openWorkedClass(t)
  becomeAnotherEngine(runtime)
  runtime.engine = undefined
  assert.equal((await down(true)).state, 'down-partial')
  assert.equal((await ofClass.up({ students: pair })).state, 'up')
})
