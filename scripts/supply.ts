// npm run supply: are the packages that the service runs on pinned, permissively licensed and without known grave defects?
// Exit code 0: yes; 1: no; 2: yes as far as can be seen, but the registry told no advisories.
// An outage of the registry is no fault of the project, so it is told apart and fails nobody.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import { Value } from '@sinclair/typebox/value'
import {
  advisories,
  LockFile,
  looseVersions,
  Manifest,
  refusedLicences,
  runtimePaths,
  unpinnedPackages,
} from './supply-check.ts'

const root = resolve(import.meta.dirname, '..')
const readJson = async (path: string): Promise<unknown> => JSON.parse(await readFile(join(root, path), 'utf8'))

/** Undefined for packages of other platforms, which are not installed. */
async function licenceOf(path: string): Promise<unknown> {
  const manifest = await readJson(join(path, 'package.json')).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error
  })
  return manifest instanceof Object && 'license' in manifest ? manifest.license : undefined
}

/** npm answers in JSON whatever happens, and says in words on stderr why it got no answer itself. */
async function askForAdvisories(): Promise<ReturnType<typeof advisories>> {
  const npm = spawn('npm', ['audit', '--omit=dev', '--json', '--fetch-retries=1', '--fetch-timeout=20000'], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [printed] = await Promise.all([text(npm.stdout), once(npm, 'close')])
  return advisories(printed)
}

const manifest = Value.Parse(Manifest, await readJson('package.json'))
const lock = Value.Parse(LockFile, await readJson('package-lock.json'))
const paths = runtimePaths(lock)
const installed = new Map(await Promise.all(paths.map(async (path) => [path, await licenceOf(path)] as const)))
const told = await askForAdvisories()

const faults = [
  ...looseVersions(manifest),
  ...unpinnedPackages(lock),
  ...refusedLicences(lock, installed),
  ...(told?.grave ?? []),
]
for (const fault of faults) console.error(`supply: ${fault}`)
for (const note of told?.other ?? []) console.log(`supply: ${note}; not grave enough to fail`)
if (!told) console.error('supply: !!! NOT AUDITED: the registry gave no advisories, so known defects would not be seen')
if (faults.length === 0) {
  console.log(
    `supply: ${paths.length} packages run with the service: pinned, permissively licensed${told ? ', no grave advisory' : ''}`,
  )
}
process.exitCode = faults.length > 0 ? 1 : told ? 0 : 2
