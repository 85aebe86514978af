// A process of the service for tests, from the bundle: the one place that starts one.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { builtService } from './built-service.ts'

export interface ServiceProcess {
  readonly child: ChildProcess
  readonly pid: number
  /** Resolves with the exit code when the process is gone and its output is read; null after a signal. */
  readonly closed: Promise<number | null>
  /** All that it has printed so far. */
  output(): string
  hasEnded(): boolean
}

export interface ProcessOptions {
  /** Loads what takes time, then waits for the environment as its first message. */
  readonly isSpare?: boolean
  /** Further flags of node, such as `--max-old-space-size=128`. */
  readonly nodeFlags?: readonly string[]
  /** Ended by force after this many milliseconds. */
  readonly timeout?: number
}

/** The environment is exactly `env`: nothing of the test's own gets in. */
export function startProcess(
  env: Readonly<Record<string, string>>,
  { nodeFlags = [], isSpare = false, timeout }: ProcessOptions = {},
): ServiceProcess {
  const built = builtService()
  const flags = isSpare ? [...nodeFlags, '--import', built.spare] : nodeFlags
  const child = spawn(process.execPath, [...flags, built.server], {
    env,
    stdio: ['ignore', 'pipe', 'pipe', ...(isSpare ? (['ipc'] as const) : [])],
    ...(timeout === undefined ? {} : { timeout, killSignal: 'SIGKILL' }),
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream?.setEncoding('utf8').on('data', (text) => (output += text))
  return {
    child,
    pid: child.pid ?? -1,
    closed: once(child, 'close').then(() => child.exitCode),
    output: () => output,
    hasEnded: () => child.exitCode !== null || child.signalCode !== null,
  }
}
