// The conformance suite of stores, and behaviour.ts, on each S3 server that is had here: prints the table of docs/proofs.md.
// Ends with 1 where a server fails that the product is for.

import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

const root = resolve(import.meta.dirname, '../..')

interface Server {
  readonly name: string
  readonly launcher: string
  /** The suite must pass on it. */
  readonly isPromised: boolean
}

const servers: readonly Server[] = [
  { name: 'MinIO', launcher: 'scripts/minio', isPromised: true },
  { name: 'radosgw', launcher: 'scripts/s3', isPromised: true },
  { name: 'SeaweedFS', launcher: 'scripts/weed', isPromised: false },
  { name: 'VersityGW', launcher: 'scripts/versitygw', isPromised: false },
]

const run = (env: Readonly<Record<string, string>>, command: string, ...args: string[]) =>
  spawnSync(command, args, { cwd: root, encoding: 'utf8', maxBuffer: 2 ** 28, env: { ...process.env, ...env } })

const node = (env: Readonly<Record<string, string>>, ...args: string[]) =>
  run(env, process.execPath, '--import', 'tsx', ...args).stdout

/** The answers by question, and why the suite did not pass. */
function ask(env: Readonly<Record<string, string>>): { answers: Map<string, string>; failed: string[] } {
  const report = node(env, 'scripts/run-tests.ts', 'test/live/store.test.ts')
  const passed = /^ℹ pass (\d+)$/m.exec(report)?.[1] ?? '0'
  const failed = [...new Set([...report.matchAll(/^✖ S3: (.*) \(\d.*$/gm)].map(([, name = '']) => name))]
  if (passed === '0') failed.push('the suite did not run')
  const suite = `${passed} pass${failed.map((name) => `; fails: ${name}`).join('')}`
  const rows = [...node(env, 'test/stores/behaviour.ts').matchAll(/^\| (.*?) \| (.*) \|$/gm)]
  const behaviour = rows.map(([, question = '', answer = '']) => [question, answer] as const)
  return { answers: new Map([['conformance suite', suite], ...behaviour]), failed }
}

const table = new Map<string, string[]>()
const heads: string[] = []
const work = mkdtempSync(join(tmpdir(), 'stores-'))
try {
  for (const { name, launcher, isPromised } of servers) {
    const folder = join(work, name)
    const started = run({}, launcher, 'start', folder)
    if (started.status !== 0) {
      console.error(`${name} is not asked: ${started.stderr.trim()}`)
      continue
    }
    try {
      const lines = started.stdout.trim().split('\n')
      const { answers, failed } = ask(Object.fromEntries(lines.map((line) => line.split(/=(.*)/).slice(0, 2))))
      heads.push(name)
      for (const [question, answer] of answers) table.set(question, [...(table.get(question) ?? []), answer])
      if (isPromised && failed.length > 0) process.exitCode = 1
    } finally {
      run({}, launcher, 'stop', folder)
    }
  }
} finally {
  rmSync(work, { recursive: true, force: true })
}
console.log(`| | ${heads.join(' | ')} |\n|${' --- |'.repeat(heads.length + 1)}`)
for (const [question, answers] of table) console.log(`| ${question} | ${answers.join(' | ')} |`)
