// Runs tests by node's own runner: `run-tests.ts KIND`, or the files named. A test takes seconds and is run by scripts/test; a proof, in a
// file *.proof.ts, may take minutes and is run by `scripts/proof ci`. Live ones, below test/live, need an engine and run one file at a time.
// Node calls a run without files, and a file without tests, a success; here both fail.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { basename, resolve, sep } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { bundleTests, type Groups, suiteOf } from './bundle-tests.ts'

const liveFolder = `test/live${sep}`
const kinds: ReadonlyMap<string, { readonly ending: string; readonly live: boolean }> = new Map([
  ['--unit', { ending: '.test.ts', live: false }],
  ['--live', { ending: '.test.ts', live: true }],
  ['--proofs', { ending: '.proof.ts', live: false }],
  ['--live-proofs', { ending: '.proof.ts', live: true }],
])
/** For one process (Node 20) or one test (later): far above any honest need, so that a hang ends and is named. */
const timeoutMs = 600_000

const isLive = (file: string): boolean => suiteOf(file).startsWith(liveFolder)

/** The absolute paths of the test files that the arguments ask for, sorted. */
function filesOf(arguments_: readonly string[]): string[] {
  const kind = kinds.get(arguments_[0] ?? '')
  if (kind === undefined) return [...arguments_]
  return readdirSync('test', { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(kind.ending))
    .map((name) => resolve('test', name))
    .filter((file) => isLive(file) === kind.live)
    .sort()
}

/** One more than cores, since some tests wait. */
const processes = availableParallelism() + 1

/** A live file has a process of its own, since it leaves nothing to the next; the others are dealt out to few processes. */
function groupsOf(files: readonly string[]): Groups {
  const groups = new Map<string, string[]>()
  for (const [index, file] of files.entries()) {
    const name = isLive(file) ? basename(file, '.ts') : `process-${index % processes}`
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
    { stdio: ['ignore', 'pipe', 'inherit'] },
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

const wanted = process.argv.slice(2).map((each) => (kinds.has(each) ? each : resolve(each)))
process.chdir(resolve(import.meta.dirname, '..'))
const files = filesOf(wanted)
if (files.length === 0) {
  console.error(`run-tests: no test file. Usage: run-tests.ts ${[...kinds.keys()].join(' | ')} | FILE...`)
  process.exit(2)
}

mkdirSync('.local', { recursive: true })
const folder = mkdtempSync(resolve('.local/tests-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => process.exit(1))

const bundles = await bundleTests(groupsOf(files), folder)
// Live tests share one engine.
const { exitCode, report } = await runNode(bundles, files.some(isLive) ? 1 : processes)
process.exitCode = exitCode

// A suite that holds tests has lines below its opening one.
const empty = files.map(suiteOf).filter((name) => !report.includes(`▶ ${name}\n`))
for (const name of empty) console.error(`run-tests: ${name} holds no test`)
if (empty.length > 0 || !/^ℹ tests [1-9]/m.test(report)) {
  console.error('run-tests: failed, because tests are missing')
  process.exitCode = exitCode || 1
}
