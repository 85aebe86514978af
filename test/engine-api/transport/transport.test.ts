// How calls travel: version, statuses, errors, repeats, timeouts, abort. The server's bytes are hand-made.

import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { type TestContext, test } from 'node:test'
import { startContainer } from '../../../engine-api/endpoints/container/start.ts'
import { stopContainer } from '../../../engine-api/endpoints/container/stop.ts'
import { waitContainer } from '../../../engine-api/endpoints/container/wait.ts'
import { pingSystem } from '../../../engine-api/endpoints/system/ping.ts'
import { inspectVolume } from '../../../engine-api/endpoints/volume/inspect.ts'
import {
  type CallReport,
  createEngine,
  type Engine,
  EngineError,
  type EngineErrorCode,
  isEngineError,
  type SwarmNode,
} from '../../../engine-api/index.ts'
import { createTransport, type EngineOptions } from '../../../engine-api/transport/transport.ts'
import { answerOf, pong, type RawServer, rawServer } from '../raw-server.ts'

const volume = '{"Name":"v","Driver":"local","Labels":null}'
const node: SwarmNode = {
  ID: 'n',
  Version: { Index: 1 },
  Spec: { Role: 'worker', Availability: 'active' },
  Description: {},
  Status: { State: 'ready', Addr: '10.0.0.2' },
}
const addresses = { ListenAddr: '10.0.0.2:2377', AdvertiseAddr: '10.0.0.2' }
const invitation = { RemoteAddrs: ['10.0.0.1:2377'], JoinToken: 't' }

function engineFor(t: TestContext, server: RawServer, options: Partial<EngineOptions> = {}): Engine {
  const engine = createEngine({ host: server.host, ...options })
  t.after(() => engine.close())
  return engine
}

/** A transport with short timeouts. */
function hurried(t: TestContext, server: RawServer) {
  const short = { headersMs: 100, idleMs: 100 }
  const timeouts = { quick: short, slow: short, unbounded: { headersMs: 0, idleMs: 0 } }
  const transport = createTransport({ host: server.host, timeouts })
  t.after(() => transport.close())
  return transport
}

async function failureOf(pending: Promise<unknown>): Promise<EngineError> {
  try {
    await pending
  } catch (error) {
    if (isEngineError(error)) return error
    throw error
  }
  return assert.fail('it was expected to fail')
}

const fails = async (pending: Promise<unknown>, code: EngineErrorCode): Promise<EngineError> => {
  const error = await failureOf(pending)
  assert.equal(error.code, code, error.message)
  return error
}

test('the version is asked for once by all calls that wait for it, without a prefix, and then used', async (t) => {
  const server = await rawServer(t, (socket) => socket.write(answerOf(200, volume)))
  const engine = engineFor(t, server)
  await Promise.all(Array.from({ length: 10 }, () => engine.volumes.inspect('v')))
  assert.equal(server.pings(), 1)
  assert.deepEqual(new Set(server.requests.map(({ target }) => target)), new Set(['/v1.41/volumes/v']))
})

test('the version is the newest that both know', async (t) => {
  for (const [offered, used] of [
    ['1.44', '1.44'],
    ['1.99', '1.51'],
  ]) {
    const server = await rawServer(t, (socket) => socket.write(answerOf(200, volume)), {
      ping: () => pong(offered ?? ''),
    })
    await engineFor(t, server).volumes.inspect('v')
    assert.equal(server.requests[0]?.target, `/v${used}/volumes/v`)
  }
})

test('an engine that is too old is refused with what to do, and its replacement is found', async (t) => {
  let offered = '1.40'
  const server = await rawServer(t, (socket) => socket.write(answerOf(200, volume)), { ping: () => pong(offered) })
  const engine = engineFor(t, server)
  const error = await fails(engine.volumes.inspect('v'), 'version-unsupported')
  assert.match(error.message, /1\.40.*upgrade the engine/)
  assert.equal(server.requests.length, 0)
  offered = '1.41'
  await engine.volumes.inspect('v')
})

test('a server that is no engine is told apart, and an engine that is ill still names its version', async (t) => {
  const answers = [answerOf(200, '<html><title>Router</title></html>'), answerOf(500, 'ill', { 'Api-Version': '1.41' })]
  const server = await rawServer(t, (socket) => socket.write(answerOf(200, volume)), {
    ping: () => (answers.shift() ?? '').toString(),
  })
  const engine = engineFor(t, server)
  await fails(engine.volumes.inspect('v'), 'protocol')
  await engine.volumes.inspect('v')
})

test('a refused version is negotiated anew at the next call', async (t) => {
  const answers = [answerOf(400, '{"message":"client version 1.44 is too new. Maximum supported API version is 1.41"}')]
  const offers = ['1.44', '1.41']
  const server = await rawServer(t, (socket) => socket.write(answers.shift() ?? answerOf(200, volume)), {
    ping: () => pong(offers.shift() ?? ''),
  })
  const engine = engineFor(t, server)
  assert.equal((await fails(engine.volumes.inspect('v'), 'version-unsupported')).retry, 'same')
  await engine.volumes.inspect('v')
  assert.equal(server.requests[1]?.target, '/v1.41/volumes/v')
})

test('every refusal is an EngineError with status, words and advice; none resolves', async (t) => {
  const cases: [number, EngineErrorCode, string][] = [
    [400, 'bad-request', 'no'],
    [403, 'forbidden', 'no'],
    [404, 'not-found', 'no'],
    [409, 'conflict', 'after-inspect'],
    [418, 'unexpected-status', 'no'],
    [202, 'unexpected-status', 'no'],
    [500, 'server-error', 'after-inspect'],
    [503, 'server-error', 'after-inspect'],
  ]
  for (const [status, code, retry] of cases) {
    const server = await rawServer(t, (socket) => socket.write(answerOf(status, '{"message":"the words"}\n')))
    const error = await fails(engineFor(t, server).networks.create({ Name: 'n' }), code)
    assert.ok(error instanceof EngineError && error.stack !== undefined)
    const { endpoint, method, path, engineMessage } = error
    assert.deepEqual(
      { endpoint, method, path, status: error.status, engineMessage, retry: error.retry },
      {
        endpoint: 'network-create',
        method: 'POST',
        path: '/v1.41/networks/create',
        status,
        engineMessage: 'the words',
        retry,
      },
    )
  }
})

test('error bodies are read as JSON, text, a proxy page or nothing', async (t) => {
  for (const [body, message] of [
    ['{"message":"json words"}', 'json words'],
    ['{"cause":"x","message":"podman words","response":500}', 'podman words'],
    ['plain words\n', 'plain words'],
    ['{"other":1}', '{"other":1}'],
    ['<html><title>502 Bad Gateway</title></html>', 'an HTML page (502 Bad Gateway): is a proxy in between?'],
    ['', undefined],
  ]) {
    const server = await rawServer(t, (socket) => socket.write(answerOf(500, body)))
    assert.equal((await fails(engineFor(t, server).containers.start('c'), 'server-error')).engineMessage, message)
  }
})

test('an endless error body is cut, and its connection freed', async (t) => {
  const server = await rawServer(t, (socket) => {
    socket.write('HTTP/1.1 500 Status\r\nConnection: close\r\n\r\n')
    const more = (): void => {
      while (!socket.destroyed && socket.write(Buffer.alloc(16 * 1024, 'x')));
    }
    socket.on('drain', more)
    more()
  })
  const error = await fails(engineFor(t, server).containers.start('c'), 'server-error')
  assert.equal(error.engineMessage?.length, 64 * 1024)
  await server.untilReleased()
})

test('a redirect is an error and is not followed', async (t) => {
  const server = await rawServer(t, (socket) => socket.write(answerOf(301, '', { Location: '/elsewhere' })))
  const error = await fails(engineFor(t, server).volumes.inspect('v'), 'protocol')
  assert.match(error.message, /\/elsewhere/)
  assert.equal(server.requests.length, 1)
})

test('benign statuses are values', async (t) => {
  const statuses = [204, 304, 204, 304, 204, 404]
  const server = await rawServer(t, (socket) => socket.write(`HTTP/1.1 ${statuses.shift()} Status\r\n\r\n`))
  const { containers } = engineFor(t, server)
  const seen: string[] = [await containers.start('c'), await containers.start('c'), await containers.stop('c')]
  seen.push(await containers.stop('c'), await containers.remove('c'))
  assert.deepEqual(seen, ['started', 'already-running', 'stopped', 'already-stopped', 'removed'])
})

test('a body that nobody wants holds no connection, however long it is', { timeout: 20_000 }, async (t) => {
  const server = await rawServer(t, (socket) => socket.write(answerOf(404, Buffer.alloc(1024 * 1024, 'x'))))
  assert.equal(await engineFor(t, server).containers.remove('c'), 'already-gone')
  await server.untilReleased()
})

test('a status that misleads is read by the words on record', async (t) => {
  const cases: [number, string, (engine: Engine) => Promise<unknown>, string][] = [
    [403, 'endpoint with name x already exists in network y', (e) => e.networks.connect('n', 'c'), 'already-connected'],
    [409, 'c is already attached to network n', (e) => e.networks.connect('n', 'c'), 'already-connected'],
    [500, 'c is already connected to network "n"', (e) => e.networks.connect('n', 'c'), 'already-connected'],
    [500, 'container c is not connected to network n', (e) => e.networks.disconnect('n', 'c'), 'not-connected'],
    [404, 'No such container: c', (e) => e.networks.disconnect('n', 'c'), 'not-connected'],
    [404, 'Not Found', (e) => e.containers.update('c', { RestartPolicy: { Name: 'no' } }), 'not-supported'],
    [409, 'Container c is not running', (e) => e.containers.kill('c'), 'not-running'],
    [500, 'can only kill running containers', (e) => e.containers.kill('c'), 'not-running'],
    [409, 'Container c is already paused', (e) => e.containers.pause('c'), 'already-paused'],
    [500, '"c" is already paused: container state improper', (e) => e.containers.pause('c'), 'already-paused'],
    [500, 'Container c is not paused', (e) => e.containers.unpause('c'), 'not-paused'],
    [404, 'No such image: i:t', (e) => e.images.remove('i:t'), 'already-gone'],
    [500, 'network n not found', (e) => e.networks.remove('n'), 'already-gone'],
    [503, 'This node is not part of a swarm', (e) => e.swarm.leave(), 'not-in-one'],
  ]
  for (const [status, message, call, outcome] of cases) {
    const server = await rawServer(t, (socket) => socket.write(answerOf(status, JSON.stringify({ message }))))
    assert.equal(await call(engineFor(t, server)), outcome)
  }
  const refused: [number, string, (engine: Engine) => Promise<unknown>, EngineErrorCode][] = [
    [500, 'running: container state improper', (e) => e.containers.remove('c'), 'conflict'],
    [
      500,
      'the container name "c" is already in use',
      (e) => e.containers.create({ name: 'c', body: { Image: 'i' } }),
      'conflict',
    ],
    [500, 'network name n already used: network already exists', (e) => e.networks.create({ Name: 'n' }), 'conflict'],
    [500, 'subnet 10.0.0.0/28 is already used on the host', (e) => e.networks.create({ Name: 'n' }), 'forbidden'],
    [409, 'Container c is not running', (e) => e.containers.pause('c'), 'conflict'],
    [
      500,
      '"exited" is not running, can\'t pause: container state improper',
      (e) => e.containers.pause('c'),
      'conflict',
    ],
    [500, 'top can only be used on running containers', (e) => e.containers.processes('c'), 'conflict'],
    [500, 'network is being used by containers', (e) => e.networks.remove('n'), 'conflict'],
    [403, 'network n has active endpoints', (e) => e.networks.remove('n'), 'conflict'],
    [400, 'rpc error: desc = network n is in use by task t', (e) => e.networks.remove('n'), 'conflict'],
    [503, 'This node is already part of a swarm.', (e) => e.swarm.init(addresses), 'conflict'],
    [503, 'This node is already part of a swarm.', (e) => e.swarm.join({ ...addresses, ...invitation }), 'conflict'],
    [
      500,
      'rpc error: desc = update out of sequence',
      (e) => e.nodes.update(node, { Availability: 'drain' }),
      'conflict',
    ],
    [403, 'other words', (e) => e.networks.remove('n'), 'forbidden'],
    [403, 'other words', (e) => e.networks.connect('n', 'c'), 'forbidden'],
    [404, 'No such container: c', (e) => e.containers.update('c', { RestartPolicy: { Name: 'no' } }), 'not-found'],
  ]
  for (const [status, message, call, code] of refused) {
    const server = await rawServer(t, (socket) => socket.write(answerOf(status, JSON.stringify({ message }))))
    await fails(call(engineFor(t, server)), code)
  }
})

test('an answer of another shape names the field; unknown fields pass', async (t) => {
  const answers = [
    '{"Name":"v","Driver":7,"Labels":null}',
    '{"Name":"v"}',
    '[]',
    'not json',
    `${volume.slice(0, -1)},"New":1}`,
  ]
  const server = await rawServer(t, (socket) => socket.write(answerOf(200, answers.shift())))
  const { volumes } = engineFor(t, server)
  assert.match((await fails(volumes.inspect('v'), 'protocol')).message, /: Driver: /)
  assert.match((await fails(volumes.inspect('v'), 'protocol')).message, /: Driver: /)
  await fails(volumes.inspect('v'), 'protocol')
  await fails(volumes.inspect('v'), 'protocol')
  assert.equal((await volumes.inspect('v')).Name, 'v')
})

test('a GET whose connection closes unanswered is sent once more, on a new connection', async (t) => {
  let first = true
  const server = await rawServer(t, (socket) => {
    if (first) socket.destroy()
    else socket.write(answerOf(200, volume))
    first = false
  })
  await engineFor(t, server).volumes.inspect('v')
  assert.equal(server.requests.length, 2)
})

test('a second close is unreachable; other methods are never sent again', async (t) => {
  const server = await rawServer(t, (socket) => socket.destroy())
  const engine = engineFor(t, server)
  assert.equal((await fails(engine.volumes.inspect('v'), 'unreachable')).retry, 'same')
  assert.equal(server.requests.length, 2)
  assert.equal((await fails(engine.networks.create({ Name: 'n' }), 'unreachable')).retry, 'after-inspect')
  assert.equal((await fails(engine.containers.remove('c'), 'unreachable')).retry, 'same')
  await fails(engine.containers.stat('c', '/'), 'unreachable')
  assert.equal(server.requests.length, 5)
})

test('an answer that is cut is unreachable and not sent for again', async (t) => {
  const answers = [
    'HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\n{"Name"',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"Nam',
  ]
  for (const answer of answers) {
    for (const header of ['', 'Connection: close\r\n']) {
      const server = await rawServer(t, (socket) => socket.end(answer.replace('\r\n\r\n', `\r\n${header}\r\n`)))
      await fails(engineFor(t, server).volumes.inspect('v'), 'unreachable')
      assert.equal(server.requests.length, 1)
    }
  }
})

test('what is not HTTP is a protocol error', async (t) => {
  const server = await rawServer(t, (socket) => socket.write('SSH-2.0-OpenSSH\r\n\r\n'))
  await fails(engineFor(t, server).containers.start('c'), 'protocol')
})

test('no socket, nobody listening and no permission say what to do', async (t) => {
  const absent = createEngine({ host: 'unix:///nonexistent/engine.sock' })
  t.after(() => absent.close())
  const error = await fails(absent.system.ping(), 'unreachable')
  assert.match(error.message, /\/nonexistent\/engine\.sock.*running/)
  assert.equal(error.retry, 'same')
  const refusing = createEngine({ host: 'tcp://127.0.0.1:9' })
  t.after(() => refusing.close())
  assert.match((await fails(refusing.system.ping(), 'unreachable')).message, /127\.0\.0\.1:9.*running/)
})

test('an engine that sends nothing before its headers or inside its body meets the timeouts of the class; unbounded has none', async (t) => {
  const silent = await rawServer(t, () => undefined)
  const transport = hurried(t, silent)
  assert.equal((await fails(pingSystem(transport), 'timeout')).retry, 'same')
  assert.equal(silent.requests.length, 1, 'a call that timed out is not repeated')
  await fails(startContainer(transport, 'c'), 'timeout')

  const stalled = await rawServer(t, (socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\n{'))
  await fails(inspectVolume(hurried(t, stalled), 'v'), 'timeout')

  const late = await rawServer(t, (socket) => {
    setTimeout(() => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\n'), 400)
    setTimeout(() => socket.write('{"StatusCode":0}'), 800)
  })
  assert.equal(await (await waitContainer(hurried(t, late), 'c')).exitCode(), 0)
})

test('a stop is given its grace on top of the headers timeout', async (t) => {
  const server = await rawServer(t, (socket) => {
    setTimeout(() => socket.write('HTTP/1.1 204 Status\r\n\r\n'), 1600)
  })
  assert.equal(await stopContainer(hurried(t, server), 'c', { graceSeconds: 5 }), 'stopped')
})

test('abort ends a call that waits for a free connection, at once', async (t) => {
  const server = await rawServer(t, () => undefined)
  const engine = engineFor(t, server)
  let released = 0
  const held = Array.from({ length: 16 }, () =>
    engine.volumes.inspect('v').catch(() => {
      released += 1
    }),
  )
  await server.untilRequests(16)
  const controller = new AbortController()
  const queued = engine.volumes.inspect('queued', { signal: controller.signal })
  setImmediate(() => controller.abort(new Error('enough')))
  const error = await fails(queued, 'aborted')
  assert.match(String(error.cause), /enough/)
  assert.deepEqual([server.requests.length, released], [16, 0])
  await engine.close()
  await Promise.all(held)
})

test('calls of one endpoint that hang leave the connections of all others free', async (t) => {
  const server = await rawServer(t, (socket, { target }) => {
    if (!target.includes('/volumes/v')) socket.write(answerOf(200, '[]'))
  })
  const engine = engineFor(t, server)
  let givenUp = 0
  const hung = Array.from({ length: 40 }, () =>
    engine.volumes.inspect('v').catch(() => {
      givenUp += 1
    }),
  )
  await server.untilRequests(16)
  assert.deepEqual(await engine.containers.list(), [])
  assert.equal(givenUp, 0)
  await engine.close()
  await Promise.all(hung)
})

test('abort ends a call before it begins, while it waits for the version, the head or the body', async (t) => {
  const silent = await rawServer(t, () => undefined, { ping: () => '' })
  const aborted = engineFor(t, silent).volumes.inspect('v', { signal: AbortSignal.abort() })
  await fails(aborted, 'aborted')
  await fails(engineFor(t, silent).volumes.inspect('v', { signal: AbortSignal.timeout(20) }), 'aborted')

  const headless = await rawServer(t, () => undefined)
  await fails(engineFor(t, headless).volumes.inspect('v', { signal: AbortSignal.timeout(50) }), 'aborted')
  await headless.untilReleased()

  const bodyless = await rawServer(t, (socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\n{'))
  await fails(engineFor(t, bodyless).volumes.inspect('v', { signal: AbortSignal.timeout(50) }), 'aborted')
  await bodyless.untilReleased()
})

test('one caller giving up on the version leaves it to the others', async (t) => {
  const server = await rawServer(t, (socket) => socket.write(answerOf(200, volume)))
  const engine = engineFor(t, server)
  const controller = new AbortController()
  const abortedCall = engine.volumes.inspect('v', { signal: controller.signal })
  const otherCall = engine.volumes.inspect('v')
  controller.abort()
  await fails(abortedCall, 'aborted')
  assert.equal((await otherCall).Name, 'v')
})

test('a signal that serves many calls gathers no listeners', async (t) => {
  const server = await rawServer(t, (socket) => socket.write(answerOf(200, volume)))
  const engine = engineFor(t, server)
  const { signal } = new AbortController()
  for (let calls = 0; calls < 5; calls += 1) await engine.volumes.inspect('v', { signal })
  await server.until(() => getEventListeners(signal, 'abort').length === 0)
})

test('long calls do not hold up quick ones', async (t) => {
  const server = await rawServer(t, (socket, { target }) => {
    if (target.includes('/volumes/')) socket.write(answerOf(200, volume))
  })
  const engine = engineFor(t, server)
  const stops = Array.from({ length: 40 }, () => engine.containers.stop('c').catch(() => undefined))
  await server.untilRequests(40)
  assert.equal((await engine.volumes.inspect('v')).Name, 'v')
  await engine.close()
  await Promise.all(stops)
})

test('close ends every call', async (t) => {
  const server = await rawServer(t, () => undefined)
  const engine = engineFor(t, server)
  const pending = engine.volumes.inspect('v')
  const check = fails(pending, 'aborted')
  await server.untilRequests(1)
  await engine.close()
  await check
  await server.untilReleased()
  await fails(engine.volumes.inspect('v'), 'aborted')
})

test('an answer nobody reads any more does not bring the process down when it breaks', async (t) => {
  const server = await rawServer(t, (socket) => {
    socket.write('HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\n{', () => setImmediate(() => socket.destroy()))
  })
  const wait = await engineFor(t, server).containers.wait('c')
  await server.untilReleased()
  await fails(wait.exitCode(), 'unreachable')
})

test('an upload that the engine refuses early gives the refusal, and ends its source', async (t) => {
  const server = await rawServer(t, (socket) => socket.write(answerOf(404, '{"message":"No such container: c"}')), {
    headOnly: true,
  })
  let ended = false
  async function* endless(): AsyncGenerator<Buffer> {
    try {
      for (;;) {
        await new Promise(setImmediate)
        yield Buffer.alloc(1024)
      }
    } finally {
      ended = true
    }
  }
  await fails(engineFor(t, server).containers.putArchive('c', '/', endless()), 'not-found')
  await server.until(() => ended)
})

test("an upload whose source fails rejects with the source's own error", async (t) => {
  const server = await rawServer(t, (socket) => socket.write(answerOf(200)))
  const own = new Error('the disk is gone')
  async function* failing(): AsyncGenerator<Buffer> {
    yield Buffer.alloc(100_000)
    throw own
  }
  await assert.rejects(engineFor(t, server).containers.putArchive('c', '/', failing()), (error) => error === own)
  assert.equal(server.requests.length, 0, 'the engine never saw a complete request')
})

test('every exchange is reported, the question for the version and a repeat included', async (t) => {
  let first = true
  const server = await rawServer(t, (socket) => {
    if (first) socket.destroy()
    else socket.write(answerOf(200, '[]'))
    first = false
  })
  const reports: CallReport[] = []
  const engine = engineFor(t, server, { onCall: (report) => reports.push(report) })
  await engine.containers.list({ all: true })
  const sent = { headers: {} }
  const asSent = { endpoint: 'container-list', method: 'GET', path: '/v1.41/containers/json', query: 'all=1', sent }
  assert.deepEqual(
    reports.map(({ durationMs, error, ...report }) => ({ ...report, failed: isEngineError(error, 'unreachable') })),
    [
      { endpoint: 'system-ping', method: 'GET', path: '/_ping', sent, status: 200, failed: false },
      { ...asSent, failed: true },
      { ...asSent, status: 200, failed: false },
    ],
  )
})

test('requests carry no Accept-Encoding, and a start no body', async (t) => {
  const server = await rawServer(t, (socket, { target }) => {
    socket.write(target.endsWith('/start') ? answerOf(204) : answerOf(200, volume))
  })
  const engine = engineFor(t, server)
  await engine.containers.start('c')
  await engine.volumes.inspect('v')
  const [start, inspect] = server.requests
  assert.equal(start?.headers['content-length'], '0')
  assert.equal(start?.headers['transfer-encoding'], undefined)
  for (const request of [start, inspect]) assert.equal(request?.headers['accept-encoding'], undefined)
})
