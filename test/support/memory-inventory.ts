// Readings of an archive that tests make up, for as long as the test.

import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { CollectError } from '../../src/collection/errors.ts'
import { compileExclude } from '../../src/collection/exclude.ts'
import type { Inventory } from '../../src/collection/inventory.ts'
import { type InventoryLimits, takeInventory } from '../../src/collection/take-inventory.ts'
import { archiveOf, symbolicLink, type Thing } from './memory-archive.ts'

type Limits = Partial<Omit<InventoryLimits, 'exclude'>> & { exclude?: readonly string[] }

export async function inventoryOf(t: TestContext, things: Iterable<Thing>, limits: Limits = {}): Promise<Inventory> {
  const { exclude = [], ...numbers } = limits
  const inventory = await takeInventory(archiveOf(things), {
    maxBytes: 1000,
    maxFiles: 100,
    ...numbers,
    exclude: compileExclude(exclude),
  })
  t.after(() => inventory.close())
  return inventory
}

export const refuses = (t: TestContext, things: Iterable<Thing>, limits: Limits, code = 'over-limit') =>
  assert.rejects(inventoryOf(t, things, limits), (error) => error instanceof CollectError && error.code === code)

/** 3,400 bytes of folders, as deep as the engine can still archive. */
export const deepFolder = Array.from({ length: 34 }, () => 'x'.repeat(99)).join('/')

export function* deepLinks(count: number): Generator<Thing> {
  for (let index = 0; index < count; index++) yield symbolicLink(`${deepFolder}/${index}`, 'x')
}
