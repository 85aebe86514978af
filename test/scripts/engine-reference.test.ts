// engine-api/REFERENCE.md is made from the endpoint table: an old page would tell lies.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { test } from 'node:test'
import { enginePage } from '../../scripts/engine-page.ts'

test('the reference page is the one that its script prints', () => {
  assert.ok(
    readFileSync(resolve(import.meta.dirname, '../../engine-api/REFERENCE.md'), 'utf8') === enginePage,
    'it is old; run: npx tsx scripts/engine-reference.ts > engine-api/REFERENCE.md',
  )
})
