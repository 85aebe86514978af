// The bound on what runs at once, the order, and that no place is ever lost.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createGate } from '../../src/gate.ts'

/** A promise and what settles it. */
function latch() {
  let open = () => {}
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { open, opened }
}

test('no more tasks run at once than the gate has places, and all places are used', async () => {
  const gate = createGate(3)
  let running = 0
  let most = 0
  const task = async () => {
    running++
    most = Math.max(most, running)
    await new Promise(setImmediate)
    running--
  }
  for (let round = 0; round < 3; round++) {
    await Promise.all(Array.from({ length: 20 }, () => gate(task)))
    assert.equal(most, 3)
  }
})

test('tasks start in the order they came', async () => {
  const gate = createGate(1)
  const started: number[] = []
  const tasks = [0, 1, 2, 3, 4].map((number) =>
    gate(async () => {
      started.push(number)
      await new Promise(setImmediate)
    }),
  )
  await Promise.all(tasks)
  assert.deepEqual(started, [0, 1, 2, 3, 4])
})

test('a task that came later does not overtake one that waits', async () => {
  const gate = createGate(1)
  const first = latch()
  const order: string[] = []
  const tasks = [
    gate(() => first.opened),
    gate(async () => {
      order.push('waiting')
    }),
  ]
  first.open()
  await tasks[0]
  tasks.push(
    gate(async () => {
      order.push('late')
    }),
  )
  await Promise.all(tasks)
  assert.deepEqual(order, ['waiting', 'late'])
})

test('a task that fails or throws at once frees its place, and its error reaches the caller', async () => {
  const gate = createGate(1)
  await assert.rejects(
    gate(async () => {
      throw new Error('rejected')
    }),
    /rejected/,
  )
  await assert.rejects(
    gate(() => {
      throw new Error('thrown')
    }),
    /thrown/,
  )
  assert.equal(await gate(async () => 'done'), 'done')
})
