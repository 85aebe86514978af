// scripts/run-tests.ts must fail where node's own runner would call an empty run a success.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { test } from 'node:test'

const script = resolve(import.meta.dirname, '../../scripts/run-tests.ts')

/** Runs the script on test files with these contents; gives its exit code and all it printed. */
function runTests(...contents: string[]): { status: number | null; output: string } {
  const folder = mkdtempSync(join(tmpdir(), 'run-tests-'))
  const files = contents.map((content, index) => {
    const file = join(folder, `${index}.test.ts`)
    writeFileSync(file, content)
    return file
  })
  // A runner inside a runner skips its files while this variable is set.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env
  try {
    const run = spawnSync(process.execPath, ['--import', 'tsx', script, ...files], { encoding: 'utf8', env })
    return { status: run.status, output: run.stdout + run.stderr }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

const passing = "import { test } from 'node:test'\ntest('one', () => {})\n"

test('a passing file passes, and the closing lines of node are shown', () => {
  const { status, output } = runTests(passing)
  assert.equal(status, 0, output)
  assert.match(output, /^ℹ tests 1$/m)
})

test('a failing test fails the run', () => {
  const { status, output } = runTests(`${passing}test('two', () => { throw new Error('broken') })\n`)
  assert.equal(status, 1)
  assert.match(output, /^ℹ fail 1$/m)
})

test('no file at all is refused', () => {
  const { status, output } = runTests()
  assert.equal(status, 2)
  assert.match(output, /no test file/)
})

test('a file without tests fails the run, though others pass', () => {
  const { status, output } = runTests(passing, 'export {}\n')
  assert.equal(status, 1)
  assert.match(output, /1\.test\.ts holds no test/)
})
