// Several nodes behind the runtime port, each an engine in memory: what every runtime must do, and what is a fleet's alone.

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { RuntimeError } from '../../../../src/runtime/errors.ts'
import { findSandbox } from '../../../../src/runtime/held.ts'
import type { SessionPlan } from '../../../../src/runtime/port.ts'
import type { Seat } from '../../../../src/runtime/seats.ts'
import { freezeLab } from '../../../support/frozen-lab.ts'
import { type MemoryFleet, openFleet } from '../../../support/memory-fleet.ts'
import { until } from '../../../support/until.ts'
import { planFor, type Site, start, studentId } from '../conformance/site.ts'
import { conformance } from '../conformance.ts'
import { handsOf } from '../memory-hands.ts'

const seatsOf = new Map<string, readonly Seat[]>()

function fleetOf(t: TestContext, ids: readonly string[] = ['a', 'b']): MemoryFleet {
  return openFleet(t, ids, '/nowhere', async (_classId, sessionId) => seatsOf.get(sessionId) ?? [])
}

async function siteOf(t: TestContext): Promise<Site & { fleet: MemoryFleet }> {
  const fleet = fleetOf(t)
  const { runtime, nodes } = fleet
  // No bag is made here.
  for (const node of nodes) node.givenUp.add(studentId)
  const image = await runtime.image('busybox:1.36')
  return {
    ...{
      fleet,
      runtime,
      hands: handsOf(nodes),
      nodes: nodes.map(({ id }) => id),
      rootId: 0,
      remembersExhaustion: true,
    },
    lab: { ...freezeLab(image), user: '1000:1000' },
    greedy: (plan) => plan,
    ending(plan, student) {
      for (const node of nodes) node.startsAs.set(student, 'exited')
      return plan
    },
  }
}

conformance('fleet', siteOf, false)

/** A running sandbox on the second node. */
async function running(t: TestContext) {
  const site = await siteOf(t)
  const [a, b] = site.fleet.nodes
  assert.ok(a && b)
  const plan: SessionPlan = planFor(site)
  seatsOf.set(plan.sessionId, plan.seats ?? [])
  const network = await site.runtime.openNetwork(plan)
  await start(site, plan)
  const held = async (runtime = site.runtime) => {
    const [session] = await runtime.survey(plan.classId)
    return findSandbox(session, studentId)
  }
  const id = (await held())?.id ?? assert.fail()
  return { ...site, a, b, plan, network, id, held }
}

const isUnreachable = (error: unknown) => error instanceof RuntimeError && error.code === 'unreachable'

test('a sandbox is made on the node that its seat says, and nowhere else', async (t) => {
  const { a, b } = await running(t)
  assert.deepEqual([a.containers.size, b.containers.size], [0, 1])
})

test('a sandbox whose node falls silent is unreachable, as it was last seen, and every call for it says so', async (t) => {
  const { runtime, b, id, held, plan } = await running(t)
  const before = await held()
  b.fallSilent()
  assert.deepEqual(await held(), { ...before, state: 'unreachable' })
  await assert.rejects(runtime.seal(id, 1), isUnreachable)
  await assert.rejects(runtime.removeSandbox(id), isUnreachable)
  await assert.rejects(runtime.removeFiles(before?.files ?? ''), isUnreachable)
  const again = await runtime.startSandbox(plan, studentId, undefined)
  assert.ok(isUnreachable(again.fault))
  assert.equal(again.madeFiles, undefined)
})

test('a process that never heard a silent node knows from the record who is on it', async (t) => {
  const { fleet, b, held, plan } = await running(t)
  b.fallSilent()
  const sandbox = await held(fleet.restarted())
  assert.deepEqual(
    [sandbox?.state, sandbox?.id, sandbox?.isUnheard, sandbox?.files],
    ['unreachable', undefined, true, `class-${plan.classId.toLowerCase()}--sv001--${plan.sessionId}`],
  )
})

test('what nobody has is gone only where everybody was asked', async (t) => {
  const { runtime, fleet, a } = await running(t)
  await assert.rejects(
    runtime.inspectSealed('other'),
    (error) => error instanceof RuntimeError && error.code === 'gone',
  )
  await runtime.removeSandbox('other')
  a.fallSilent()
  await assert.rejects(runtime.inspectSealed('other'), isUnreachable)
  await assert.rejects(runtime.removeSandbox('other'), isUnreachable)
  await assert.rejects(fleet.restarted().removeFiles('other'), isUnreachable)
})

test('where a node was silent while collecting was proven nothing is started, until it is', async (t) => {
  const { runtime, b, plan, held } = await running(t)
  b.fallSilent()
  await runtime.survey()
  await runtime.proveCollection(plan, new AbortController().signal)
  b.answerAgain()
  await until('the node is back', async () => (await held())?.state === 'running')
  const late = { ...plan, seats: [...(plan.seats ?? []), { studentId: 'SV002', number: 1, node: 'b' }] }
  assert.ok(isUnreachable((await runtime.startSandbox(late, 'SV002', undefined)).fault))
  assert.equal(b.containers.size, 1)
  await runtime.proveCollection(late, new AbortController().signal)
  assert.equal((await runtime.startSandbox(late, 'SV002', undefined)).fault, undefined)
})

test('an engine that is another node than the manager says is not spoken to', async (t) => {
  const { fleet, b, id } = await running(t)
  b.answersAs = 'c'
  const runtime = fleet.restarted()
  await assert.rejects(runtime.seal(id, 1), isUnreachable)
  const fault = (await runtime.nodes([])).find((node) => node.id === 'b')?.fault
  assert.match(fault ?? '', /another node answers/)
  assert.equal(b.container(studentId).state, 'running')
})

test('a node that left the Swarm keeps its sandboxes', async (t) => {
  const { fleet, held } = await running(t)
  fleet.manager.removed.add('b')
  assert.equal((await held())?.state, 'unreachable')
  assert.equal((await held(fleet.restarted()))?.state, 'unreachable')
  fleet.manager.removed.delete('b')
  await until('the node is back', async () => (await held())?.state === 'running')
})

test('neither a silent node nor a store without an answer is taken for nothing', async (t) => {
  const fleet = openFleet(t, ['a', 'b'], '/nowhere', async () => {
    throw new Error('the store is away')
  })
  const [a, b] = fleet.nodes
  assert.ok(a && b)
  const image = await fleet.runtime.image('busybox:1.36')
  const plan = planFor({ ...(await siteOf(t)), lab: freezeLab(image) })
  await fleet.runtime.openNetwork(plan)
  assert.equal((await fleet.runtime.survey()).length, 1)
  b.fallSilent()
  await assert.rejects(fleet.runtime.survey(), (error) => error instanceof RuntimeError && error.code === 'unavailable')
})

test('what an engine that died has left stopped is started again, but for what was stopped by call', async (t) => {
  const { runtime, b, id, held } = await running(t)
  await runtime.survey()
  b.die()
  assert.equal((await held())?.state, 'unreachable')
  b.answerAgain()
  await until('it runs again', async () => {
    await runtime.survey()
    return b.container(studentId).state === 'running'
  })
  await runtime.seal(id, 1)
  b.die()
  await runtime.survey()
  b.answerAgain()
  await until('the node is back', async () => (await runtime.survey())[0]?.sandboxes[0]?.state === 'exited')
  await runtime.survey()
  assert.equal(b.container(studentId).state, 'exited')
})

test('a sandbox that another hand stopped stays so while its engine lives', async (t) => {
  const { runtime, b, id, hands } = await running(t)
  await runtime.survey()
  await hands.kill(id)
  await runtime.survey()
  assert.equal(b.container(studentId).state, 'exited')
})

test('nothing new goes to a node that is drained, silent or without the image', async (t) => {
  const { runtime, nodes } = fleetOf(t, ['a', 'b', 'c', 'd'])
  const [a, b, c, d] = nodes
  assert.ok(a && b && c && d)
  a.member = { ...a.member, availability: 'drain' }
  b.fallSilent('ready')
  c.images.clear()
  d.host.memoryMb = 512
  const image = await runtime.image('busybox:1.36')
  const room = await runtime.room()
  assert.equal(room.memoryMb, c.host.memoryMb + 512)
  const demand = { usedMb: new Map(), ofClass: new Set<string>(), networks: 1, runtime: undefined, image } as const
  const placed = room.place({ ...demand, newcomers: [{ studentId }], memoryMb: 100 })
  assert.deepEqual([...placed.nodes], [[studentId, 'd']])
})
