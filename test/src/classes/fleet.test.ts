// A class over two nodes, of which one falls silent: its students are kept, nobody is placed twice, the others go on, and all is
// finished when it is back.

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { ClassActions } from '../../../src/classes/class-actions.ts'
import { collectClass } from '../../../src/classes/collect-class.ts'
import type { ClassContext } from '../../../src/classes/context.ts'
import { discardStudent } from '../../../src/classes/discard-student.ts'
import { resetStudent } from '../../../src/classes/reset-student.ts'
import { Sweep } from '../../../src/classes/sweep.ts'
import { Leases } from '../../../src/operations/lease.ts'
import { Operations } from '../../../src/operations/operations.ts'
import { RuntimeError } from '../../../src/runtime/errors.ts'
import { findSandbox } from '../../../src/runtime/held.ts'
import { Traefik } from '../../../src/traefik/traefik.ts'
import { classId, quiet, workOf } from '../../support/memory-class.ts'
import type { MemoryNode } from '../../support/memory-fleet.ts'
import { newRun, openFleetClass } from '../../support/memory-fleet-class.ts'
import { isCollected } from '../../support/memory-referee.ts'
import { engineGone } from '../../support/memory-runtime.ts'
import { problemIn } from '../../support/memory-subject.ts'
import { noProxy } from '../../support/no-proxy.ts'
import { until } from '../../support/until.ts'

const everybody = ['SV001', 'SV002', 'SV003'] as const
/** Two nodes of 300 MiB have room for two each. */
const onA = ['SV001', 'SV003'] as const
const onB = 'SV002'

/** A class over both nodes that has worked. */
async function openWorked(t: TestContext, listed: 'first' | 'last' = 'last') {
  const fleetClass = await openFleetClass(t)
  // Nodes are asked in the order in which the manager lists them.
  if (listed === 'first') fleetClass.fleet.manager.listsLastFirst = true
  const { sessionId } = await fleetClass.up()
  const { a, b, ofClass } = fleetClass
  for (const studentId of onA) a.write(studentId, ...workOf(studentId))
  b.write(onB, ...workOf(onB))
  return {
    ...{ ...fleetClass, sessionId },
    record: async () => (await ofClass.record(sessionId)) ?? assert.fail('there is no record'),
    isSafe: (studentId: string) => isCollected(ofClass.studentFolder(sessionId, studentId), workOf(studentId)),
  }
}

/** Rounds of a sweep, until `is` holds. */
async function sweepUntil(context: ClassContext, what: string, is: () => Promise<boolean>): Promise<void> {
  const operations = new Operations()
  const actions = new ClassActions(context, operations, new Leases(context.store))
  const sweep = new Sweep(context, actions, quiet, { everyMs: 1_000_000, graceMs: 300_000 })
  await until(what, async () => {
    await sweep.round()
    await operations.runningFor(classId)?.ended
    return await is()
  })
}

const outcomes = (students: readonly { studentId: string; state: string; error?: { code: string } }[]) =>
  students.map(({ studentId, state, error }) => `${studentId} ${state}${error ? ` ${error.code}` : ''}`)

const unreachable = 'SV002 kept engine-unreachable'

test('a class that fits no node is spread, and who is where is recorded before anything is made', async (t) => {
  const { up, a, b, ofClass } = await openFleetClass(t)
  const seated: unknown[] = []
  const look = async (node: MemoryNode) => {
    const [session] = [...node.networks.values()].map((network) => network.session.sessionId)
    const record = session === undefined ? undefined : await ofClass.record(session)
    seated.push(record?.seats?.map(({ studentId, node: id }) => `${studentId} ${id}`))
  }
  for (const node of [a, b]) node.before = (event) => (/^create/.test(event) ? look(node) : undefined)
  const { students } = await up()
  assert.ok(students.every(({ state }) => state === 'running'))
  assert.ok(seated.length > 0)
  for (const each of seated.slice(1)) assert.deepEqual(each, ['SV001 a', 'SV002 b', 'SV003 a'])
  assert.deepEqual(
    a.held().filter((each) => each.startsWith('container')),
    onA.map((id) => `container ${id} running`),
  )
  assert.deepEqual(
    b.held().filter((each) => each.startsWith('container')),
    [`container ${onB} running`],
  )
})

test('a class whole on one node stays there with its late joiners', async (t) => {
  const { up, a, b } = await openFleetClass(t, 1000)
  await up({ students: ['SV001'] })
  b.host.memoryMb = 9000
  await up()
  assert.deepEqual([a.containers.size, b.containers.size], [3, 0])
})

test('a down lets go whom it can reach, keeps the others, and is finished when their node is back', async (t) => {
  const { down, b, a, context, record, isSafe, fleet } = await openWorked(t)
  b.fallSilent()
  const partial = await down(true)
  assert.equal(partial.state, 'down-partial')
  assert.deepEqual(outcomes(partial.students), ['SV001 removed', unreachable, 'SV003 removed'])
  assert.deepEqual([a.containers.size, a.volumes.size, b.containers.size, b.volumes.size], [0, 0, 1, 1])
  assert.equal(a.networks.size, 1)
  assert.equal((await record()).ended, undefined)
  b.answerAgain()
  await sweepUntil(context, 'the session has ended', async () => (await record()).ended !== undefined)
  assert.deepEqual([b.containers.size, b.volumes.size, a.networks.size], [0, 0, 0])
  for (const studentId of everybody) assert.ok(await isSafe(studentId))
  const [session] = await fleet.runtime.survey()
  assert.equal(session, undefined)
})

test('without allowPartial nobody is removed while a node is silent', async (t) => {
  const { down, b, a } = await openWorked(t)
  b.fallSilent()
  const problem = await problemIn(down())
  assert.equal(problem.code, 'collect-failed')
  assert.match(JSON.stringify(problem.extensions), /engine-unreachable/)
  assert.deepEqual([a.containers.size, b.containers.size], [2, 1])
})

test('a service that starts while a node is silent calls nobody on it lost', async (t) => {
  const { down, b, restarted, record, isSafe } = await openWorked(t)
  b.fallSilent()
  const fresh = restarted()
  const partial = await down(true, fresh)
  assert.deepEqual(outcomes(partial.students), ['SV001 removed', unreachable, 'SV003 removed'])
  b.answerAgain()
  await sweepUntil(fresh, 'the session has ended', async () => (await record()).ended !== undefined)
  assert.deepEqual([b.containers.size, b.volumes.size], [0, 0])
  assert.ok(await isSafe(onB))
})

test('an up places nobody a second time: whose node is silent fails alone, and nothing of theirs is taken back', async (t) => {
  const { up, b, a, record, restarted } = await openWorked(t)
  b.fallSilent()
  for (const by of [undefined, restarted()]) {
    const partial = await up({ allowPartial: true }, by)
    assert.deepEqual(outcomes(partial.students), ['SV001 running', 'SV002 failed engine-unreachable', 'SV003 running'])
    const problem = await problemIn(up({}, by))
    assert.equal(problem.code, 'up-failed')
  }
  assert.deepEqual([a.containers.size, a.volumes.size, b.containers.size, b.volumes.size], [2, 2, 1, 1])
  const { vanished, students, seats } = await record()
  assert.equal(vanished, undefined)
  assert.deepEqual(students, everybody)
  assert.equal(seats?.find(({ studentId }) => studentId === onB)?.node, 'b')
})

test('of an up that is begun while a node is silent nobody is placed on it', async (t) => {
  const { up, a, b } = await openFleetClass(t, 1000)
  b.host.memoryMb = 2000
  b.fallSilent('ready')
  const { students } = await up()
  assert.ok(students.every(({ state }) => state === 'running'))
  assert.equal(a.containers.size, 3)
})

test('a node that falls silent while its student is read keeps the student, who is collected later', async (t) => {
  const { down, b, context, record, isSafe } = await openWorked(t)
  b.before = (event) => {
    if (event.startsWith('archive')) b.fallSilent()
  }
  // The second reading is the one that is not answered.
  const partial = await down(true)
  assert.deepEqual(outcomes(partial.students), ['SV001 removed', unreachable, 'SV003 removed'])
  b.answerAgain()
  await sweepUntil(context, 'the session has ended', async () => (await record()).ended !== undefined)
  assert.ok(await isSafe(onB))
})

test('a removal that a node breaks off is finished by its bag, and nothing is collected twice', async (t) => {
  const { down, b, context, record, store, sessionId } = await openWorked(t)
  b.after = (event) => {
    if (event.startsWith('remove-container')) b.fallSilent()
  }
  await down(true).catch(() => undefined)
  assert.deepEqual([b.containers.size, b.volumes.size], [0, 1])
  b.after = () => {}
  await down(true)
  assert.ok((await record()).removing?.some(({ studentId }) => studentId === onB))
  b.answerAgain()
  await sweepUntil(context, 'the session has ended', async () => (await record()).ended !== undefined)
  assert.deepEqual(await store.folders(`${classId}/${sessionId}/${onB}/`), ['final'])
  assert.equal(b.volumes.size, 0)
})

test('a removal that was begun on a node that fell silent is not forgotten', async (t) => {
  const { down, b, record } = await openWorked(t)
  b.before = (event) => {
    if (event !== 'remove-container SV002') return
    b.fallSilent()
    throw engineGone()
  }
  await down(true)
  assert.equal(b.containers.size, 1)
  await down(true)
  assert.ok((await record()).removing?.some(({ studentId }) => studentId === onB))
})

test('work on a silent node is neither given up nor reset nor called not running', async (t) => {
  const { b, context } = await openWorked(t)
  b.fallSilent()
  const one = { classId, studentId: onB }
  const discard = await problemIn(discardStudent(context, newRun(), { ...one, reason: 'the node is lost' }))
  assert.equal(discard.code, 'engine-unavailable')
  await assert.rejects(
    resetStudent(context, newRun(), one),
    (error) => error instanceof RuntimeError && error.code === 'unreachable',
  )
  const snapshots = await problemIn(collectClass(context, newRun(), { classId }))
  assert.equal(snapshots.code, 'collect-failed')
  assert.match(JSON.stringify(snapshots.extensions), /"SV002","state":"failed".*engine-unreachable/)
  assert.deepEqual([b.containers.size, b.volumes.size], [1, 1])
})

for (const order of ['first', 'last'] as const) {
  test(`a node that an admin calls lost, which the manager lists ${order}, gives its student up, who begins anew elsewhere, with the last bag, and is there once`, async (t) => {
    const { a, b, up, down, context, record, sessionId, fleet, ofClass, restarted } = await openWorked(t, order)
    const lost = { classId, studentId: onB, reason: 'its disk burnt', nodeIsLost: true }
    const early = await problemIn(discardStudent(context, newRun(), lost))
    assert.equal(early.code, 'invalid-request')
    assert.match(early.message, /^nodeIsLost: the node of 'SV002' can be asked/)
    await collectClass(context, newRun(), { classId })
    const [snapshot = ''] = await ofClass.context.store.folders(`${classId}/${sessionId}/${onB}/`)
    b.fallSilent()
    a.host.memoryMb = 1000

    const { state, students } = await discardStudent(context, newRun({ actor: 'admin' }), lost)
    assert.equal(state, 'discarded')
    assert.deepEqual(outcomes(students), ['SV002 discarded engine-unreachable'])
    assert.match(students[0]?.bag ?? '', new RegExp(`/${snapshot}/$`))
    const [given] = (await record()).discarded ?? []
    assert.deepEqual([given?.by, given?.reason, given?.error.code], ['admin', 'its disk burnt', 'engine-unreachable'])
    const again = await up()
    assert.deepEqual(outcomes(again.students), ['SV001 running', 'SV002 running', 'SV003 running'])
    const uids = (await record()).seats?.map(({ uid }) => uid)
    assert.equal(new Set(uids).size, 4, 'nobody has a number of the lost one')
    await resetStudent(context, newRun(), { classId, studentId: onB, restore: snapshot })
    const pathsOn = (node: MemoryNode) =>
      node
        .volume(onB)
        .things.map(({ path }) => `${Buffer.from(path)}`)
        .sort()
    assert.deepEqual(pathsOn(a), pathsOn(b))

    b.answerAgain()
    const made = a.container(onB).id
    for (const runtime of [fleet.runtime, restarted().runtime]) {
      await until('the node is heard', async () => (await runtime.nodes([])).every(({ fault }) => fault === undefined))
      const [session] = await runtime.survey()
      assert.equal(findSandbox(session, onB)?.id, made)
      assert.equal(session?.sandboxes.length, 3)
    }
    const { students: left } = await down(true)
    assert.deepEqual(outcomes(left).sort(), ['SV001 removed', 'SV002 removed', 'SV003 removed'])
    const rest = [a.containers.size, a.volumes.size, b.containers.size, b.volumes.size]
    assert.deepEqual(rest, [0, 0, 1, 1], 'what was given up is left, and nothing else')
  })
}

test('a sandbox that a silent node keeps frozen goes on when the node is back', async (t) => {
  const { b, context, record } = await openWorked(t)
  b.before = (event) => {
    if (event.startsWith('archive')) b.fallSilent()
  }
  await problemIn(collectClass(context, newRun(), { classId }))
  assert.equal(b.container(onB).state, 'paused')
  await sweepUntil(context, 'a round is over', async () => true)
  assert.notEqual((await record()).collect, undefined)
  b.answerAgain()
  await sweepUntil(context, 'the collection is settled', async () => (await record()).collect === undefined)
  assert.equal(b.container(onB).state, 'running')
})

test('routes stay as they were last known, and a process that never heard a node refuses to tell them', async (t) => {
  const { b, context, restarted } = await openWorked(t)
  const config = { ...noProxy, container: 'traefik', token: 'a-token-of-traefik' }
  const routesBy = async ({ runtime }: ClassContext) => {
    const { document } = await new Traefik(runtime, config, quiet, () => false).routes('http://service')
    return {
      routers: Object.keys(document.http.routers ?? {}).sort(),
      services: Object.keys(document.http.services ?? {}).sort(),
    }
  }
  const before = await routesBy(context)
  assert.equal(before.services.filter((name) => name.startsWith(`class-${classId}--`)).length, 3)
  b.fallSilent()
  assert.deepEqual(await routesBy(context), before)
  const fresh = restarted()
  await assert.rejects(routesBy(fresh), (error) => error instanceof RuntimeError && error.code === 'unreachable')
  b.answerAgain()
  await until('the node is heard', async () => {
    const [session] = await fresh.runtime.survey()
    return findSandbox(session, onB)?.state === 'running'
  })
  assert.deepEqual(await routesBy(fresh), before)
})

test('an engine that died while a down was asked for is taken down as it is', async (t) => {
  const { b, down, context, record, isSafe } = await openWorked(t)
  b.die()
  await down(true)
  b.answerAgain()
  await sweepUntil(context, 'the session has ended', async () => (await record()).ended !== undefined)
  assert.ok(await isSafe(onB))
  assert.deepEqual([b.containers.size, b.volumes.size], [0, 0])
})
