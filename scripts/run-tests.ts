// Runs tests by node's own runner: `run-tests.ts --unit`, `--live` (those in test/live, one file at a time), or the files named.
// Node calls a run without files, and a file without tests, a success; here both fail.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { basename, join, resolve, sep } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { bundleTests, type Groups, suiteOf } from './bundle-tests.ts'

const project = resolve(import.meta.dirname, '..')
const testFolder = join(project, 'test')
const liveFolder = join(testFolder, 'live') + sep
/** For one process (Node 20) or one test (later): far above any honest need, so that a hang ends and is named. */
const timeoutMs = 600_000

const isLive = (file: string): boolean => file.startsWith(liveFolder)

/** The absolute paths of the test files that the arguments ask for, sorted. */
function filesOf(arguments_: readonly string[]): string[] {
  const [only] = arguments_
  if (only !== '--unit' && only !== '--live') return arguments_.map((name) => resolve(name))
  return readdirSync(testFolder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => join(testFolder, name))
    .filter((file) => isLive(file) === (only === '--live'))
    .sort()
}

/** A live file has a process of its own, since it leaves nothing to the next; the others share a process with their folder's. */
function groupsOf(files: readonly string[]): Groups {
  const groups = new Map<string, string[]>()
  for (const file of files) {
    const name = isLive(file) ? basename(file, '.ts') : suiteOf(file).split(sep).slice(1, 3).join('-') || 'test'
    groups.set(name, [...(groups.get(name) ?? []), file])
  }
  return groups
}

/** Runs the bundles, showing node's report as it comes. Returns node's exit code and its report as plain text. */
async function runNode(bundles: readonly string[], concurrency: number): Promise<{ exitCode: number; report: string }> {
  const node = spawn(
    process.execPath,
    [
      ...['--enable-source-maps', '--test', '--test-reporter=spec'],
      ...[`--test-timeout=${timeoutMs}`, `--test-concurrency=${concurrency}`, ...bundles],
    ],
    { cwd: project, stdio: ['ignore', 'pipe', 'inherit'] },
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

mkdirSync(join(project, '.local'), { recursive: true })
const folder = mkdtempSync(join(project, '.local/tests-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => process.exit(1))

const bundles = await bundleTests(groupsOf(files), folder)
// Node's own default leaves one core idle. Live tests share one engine.
const { exitCode, report } = await runNode(bundles, files.some(isLive) ? 1 : availableParallelism())
process.exitCode = exitCode

// A suite that holds tests has lines below its opening one.
const empty = files.map(suiteOf).filter((name) => !report.includes(`▶ ${name}\n`))
for (const name of empty) console.error(`run-tests: ${name} holds no test`)
if (empty.length > 0 || !/^ℹ tests [1-9]/m.test(report)) {
  console.error('run-tests: failed, because tests are missing')
  process.exitCode = exitCode || 1
}
