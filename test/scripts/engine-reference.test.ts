// engine-api/REFERENCE.md is made from the endpoint table: an old page would tell lies.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { test } from 'node:test'

const root = resolve(import.meta.dirname, '../..')

test('the reference page is the one that its script prints', () => {
  const script = ['--import', 'tsx', 'scripts/engine-reference.ts']
  const { status, stdout, stderr } = spawnSync(process.execPath, script, { cwd: root, encoding: 'utf8' })
  assert.equal(status, 0, stderr)
  assert.ok(
    readFileSync(resolve(root, 'engine-api/REFERENCE.md'), 'utf8') === stdout,
    'it is old; run: npx tsx scripts/engine-reference.ts > engine-api/REFERENCE.md',
  )
})
