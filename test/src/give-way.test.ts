// Work that never waits, and the others who are due meanwhile.

import { test } from 'node:test'
import { giveWay } from '../../src/give-way.ts'

/** Settled promises alone: by itself such a loop would let nobody else in. */
async function workUntil(done: () => boolean): Promise<void> {
  while (!done()) await giveWay()
}

test('work that never waits lets others in', async () => {
  let hadTurn = false
  setImmediate(() => {
    hadTurn = true
  })
  await workUntil(() => hadTurn)
})

test('several works together give way as one, and all go on afterwards', async () => {
  let ticks = 0
  const ticking = setInterval(() => ticks++, 1)
  await Promise.all(Array.from({ length: 10 }, () => workUntil(() => ticks >= 3)))
  clearInterval(ticking)
})
