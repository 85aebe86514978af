// Hosts, mutual TLS, and what a connection that cannot be made says.

import assert from 'node:assert/strict'
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer as createPlainServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { createServer } from 'node:tls'
import { systemPing } from '../../../engine-api/endpoints/system/ping.ts'
import { createEngine, isEngineError } from '../../../engine-api/index.ts'
import { connectionError } from '../../../engine-api/transport/connection-error.ts'
import { parseHost } from '../../../engine-api/transport/host.ts'
import { type Authority, makeAuthority, skipWithoutOpenssl } from '../../support/certificates.ts'
import { pong } from '../raw-server.ts'

const refused = (error: unknown): boolean => isEngineError(error, 'invalid-argument')

test('a socket and an address are understood', () => {
  const socket = parseHost({ host: 'unix:///var/run/docker.sock' })
  assert.deepEqual(socket.connect, { socketPath: '/var/run/docker.sock' })
  assert.equal(parseHost({ host: 'tcp://10.0.0.5:2375' }).origin, 'http://10.0.0.5:2375')
  assert.equal(parseHost({ host: 'tcp://[::1]:2375/' }).origin, 'http://[::1]:2375')
})

test('anything else is refused at once, saying what would do', () => {
  for (const host of [
    '',
    '/var/run/docker.sock',
    'unix://relative',
    'unix://',
    'http://a:1',
    'ssh://a',
    'npipe:////./pipe/docker',
    'tcp://a',
    'tcp://a:1/path',
    'tcp://user@a:1',
    'tcp://a:123456',
  ]) {
    assert.throws(() => createEngine({ host }), refused, host)
  }
})

test('certificates need a tcp host and must be there', () => {
  assert.throws(() => createEngine({ host: 'unix:///a', certPath: '/certs' }), refused)
  assert.throws(() => createEngine({ host: 'tcp://a:1', certPath: '/nonexistent' }), /\/nonexistent\/ca\.pem/)
})

test('a socket without permission names the socket and the group', () => {
  const cause = Object.assign(new Error('connect EACCES /run/docker.sock'), { code: 'EACCES' })
  const error = connectionError('/run/docker.sock', systemPing, '/_ping', cause)
  assert.deepEqual([error.code, error.retry], ['unreachable', 'same'])
  assert.match(error.message, /permission.*\/run\/docker\.sock.*group/)
})

test('mutual TLS: both sides prove themselves, and who does not is told what to change', {
  skip: skipWithoutOpenssl,
}, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'engine-tls-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const ours = makeAuthority(join(folder, 'ours'))
  const others = makeAuthority(join(folder, 'others'))
  const issued = (name: string, authority: Authority, wish: Parameters<Authority['issue']>[1] = {}): string =>
    authority.issue(join(folder, name), wish)
  const listen = async (server: Server): Promise<string> => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    t.after(() => server.close())
    const address = server.address()
    assert.ok(typeof address === 'object' && address !== null)
    return `tcp://127.0.0.1:${address.port}`
  }
  const serve = (certPath: string): Promise<string> => {
    const [cert, key, ca] = ['cert.pem', 'key.pem', 'ca.pem'].map((name) => readFileSync(join(certPath, name)))
    const options = { cert, key, ca, requestCert: true, rejectUnauthorized: true }
    const server = createServer(options, (socket) => {
      socket.on('error', () => undefined)
      socket.on('data', () => socket.write(pong('1.41')))
    })
    return listen(server)
  }
  const ping = (host: string, certPath?: string): Promise<void> => {
    const engine = createEngine({ host, certPath })
    return engine.system.ping().finally(() => engine.close())
  }

  const host = await serve(issued('engine', ours, { addresses: ['127.0.0.1'] }))
  const good = issued('good', ours)
  await ping(host, good)
  const unreachable = async (pending: Promise<void>, advice: RegExp): Promise<void> => {
    await assert.rejects(
      pending,
      (error) => isEngineError(error, 'unreachable') && error.retry === 'same' && advice.test(error.message),
    )
  }
  await unreachable(ping(host), /broke/)
  // Node's server hangs up on a stranger without a word; a real engine says why (test/live/engine-tls.test.ts).
  await unreachable(ping(host, issued('stranger', others, { trusts: ours })), /broke/)
  await unreachable(ping(host, issued('trusting', ours, { trusts: others })), /not signed by ca\.pem/)
  const named = await serve(issued('named', ours, { addresses: ['127.0.0.2'] }))
  await unreachable(ping(named, good), /for other names/)
  const expired = await serve(issued('expired', ours, { addresses: ['127.0.0.1'], isExpired: true }))
  await unreachable(ping(expired, good), /has expired/)
  const plain = await listen(createPlainServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')))
  await unreachable(ping(plain, good), /does not speak TLS/)

  const mixed = issued('mixed', ours)
  copyFileSync(join(good, 'key.pem'), join(mixed, 'key.pem'))
  assert.throws(() => createEngine({ host, certPath: mixed }), /the key that of the certificate/)
})
