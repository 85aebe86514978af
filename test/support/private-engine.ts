// A real engine that belongs to one test, to be stopped, killed and started again: scripts/engine in a temporary folder.

import { execFile, spawnSync } from 'node:child_process'
import { access, mkdtemp, readFile, rm, rmdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import type { CleanUp } from './faults.ts'
import { skipWithoutEngine } from './live.ts'
import { until } from './until.ts'

const script = resolve(import.meta.dirname, '../../scripts/engine')
const hasDockerd = spawnSync('sh', ['-c', 'PATH=$PATH:/usr/sbin:/sbin command -v dockerd']).status === 0

/** For `test(name, { skip })`: why no engine can be started here, or false. Where no engine is tested, none is started. */
export const skipWithoutPrivateEngine: string | false =
  skipWithoutEngine ||
  (process.getuid?.() === 0 ? false : 'only root can start an engine') ||
  (hasDockerd ? false : 'needs dockerd')

export interface PrivateEngine {
  /** `unix://...`, the same after a new start. */
  readonly host: string
  /** The folder of its files. */
  readonly folder: string
  /** Stops dockerd as a debugger would: it holds its sockets and says nothing. */
  hang(): Promise<void>
  goOn(): Promise<void>
  /** Kills it with all that runs in it; resolves when it is gone. */
  kill(): Promise<void>
  start(): Promise<void>
}

/** In every private engine. */
export const labImage = 'busybox:1.36'

/**
 * Resolves when it answers. `flags` are dockerd's; with `disk`, mount options of a tmpfs, all of its data lies on a disk of that
 * size. The engine ends with the suite.
 */
export async function startPrivateEngine(
  cleanUp: CleanUp,
  flags: readonly string[] = [],
  disk?: string,
): Promise<PrivateEngine> {
  const parent = await mkdtemp(join(tmpdir(), 'engine-'))
  if (disk !== undefined) {
    await promisify(execFile)('mount', ['-t', 'tmpfs', '-o', disk, 'tmpfs', parent])
    cleanUp.after(async () => {
      await promisify(execFile)('umount', [parent])
      await rmdir(parent)
    })
  }
  const folder = join(parent, 'e')
  const call = (word: string): Promise<unknown> =>
    promisify(execFile)(script, [word, folder], { env: { ...process.env, ENGINE_FLAGS: flags.join(' ') } })
  cleanUp.after(async () => {
    await call('stop')
    if (disk === undefined) await rm(parent, { recursive: true })
  })
  /** The first child of its namespace's first process, which the sandboxes' parents become children of later. */
  const dockerd = async (): Promise<number> => {
    const first = (await readFile(join(folder, 'engine.pid'), 'utf8')).trim()
    const children = await readFile(`/proc/${first}/task/${first}/children`, 'utf8')
    return Number(children.trim().split(' ')[0])
  }
  await call('start')
  const host = `unix://${folder}/docker.sock`
  const makeImage = ['--import', 'tsx', resolve(script, '../lab-image.ts'), labImage]
  await promisify(execFile)(process.execPath, makeImage, { env: { ...process.env, DOCKER_HOST: host } })
  return {
    host,
    folder,
    hang: async () => void process.kill(await dockerd(), 'SIGSTOP'),
    goOn: async () => void process.kill(await dockerd(), 'SIGCONT'),
    async kill() {
      const first = Number(await readFile(join(folder, 'engine.pid'), 'utf8'))
      process.kill(first, 'SIGKILL')
      await until('the end of the engine', () => access(`/proc/${first}`).then(Boolean, () => true))
    },
    start: async () => void (await call('start')),
  }
}
