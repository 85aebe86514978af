// Where newcomers of a class go, on fleets and demands that nobody thought of.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type NodeRoom, place } from '../../../../src/runtime/fleet/place.ts'
import type { Demand } from '../../../../src/runtime/room.ts'
import { type Random, randomFrom } from '../../../support/random.ts'

const image = { id: 'sha256:image', digest: 'busybox@sha256:digest' }

const node = (id: string, memoryMb: number, more: Partial<NodeRoom> = {}): NodeRoom => ({
  ...{ id, memoryMb, isOpen: true, runtimes: ['runc'], images: new Set([image.id]) },
  ...more,
})

const demandOf = (students: number, more: Partial<Demand> = {}): Demand => ({
  newcomers: Array.from({ length: students }, (_, number) => ({ studentId: `s${number}` })),
  memoryMb: 100,
  usedMb: new Map(),
  ofClass: new Set(),
  networks: 1,
  runtime: undefined,
  image,
  ...more,
})

/** How many go to each node. */
function counts(nodes: readonly NodeRoom[], demand: Demand): Record<string, number> {
  const placement = place(nodes, true, demand)
  assert.deepEqual(placement.lacks, [])
  const found: Record<string, number> = {}
  for (const id of placement.nodes.values()) found[id] = (found[id] ?? 0) + 1
  return found
}

test('a class goes whole to the node with the most room', () => {
  assert.deepEqual(counts([node('a', 1000), node('b', 2000), node('c', 1500)], demandOf(10)), { b: 10 })
  const usedMb = new Map([['b', 900]])
  assert.deepEqual(counts([node('a', 1000), node('b', 2000), node('c', 1500)], demandOf(10, { usedMb })), { c: 10 })
})

test('late joiners go to a node of their class where they fit, else whole to another one', () => {
  const nodes = [node('a', 1000), node('b', 2000)]
  const ofClass = new Set(['a'])
  assert.deepEqual(counts(nodes, demandOf(3, { ofClass, usedMb: new Map([['a', 700]]) })), { a: 3 })
  assert.deepEqual(counts(nodes, demandOf(3, { ofClass, usedMb: new Map([['a', 800]]) })), { b: 3 })
})

test('a class that fits no node is spread by room', () => {
  assert.deepEqual(counts([node('a', 500), node('b', 300)], demandOf(6)), { a: 4, b: 2 })
})

test('who was placed stays there, counts there, and stops nobody where that node cannot be asked', () => {
  const newcomers = [{ studentId: 's0', node: 'a' }, { studentId: 's1' }]
  const usedMb = new Map([['a', 800]])
  const nodes = [node('a', 1000, { isOpen: false }), node('b', 100)]
  assert.deepEqual([...place(nodes, true, demandOf(0, { newcomers, usedMb })).nodes], [['s1', 'b']])
  assert.deepEqual(place(nodes, true, demandOf(0, { newcomers, usedMb: new Map([['a', 901]]) })).lacks, ['memory'])
  assert.deepEqual([...place([node('b', 100)], true, demandOf(0, { newcomers })).nodes], [['s1', 'b']])
})

test('what no node has is named', () => {
  const closed = node('a', 1000, { isOpen: false })
  assert.deepEqual(place([closed], true, demandOf(1)).lacks, ['node'])
  assert.deepEqual(place([closed], true, demandOf(0)).lacks, [])
  assert.deepEqual(place([node('a', 1000)], true, demandOf(1, { runtime: 'runsc' })).lacks, ['runtime'])
  assert.deepEqual(place([node('a', 1000, { images: new Set() })], true, demandOf(1)).lacks, ['image'])
  assert.deepEqual(place([node('a', 99), node('b', 99)], false, demandOf(1)).lacks, ['memory', 'network'])
})

test('an image counts by its digest where it has another id', () => {
  const nodes = [
    node('a', 9000, { images: new Set(['sha256:other']) }),
    node('b', 1000, { images: new Set([image.digest]) }),
  ]
  assert.deepEqual(counts(nodes, demandOf(2)), { b: 2 })
})

function anyFleet(random: Random): NodeRoom[] {
  return Array.from({ length: 1 + random.below(6) }, (_, number) =>
    node(`n${number}`, random.below(3000), {
      isOpen: random.below(4) > 0,
      runtimes: random.pick([['runc'], ['runc', 'runsc']]),
      images: random.pick([new Set([image.id]), new Set([image.digest]), new Set<string>()]),
    }),
  )
}

function anyDemand(random: Random, nodes: readonly NodeRoom[]): Demand {
  const ids = nodes.map(({ id }) => id)
  return demandOf(0, {
    newcomers: Array.from({ length: random.below(30) }, (_, number) => ({
      studentId: `s${number}`,
      ...(random.below(5) === 0 ? { node: random.pick([...ids, 'gone']) } : {}),
    })),
    memoryMb: 1 + random.below(300),
    usedMb: new Map(ids.map((id) => [id, random.below(1500)])),
    ofClass: new Set(ids.filter(() => random.below(3) === 0)),
    runtime: random.below(2) === 0 ? undefined : 'runsc',
  })
}

test('over 5,000 fleets: everybody or nobody, never over a memory, never where it cannot run, the same again', () => {
  const random = randomFrom(16)
  for (let round = 0; round < 5000; round++) {
    const nodes = anyFleet(random)
    const demand = anyDemand(random, nodes)
    const { lacks, nodes: placed } = place(nodes, true, demand)
    const unplaced = demand.newcomers.filter((each) => each.node === undefined)
    assert.equal(placed.size, lacks.length > 0 ? 0 : unplaced.length)
    assert.deepEqual(place([...nodes].reverse(), true, demand).nodes, placed)
    for (const { id, isOpen, runtimes, images, memoryMb } of nodes) {
      const fresh = [...placed.values()].filter((each) => each === id).length
      if (fresh === 0) continue
      const staying = demand.newcomers.filter((each) => each.node === id).length
      assert.ok((demand.usedMb.get(id) ?? 0) + (fresh + staying) * demand.memoryMb <= memoryMb)
      assert.ok(isOpen && (images.has(image.id) || images.has(image.digest)))
      assert.ok(demand.runtime === undefined || runtimes.includes(demand.runtime))
    }
  }
})
