// A folder that the process of a service lives in, with no engine behind it.

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { catalogueText } from './memory-class.ts'
import { type ServiceProcess, startProcess } from './service-process.ts'

/** A folder with a catalogue, and the environment of a service that lives in it and has no engine. */
export async function installation(t: TestContext) {
  const folder = await mkdtemp(join(tmpdir(), 'class-runtime-test-'))
  const ends: (() => Promise<unknown>)[] = []
  t.after(async () => {
    await Promise.all(ends.map((end) => end()))
    await rm(folder, { recursive: true, force: true })
  })
  await writeFile(join(folder, 'catalogue.json'), catalogueText())
  const env: Record<string, string> = {
    PATH: process.env['PATH'] ?? '',
    LISTEN: join(folder, 'service.sock'),
    DOCKER_HOST: `unix://${join(folder, 'no-engine.sock')}`,
    CATALOGUE: join(folder, 'catalogue.json'),
    ARTIFACTS_DIR: join(folder, 'artifacts'),
  }
  const start = (change: Record<string, string> = {}): ServiceProcess => {
    const service = startProcess({ ...env, ...change })
    ends.push(() => end(service))
    return service
  }
  return { folder, socket: join(folder, 'service.sock'), start }
}

export function end({ child, closed }: ServiceProcess, signal: NodeJS.Signals = 'SIGKILL'): Promise<number | null> {
  child.kill(signal)
  return closed
}

/** How a service that cannot start ends. */
export const failedStart = async ({ closed, output }: ServiceProcess) => ({ exitCode: await closed, words: output() })
