// Plants known defects (test/defects/) one at a time into a copy of the repository, and shows that unit tests catch each:
// `seeded-defects.ts [--list] [WORD...]`; with words, only those whose name holds one of them. Exits 1 where one is not caught.
// Where a defect's text is not in the source exactly once nothing runs, so that no change of the source can
// turn a defect into one that plants nothing.

import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { finished } from 'node:stream/promises'
import { run } from 'node:test'
import { parseArgs } from 'node:util'
import { classesDefects } from '../test/defects/classes.ts'
import { collectionDefects } from '../test/defects/collection.ts'
import { contractDefects } from '../test/defects/contract.ts'
import type { Defect } from '../test/defects/defect.ts'
import { engineDefects } from '../test/defects/engine.ts'
import { fleetDefects } from '../test/defects/fleet.ts'
import { halfRemovedDefects } from '../test/defects/half-removed.ts'
import { placeDefects } from '../test/defects/place.ts'
import { proofDefects } from '../test/defects/proof.ts'
import { restoreDefects } from '../test/defects/restore.ts'
import { roomDefects } from '../test/defects/room.ts'
import { routesDefects } from '../test/defects/routes.ts'
import { sandboxDefects } from '../test/defects/sandbox.ts'
import { startDefects } from '../test/defects/start.ts'
import { storeDefects } from '../test/defects/store.ts'
import { sweepDefects } from '../test/defects/sweep.ts'
import { traefikDefects } from '../test/defects/traefik.ts'
import { vanishedDefects } from '../test/defects/vanished.ts'
import { bundleTests } from './bundle-tests.ts'

const usage = 'usage: npm run defects -- [--list] [WORD...]   with words, only the defects whose name holds one of them'

const repository = resolve(import.meta.dirname, '..')
/** For one test file: far above any honest need on a busy machine. */
const timeoutMs = 120_000

/** Fires when this process is told to end: the tests that run end first. */
const interrupted = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => interrupted.abort())

/** The first test of a file that failed; without a name, the file failed outside of any test. */
interface Failure {
  readonly file: string
  readonly test: string | undefined
}

/** The file with the defect in it; undefined, and a word about it, where a text to replace is not there exactly once. */
function planted({ name, file, edits }: Defect): string | undefined {
  let text = readFileSync(join(repository, file), 'utf8')
  for (const { find, replace } of edits) {
    const [before = '', ...after] = text.split(find)
    if (after.length !== 1) {
      console.error(`seeded defects: '${name}': ${file} holds this ${after.length} times, not once: ${find}`)
      return undefined
    }
    text = before + replace + after[0]
  }
  return text
}

/** Copies what git tracks, as it is in the working tree, into a folder of its own. */
function copyRepository(): string {
  const copy = mkdtempSync(join(tmpdir(), 'seeded-defects-'))
  const tracked = execFileSync('git', ['ls-files', '-z'], { cwd: repository, encoding: 'utf8' })
  for (const path of tracked.split('\0').filter(Boolean)) {
    mkdirSync(join(copy, dirname(path)), { recursive: true })
    copyFileSync(join(repository, path), join(copy, path))
  }
  symlinkSync(join(repository, 'node_modules'), join(copy, 'node_modules'))
  mkdirSync(join(copy, '.tmp'))
  return copy
}

function readArguments() {
  try {
    const options = { list: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } } as const
    return parseArgs({ allowPositionals: true, options })
  } catch (error) {
    console.error(`seeded defects: ${error instanceof Error ? error.message : error}\n\n${usage}`)
    process.exit(2)
  }
}

/** Runs test files of the working directory one after the other, up to the first that fails. */
async function firstFailure(files: readonly string[]): Promise<Failure | undefined> {
  const groups = new Map(files.map((file, index) => [String(index), [resolve(file)]]))
  const bundles = await bundleTests(groups, resolve('.local'))
  for (const [index, file] of files.entries()) {
    const failed: string[] = []
    const bundle = bundles.slice(index, index + 1)
    const tests = run({ files: bundle, concurrency: 1, timeout: timeoutMs, signal: interrupted.signal })
    tests.on('test:fail', ({ name }) => failed.push(name))
    await finished(tests.resume())
    if (interrupted.signal.aborted) process.exit(1)
    // A file that fails is reported too, as the suite around its tests and as a bundle.
    if (failed.length > 0)
      return { file, test: failed.find((name) => name !== file && resolve(name) !== bundles[index]) }
  }
  return undefined
}

/** Whether a test noticed; says which. A file that fails as a whole was not able to judge: that is no catch. */
async function judge({ tests }: Defect): Promise<boolean> {
  const failure = await firstFailure(tests)
  if (failure === undefined) console.log(`   NOT CAUGHT by ${tests.join(', ')}`)
  else if (failure.test === undefined) console.log(`   NOT CAUGHT: ${failure.file} did not run to its end`)
  else console.log(`   caught by '${failure.test}' (${failure.file})`)
  return failure?.test !== undefined
}

const { values, positionals: words } = readArguments()
if (values.help) {
  console.log(usage)
  process.exit()
}
const all: readonly Defect[] = [
  ...engineDefects,
  ...fleetDefects,
  ...collectionDefects,
  ...sandboxDefects,
  ...traefikDefects,
  ...storeDefects,
  ...classesDefects,
  ...halfRemovedDefects,
  ...sweepDefects,
  ...vanishedDefects,
  ...restoreDefects,
  ...placeDefects,
  ...proofDefects,
  ...roomDefects,
  ...routesDefects,
  ...contractDefects,
  ...startDefects,
]
const defects = all.filter(({ name }) => words.length === 0 || words.some((word) => name.includes(word)))
const sources = defects.map(planted)
if (sources.includes(undefined)) process.exit(1)

if (values.list) {
  for (const { name, file } of defects) console.log(`${name} (${file})`)
  console.log(`seeded defects: ${defects.length}`)
  process.exit()
}

const began = performance.now()
const copy = copyRepository()
process.on('exit', () => rmSync(copy, { recursive: true, force: true }))
process.chdir(copy)
// What tests of a defective program leave behind goes with the copy.
process.env['TMPDIR'] = join(copy, '.tmp')

const unharmed = await firstFailure([...new Set(defects.flatMap(({ tests }) => tests))].sort())
if (unharmed !== undefined) {
  console.error(`seeded defects: without any defect ${unharmed.file} fails: ${unharmed.test ?? 'it does not run'}`)
  process.exit(1)
}

let caught = 0
for (const [index, defect] of defects.entries()) {
  const { name, file } = defect
  console.log(`${index + 1}. ${name} (${file})`)
  const path = join(copy, file)
  const sound = readFileSync(path)
  writeFileSync(path, sources[index] ?? '')
  if (await judge(defect)) caught += 1
  writeFileSync(path, sound)
}
const minutes = ((performance.now() - began) / 60_000).toFixed(1)
console.log(`seeded defects took ${minutes} minutes, the tests without a defect included`)
console.log(`seeded defects: ${caught} of ${defects.length} caught`)
process.exitCode = caught === defects.length && caught > 0 ? 0 : 1
