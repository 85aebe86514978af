// Runs tests by node's own runner: `run-tests.ts --unit` (all but test/live), `--live` (test/live, one file at a time), or the files named.
// Node calls a run without files, and a file without tests, a success; here both fail.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join, resolve, sep } from 'node:path'
import { stripVTControlCharacters } from 'node:util'

const testFolder = resolve(import.meta.dirname, '../test')
const liveFolder = join(testFolder, 'live') + sep
const compiled = new URL('compiled.js', import.meta.url).href
/** For one file (Node 20) or one test (later): far above any honest need, so that a hang ends and is named. */
const timeoutMs = 600_000

/** The absolute paths of the test files that the arguments ask for, sorted. */
function filesOf(arguments_: readonly string[]): string[] {
  const [only] = arguments_
  if (only === '--unit' || only === '--live') {
    return readdirSync(testFolder, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.test.ts'))
      .map((name) => join(testFolder, name))
      .filter((file) => file.startsWith(liveFolder) === (only === '--live'))
      .sort()
  }
  return arguments_.map((name) => resolve(name))
}

/** Runs the files, showing node's report as it comes. Returns node's exit code and its report as plain text. */
async function runNode(files: readonly string[]): Promise<{ exitCode: number; report: string }> {
  // Node's own default leaves one core idle. Live tests share one engine.
  const concurrency = files.some((file) => file.startsWith(liveFolder)) ? 1 : availableParallelism()
  const node = spawn(
    process.execPath,
    [
      ...['--import', compiled, '--test', '--test-reporter=spec'],
      ...[`--test-timeout=${timeoutMs}`, `--test-concurrency=${concurrency}`, ...files],
    ],
    { cwd: resolve(testFolder, '..'), stdio: ['ignore', 'pipe', 'inherit'] },
  )
  const exit = once(node, 'exit')
  let report = ''
  node.stdout.setEncoding('utf8')
  for await (const text of node.stdout) {
    process.stdout.write(text)
    report += text
  }
  const [code] = await exit
  return { exitCode: typeof code === 'number' ? code : 1, report: stripVTControlCharacters(report) }
}

const files = filesOf(process.argv.slice(2))
if (files.length === 0) {
  console.error('run-tests: no test file. Usage: run-tests.ts --unit | --live | FILE...')
  process.exit(2)
}

const { exitCode, report } = await runNode(files)
process.exitCode = exitCode

// Node counts a file without tests as one passed test that bears the file's name.
const empty = files.filter((file) => report.includes(`✔ ${file} (`))
for (const file of empty) console.error(`run-tests: ${file} holds no test`)
if (empty.length > 0 || !/^ℹ tests [1-9]/m.test(report)) {
  console.error('run-tests: failed, because tests are missing')
  process.exitCode = exitCode || 1
}
