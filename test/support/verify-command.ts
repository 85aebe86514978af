// scripts/verify-bag as a caller would run it, with nothing of this process's own store or folder.

import { spawnSync } from 'node:child_process'
import { join, resolve } from 'node:path'

const root = resolve(import.meta.dirname, '../..')

/** The command, as a caller would give it. */
export function verify(args: readonly string[], env: Record<string, string> = {}, cwd = root) {
  const foreign = /^(?:INIT_CWD|ARTIFACTS_DIR|MINIO_.*)$/
  const inherited = Object.fromEntries(Object.entries(process.env).filter(([name]) => !foreign.test(name)))
  const run = spawnSync(join(root, 'scripts/verify-bag'), args, {
    encoding: 'utf8',
    cwd,
    env: { ...inherited, ...env },
  })
  return { ...run, lines: run.stdout.trimEnd().split('\n').sort() }
}
