// The process, started for real on a Unix socket with no engine behind it: exit codes, stale sockets, signals.
// What a configuration that cannot be used ends in: server-refuses.proof.ts.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { access, stat } from 'node:fs/promises'
import { request } from 'node:http'
import { test } from 'node:test'
import { end, failedStart, installation } from '../support/installation.ts'
import type { ServiceProcess } from '../support/service-process.ts'
import { bearer, portalSecret } from '../support/tokens.ts'

test('without its engine the service starts, takes over a stale socket, and ends well at SIGTERM', async (t) => {
  const { start, socket } = await installation(t)
  const killed = start()
  await listening(killed)
  await end(killed)
  await access(socket)

  const service = start()
  await listening(service)
  assert.equal((await get(socket, '/healthz')).status, 200)
  assert.equal((await stat(socket)).mode & 0o777, 0o660)
  const { status, body } = await get(socket, '/readyz')
  assert.equal(status, 503)
  assert.match(body, /"engine":"The Docker Engine is not running.*"store":"ok"/)

  const second = await failedStart(start())
  assert.equal(second.exitCode, 78)
  assert.match(second.words, /in use by another process/)
  assert.equal((await get(socket, '/healthz')).status, 200, 'the first still answers')

  assert.equal(await end(service, 'SIGTERM'), 0)
  await assert.rejects(access(socket))
})

test('without a key source the start says loudly that nobody is authenticated; with one, callers show a token', async (t) => {
  const { start, socket, folder } = await installation(t)
  const open = start()
  const said = await listening(open, 'AUTH is off: everybody')
  assert.match(said, new RegExp(`"store":"the folder ${folder}/artifacts","engine":"unix://${folder}/no-engine.sock"`))
  assert.match(said, new RegExp(`"catalogue":"${folder}/catalogue.json","keySource":"none: AUTH is off"`))
  assert.match(said, /"level":40,.*AUTH is off: everybody/)
  assert.equal((await get(socket, '/room/operations/gone')).status, 404)
  await end(open)

  const closed = start({ AUTH_JWT_SECRET: portalSecret })
  const log = await listening(closed, 'AUTH is jwt')
  assert.match(log, /"key":"secret".*AUTH is jwt/)
  assert.ok(!log.includes(portalSecret))
  assert.equal((await get(socket, '/room/operations/gone')).status, 401)
  assert.equal((await get(socket, '/room/operations/gone', bearer('a-hoa', 'admin'))).status, 404)
  assert.equal((await get(socket, '/healthz')).status, 200)
})

/** Resolves with the log when the service has said that it listens, or other words of a start. */
async function listening({ child, closed, output }: ServiceProcess, words = 'Server listening'): Promise<string> {
  while (!output().includes(words)) {
    const ended = await Promise.race([once(child.stdout ?? child, 'data').then(() => false), closed.then(() => true)])
    assert.ok(!ended, `it ended: ${output()}`)
  }
  return output()
}

async function get(
  socketPath: string,
  path: string,
  headers: Record<string, string> = {},
): Promise<{ status: number | undefined; body: string }> {
  const call = request({ socketPath, path, headers }).end()
  const [response] = await once(call, 'response')
  let body = ''
  for await (const chunk of response) body += chunk
  return { status: response.statusCode, body }
}
