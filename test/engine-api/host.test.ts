// Hosts, mutual TLS, and what a connection that cannot be made says.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { createServer } from 'node:tls'
import { connectionError } from '../../engine-api/connection-error.ts'
import { systemPing } from '../../engine-api/endpoints/system-ping.ts'
import { parseHost } from '../../engine-api/host.ts'
import { createEngine, isEngineError } from '../../engine-api/index.ts'
import { pong } from './raw-server.ts'

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

const hasOpenssl = (() => {
  try {
    execFileSync('openssl', ['version'])
    return true
  } catch {
    return false
  }
})()

test('mutual TLS: both sides prove themselves', { skip: hasOpenssl ? false : 'needs openssl' }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'engine-tls-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1', '-days', '1']
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  execFileSync('openssl', ['req', '-x509', ...key, ...subject, '-keyout', 'key.pem', '-out', 'cert.pem'], {
    cwd: folder,
    stdio: 'ignore',
  })
  execFileSync('cp', ['cert.pem', 'ca.pem'], { cwd: folder })
  const pem = (name: string): Buffer => readFileSync(join(folder, name))
  const server = createServer(
    { cert: pem('cert.pem'), key: pem('key.pem'), ca: pem('ca.pem'), requestCert: true, rejectUnauthorized: true },
    (socket) => {
      socket.on('error', () => undefined)
      socket.on('data', () => socket.write(pong('1.41')))
    },
  )
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  const address = server.address()
  assert.ok(typeof address === 'object' && address !== null)
  const host = `tcp://127.0.0.1:${address.port}`

  const trusted = createEngine({ host, certPath: folder })
  t.after(() => trusted.close())
  await trusted.system.ping()
  const plain = createEngine({ host })
  t.after(() => plain.close())
  await assert.rejects(plain.system.ping(), (error) => isEngineError(error, 'unreachable'))
})
