// The bound on what runs at once, the order, that no place is ever lost, and that one group never starves another.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createGate, createGroupGate } from '../../src/gate.ts'

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

test('tasks that hang keep their own group waiting, and no other, however many groups hang', async () => {
  const gate = createGroupGate(2)
  const hang = latch()
  const hung = ['a', 'a', 'a', 'b', 'b'].map((group) => gate(group, () => hang.opened))
  const done: string[] = []
  for (const name of ['c', 'd']) {
    const tasks = [1, 2, 3].map((number) => gate(name, async () => void done.push(`${name}${number}`)))
    await Promise.all(tasks)
  }
  assert.deepEqual(done, ['c1', 'c2', 'c3', 'd1', 'd2', 'd3'])
  hang.open()
  await Promise.all(hung)
})

test('what a gate lets in beyond its places is one task of each group, and it never grows for one group alone', async () => {
  const gate = createGroupGate(2)
  let running = 0
  let most = 0
  const task = (group: string) =>
    gate(group, async () => {
      running++
      most = Math.max(most, running)
      await new Promise(setImmediate)
      running--
    })
  await Promise.all(Array.from({ length: 60 }, (_, number) => task(['a', 'b', 'c'][number % 3] ?? '')))
  assert.ok(most <= 4, `${most} at once`)
  most = 0
  await Promise.all(Array.from({ length: 20 }, () => task('a')))
  assert.equal(most, 2)
})
