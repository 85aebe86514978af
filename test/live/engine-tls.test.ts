// Mutual TLS with a real dockerd (--tlsverify), as with Docker in Docker: DOCKER_HOST=tcp://…, DOCKER_TLS_VERIFY, DOCKER_CERT_PATH.
// The engine listens on the loopback of its own network, so two relays carry the bytes there, unread.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { createEngine, type Engine, isEngineError, packTar } from '../../engine-api/index.ts'
import { readConfig } from '../../src/config.ts'
import { type Authority, makeAuthority, skipWithoutOpenssl } from '../support/certificates.ts'
import { cleanUpOfSuite } from '../support/faults.ts'
import { labImage, skipWithoutPrivateEngine, startPrivateEngine } from '../support/private-engine.ts'

/** dockerd's port, in a network that has nothing else. */
const port = 2376

/** Carries bytes from the Unix socket in argument 1 to dockerd; runs inside its network. */
const relay = `
const { connect, createServer } = require('node:net')
createServer({ allowHalfOpen: true }, (near) => {
  const far = connect({ port: ${port}, host: '127.0.0.1', allowHalfOpen: true })
  near.pipe(far).pipe(near)
  near.on('error', () => far.destroy())
  far.on('error', () => near.destroy())
}).listen(process.argv[1], () => console.log('ready'))`

describe('mutual TLS', { skip: skipWithoutPrivateEngine || skipWithoutOpenssl, timeout: 120_000 }, () => {
  const cleanUp = cleanUpOfSuite(after)
  let folder = ''
  let ours: Authority
  let others: Authority
  /** Where the relay to dockerd listens. */
  let relayPort = 0
  let good = ''

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tls-'))
    cleanUp.after(() => rm(folder, { recursive: true }))
    ours = makeAuthority(join(folder, 'ours'))
    others = makeAuthority(join(folder, 'others'))
    good = ours.issue(join(folder, 'good'), {})
    const its = ours.issue(join(folder, 'engine'), { addresses: ['127.0.0.1'] })
    const pem = { tlscacert: 'ca.pem', tlscert: 'cert.pem', tlskey: 'key.pem' }
    const files = Object.entries(pem).flatMap(([flag, name]) => [`--${flag}`, join(its, name)])
    const engine = await startPrivateEngine(cleanUp, ['-H', `tcp://127.0.0.1:${port}`, '--tlsverify', ...files])

    const socketPath = join(folder, 'relay')
    const script = resolve(import.meta.dirname, '../../scripts/engine')
    const inside = spawn(script, ['run', engine.folder, process.execPath, '-e', relay, socketPath], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    await once(inside.stdout, 'data')
    const outside = createServer({ allowHalfOpen: true }, (near) => {
      const far = connect({ path: socketPath, allowHalfOpen: true })
      near.pipe(far).pipe(near)
      near.on('error', () => far.destroy())
      far.on('error', () => near.destroy())
    })
    await new Promise<void>((resolve) => outside.listen(0, '127.0.0.1', resolve))
    cleanUp.after(async () => {
      outside.close()
      inside.kill()
    })
    const address = outside.address()
    assert.ok(typeof address === 'object' && address !== null)
    relayPort = address.port
  })

  /** A client as the service makes it from its environment. */
  function engineFrom(certPath: string | undefined, name = '127.0.0.1'): Engine {
    const tls = certPath === undefined ? {} : { DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: certPath }
    return createEngine(readConfig({ DOCKER_HOST: `tcp://${name}:${relayPort}`, ...tls }).engine)
  }

  async function failure(engine: Engine): Promise<string> {
    const error = await engine.system.info().then(
      () => assert.fail('the engine answered'),
      (reason: unknown) => reason,
    )
    await engine.close()
    assert.ok(isEngineError(error), String(error))
    assert.ok(['unreachable', 'protocol'].includes(error.code), error.code)
    return error.message
  }

  test('a sandbox lives its life: archive in and out, exec with and without an upgrade', async () => {
    const engine = engineFrom(good)
    assert.ok((await engine.system.info()).NCPU > 0)
    const body = { Image: labImage, Cmd: ['sleep', 'infinity'], HostConfig: { NetworkMode: 'none' } }
    const { Id: id } = await engine.containers.create({ name: 'tls', body })
    await engine.containers.start(id)
    const content = Buffer.alloc(3_000_000, 'x')
    const file = { name: 'large', type: 'file', mode: 0o644, uid: 0, gid: 0, mtimeMs: 0, body: content } as const
    await engine.containers.putArchive(id, '/tmp', packTar([file]))
    for await (const { name, size, body: pieces } of engine.containers.archive(id, '/tmp/large')) {
      let length = 0
      for await (const piece of pieces) length += piece.length
      assert.deepEqual([name.toString(), size, length], ['large', content.length, content.length])
    }
    const limits = { timeoutMs: 30_000, maxOutputBytes: 100 }
    const run = await engine.exec.run(id, { command: ['sh', '-c', 'echo out; echo err >&2; exit 3'], ...limits })
    assert.deepEqual([run.exitCode, run.stdout.toString(), run.stderr.toString()], [3, 'out\n', 'err\n'])

    const sort = await engine.exec.open(id, { command: ['sort'] })
    await sort.write(Buffer.from('b\na\n'))
    await sort.endInput()
    let sorted = ''
    for await (const { bytes } of sort.output) sorted += bytes
    assert.deepEqual([sorted, await sort.exitCode()], ['a\nb\n', 0])
    await engine.containers.kill(id)
    await engine.containers.stop(id)
    await engine.containers.remove(id)
    await engine.close()
  })

  test('no certificates: the client is told to get a folder of them', async () => {
    assert.match(await failure(engineFrom(undefined)), /HTTPS server.*certificate folder/)
    assert.throws(() => readConfig({ DOCKER_TLS_VERIFY: '1' }), /DOCKER_CERT_PATH must name the folder of ca\.pem/)
    assert.throws(() => engineFrom(join(folder, 'absent')), /absent\/ca\.pem cannot be read/)
  })

  test('a certificate of another authority, and an expired one: it is cert.pem that has to be changed', async () => {
    const stranger = others.issue(join(folder, 'stranger'), { trusts: ours })
    const expired = ours.issue(join(folder, 'expired'), { isExpired: true })
    for (const certPath of [stranger, expired]) {
      assert.match(
        await failure(engineFrom(certPath)),
        /refuses our certificate: cert\.pem must be signed .*not be expired/,
      )
    }
  })

  test('another ca.pem than the engine’s: it is ca.pem that has to be changed', async () => {
    const trusting = ours.issue(join(folder, 'trusting'), { trusts: others })
    assert.match(await failure(engineFrom(trusting)), /not signed by ca\.pem/)
  })

  test('a host name that the engine’s certificate has not: it is the host or that certificate', async () => {
    assert.match(await failure(engineFrom(good, 'localhost')), /localhost:\d+ is for other names/)
  })
})
