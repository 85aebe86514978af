// How many things and how long paths one reading takes at most: a hundred thousand and more are read for each.

import { test } from 'node:test'
import { symbolicLink } from '../../support/memory-archive.ts'
import { deepFolder, deepLinks, inventoryOf, refuses } from '../../support/memory-inventory.ts'

test('things without content are bounded too', async (t) => {
  const links = (count: number) => Array.from({ length: count }, (_, index) => symbolicLink(`s${index}`, 'x'))
  await inventoryOf(t, links(100_000), { maxFiles: 2 })
  await refuses(t, links(100_001), { maxFiles: 2 })
})

test('the paths of all things together are bounded, link targets included', async (t) => {
  const limits = { maxFiles: 2 }
  const bound = 100_000 * 256
  const fitting = Math.floor(bound / (deepFolder.length + 6))
  await inventoryOf(t, deepLinks(fitting), limits)
  await refuses(t, deepLinks(fitting + 20), limits)
  const longTargets = Array.from({ length: fitting + 20 }, (_, index) =>
    symbolicLink(`${index}`, `${deepFolder}/target`),
  )
  await refuses(t, longTargets, limits)
})
