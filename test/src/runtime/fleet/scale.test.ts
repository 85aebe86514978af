// 50 nodes in memory with 5,000 sandboxes: how long it takes to place a class and to say what there is. Prints it.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newSessionId } from '../../../../src/names.ts'
import type { SessionPlan } from '../../../../src/runtime/port.ts'
import type { Seat } from '../../../../src/runtime/seats.ts'
import { freezeLab } from '../../../support/frozen-lab.ts'
import { openFleet } from '../../../support/memory-fleet.ts'

const classes = 200
const perClass = 25
const memoryMb = 512

test('5,000 sandboxes on 50 nodes are placed whole, and told again, with one node silent', async (t) => {
  const seatsOf = new Map<string, Seat[]>()
  const ids = Array.from({ length: 50 }, (_, number) => `n${String(number).padStart(2, '0')}`)
  const fleet = openFleet(t, ids, '/nowhere', async (_classId, sessionId) => seatsOf.get(sessionId) ?? [])
  const { runtime, nodes } = fleet
  for (const node of nodes) node.host.memoryMb = memoryMb * 104
  const image = await runtime.image('busybox:1.36')
  const lab = { ...freezeLab(image), memoryMb }
  const used = new Map<string | undefined, number>()
  const placing: number[] = []
  for (let number = 0; number < classes; number++) {
    const room = await runtime.room()
    const newcomers = Array.from({ length: perClass }, (_, student) => ({ studentId: `S${number}-${student}` }))
    const begun = performance.now()
    const demand = { newcomers, memoryMb, usedMb: used, ofClass: new Set<string>(), runtime: undefined, image }
    const placed = room.place({ ...demand, networks: 1 })
    placing.push(performance.now() - begun)
    assert.deepEqual(placed.lacks, [])
    assert.equal(new Set(placed.nodes.values()).size, 1)
    const seats = [...placed.nodes].map(([studentId, node], at) => ({ studentId, number: at, node }))
    const plan = planOf(`c${number}`, lab, seats)
    seatsOf.set(plan.sessionId, seats)
    await runtime.openNetwork(plan)
    for (const { studentId, node } of seats) {
      assert.equal((await runtime.startSandbox(plan, studentId, undefined)).fault, undefined)
      used.set(node, (used.get(node) ?? 0) + memoryMb)
    }
  }
  const surveying = await timed(() => runtime.survey())
  nodes[7]?.fallSilent()
  const withoutOne = await timed(() => runtime.survey())
  const fresh = await timed(() => fleet.restarted().survey())
  for (const { result } of [surveying, withoutOne, fresh]) {
    assert.equal(result.flatMap(({ sandboxes }) => sandboxes).length, classes * perClass)
  }
  const silent = fresh.result.flatMap(({ sandboxes }) => sandboxes).filter(({ state }) => state === 'unreachable')
  assert.equal(silent.length, 100)
  const worst = Math.max(...placing)
  t.diagnostic(
    `a class is placed in ${worst.toFixed(1)} ms at most; what there is is told in ${surveying.ms} ms, ${withoutOne.ms} ms with a node silent, ${fresh.ms} ms by a process that has just begun; ${Math.round(process.memoryUsage.rss() / 2 ** 20)} MiB`,
  )
})

async function timed<T>(work: () => Promise<T>): Promise<{ result: T; ms: number }> {
  const begun = performance.now()
  const result = await work()
  return { result, ms: Math.round(performance.now() - begun) }
}

function planOf(classId: string, frozenLab: SessionPlan['frozenLab'], seats: Seat[]): SessionPlan {
  return {
    ...{ classId, sessionId: newSessionId(), subject: 'subject', lab: 'lab', createdBy: 't', frozenLab, seats },
    expiresAt: new Date(Date.now() + 3_600_000).toISOString(),
  }
}
