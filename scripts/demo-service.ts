// The service as the demo uses it: started with settings of its own, called over plain HTTP, stopped by a signal.
// It is started by the command behind `npm start`, without npm, which would die of the signal and leave it running.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { openSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Static, TSchema } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'

export interface Service {
  readonly address: string
  /** POSTs to `path` and gives the answer, which must be a 200 of this shape. */
  post<Answer extends TSchema>(path: string, request: object, answer: Answer): Promise<Static<Answer>>
  /** Ends the service, which must exit with 0, and waits for it. */
  stop(): Promise<void>
}

const startSeconds = 60
/** Asked of the service: after this long it would answer 202 and go on by itself. */
const waitSeconds = 120

/** Settings of the caller's own service are none of the demo's: it must not work in that one's store. */
const inherited = (): NodeJS.ProcessEnv =>
  Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(?:MINIO|AUTH|TRAEFIK|ROUTES)(?:_|$)/.test(name)),
  )

/** Starts the service with `settings` as its environment (beside PATH and the like), its log in `logFile`. */
export async function startService(
  settings: Readonly<Record<string, string>>,
  logFile: string,
  signal: AbortSignal,
): Promise<Service> {
  const port = await freePort()
  const log = openSync(logFile, 'a')
  // Detached: Ctrl-C in a terminal is for the demo alone, which then stops the service in its own order.
  const child = spawn(process.execPath, ['--import', 'tsx', 'src/server.ts'], {
    cwd: resolve(import.meta.dirname, '..'),
    env: { ...inherited(), ...settings, LISTEN: `127.0.0.1:${port}` },
    stdio: ['ignore', log, log],
    detached: true,
  })
  const exit = once(child, 'exit')
  const address = `http://127.0.0.1:${port}`
  const service: Service = { address, post, stop }
  try {
    await answering()
  } catch (error) {
    await stop().catch(() => {})
    throw new Error(`the service did not start. Its log:\n${readFileSync(logFile, 'utf8').slice(-4000)}`, {
      cause: error,
    })
  }
  return service

  async function answering(): Promise<void> {
    const deadline = Date.now() + startSeconds * 1000
    while (child.exitCode === null && Date.now() < deadline) {
      const answer = await fetch(`${address}/readyz`, { signal }).catch(() => undefined)
      if (answer?.status === 200) return
      signal.throwIfAborted()
      await sleep(100)
    }
    throw new Error(child.exitCode === null ? `not ready within ${startSeconds} s` : `it exited with ${child.exitCode}`)
  }

  async function post<Answer extends TSchema>(path: string, request: object, shape: Answer): Promise<Static<Answer>> {
    const response = await fetch(address + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', prefer: `wait=${waitSeconds}` },
      body: JSON.stringify(request),
      signal,
    })
    const text = await response.text()
    if (response.status !== 200) throw new Error(`${path} answered ${response.status}:\n${text}`)
    const answer: unknown = JSON.parse(text)
    if (Value.Check(shape, answer)) return answer
    const wrong = Value.Errors(shape, answer).First()
    throw new Error(`${path}: ${wrong?.path} ${wrong?.message} in\n${text}`)
  }

  async function stop(): Promise<void> {
    child.kill('SIGTERM')
    const [code] = await exit
    if (code !== 0) throw new Error(`the service ended with ${code}`)
  }
}

/** A port that nobody uses now. Somebody else may take it before the service does; then the service says so. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (typeof address !== 'object' || address === null) throw new Error('no free port on 127.0.0.1')
  return address.port
}
