// What other clients of the engine get wrong (@docker/node-sdk, docker-modem and dockerode, as found in their sources, threads and runs),
// as far as no other test here would notice it. Each test is named by what it keeps from happening. The answers are hand-made.

import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import {
  type CallReport,
  createEngine,
  type Engine,
  type EngineErrorCode,
  endpoints,
  isEngineError,
  packTar,
} from '../../engine-api/index.ts'
import { readFrames } from '../../engine-api/streams/frames.ts'
import { defaultTimeouts } from '../../engine-api/transport/options.ts'
import { createTransport } from '../../engine-api/transport/transport.ts'
import { chunksOf, collected } from './cut.ts'
import { answerOf, type RawServer, rawServer } from './raw-server.ts'

const volume = '{"Name":"v","Driver":"local","Labels":null}'

const is =
  (code: EngineErrorCode) =>
  (error: unknown): boolean =>
    isEngineError(error, code)

function frameOf(type: number, payload: Buffer | string, length = Buffer.byteLength(payload)): Buffer {
  const header = Buffer.from([type, 0, 0, 0, 0, 0, 0, 0])
  header.writeUInt32BE(length, 4)
  return Buffer.concat([header, Buffer.from(payload)])
}

async function serve(
  t: TestContext,
  answer: (socket: Socket, target: string) => void,
): Promise<{ engine: Engine; server: RawServer }> {
  const server = await rawServer(t, (socket, { target }) => answer(socket, target))
  const engine = createEngine({ host: server.host })
  t.after(() => engine.close())
  return { engine, server }
}

test('a 409 never resolves as success, nor any other status that an endpoint does not accept', async (t) => {
  let status = 0
  const server = await rawServer(t, (socket) => socket.end(answerOf(status, '{"message":"words"}')))
  const transport = createTransport({ host: server.host })
  t.after(() => transport.close())
  for (const endpoint of endpoints) {
    const names = Array.from(endpoint.path.matchAll(/\{(\w+)\}/g), ([, name = '']) => name)
    const path = Object.fromEntries(names.map((name) => [name, 'x']))
    for (status of [202, 302, 400, 401, 403, 404, 409, 418, 500, 503]) {
      if (status !== 409 && endpoint.statuses[status] !== undefined) continue
      const isRefused = (error: unknown): boolean => isEngineError(error) && error.status === status
      await assert.rejects(transport.send(endpoint, { path }), isRefused, `${endpoint.name}: ${status}`)
    }
  }
})

test('the client prints nothing, whatever it reads and however it fails', async (t) => {
  const printed = (['log', 'info', 'warn', 'error', 'debug'] as const).map((name) =>
    t.mock.method(console, name, () => undefined),
  )
  const warnings: unknown[] = []
  const warned = (warning: unknown): void => void warnings.push(warning)
  process.on('warning', warned)
  t.after(() => process.off('warning', warned))
  const { engine } = await serve(t, (socket, target) => {
    if (target.includes('/logs')) socket.write(answerOf(200, frameOf(1, 'secret')))
    else if (target.includes('/create')) socket.write(answerOf(409, '{"message":"taken"}'))
    else socket.destroy()
  })
  await collected(engine.containers.logs('c'))
  await assert.rejects(engine.networks.create({ Name: 'n' }), is('conflict'))
  await assert.rejects(engine.containers.start('c'), is('unreachable'))
  assert.deepEqual(
    printed.map(({ mock }) => mock.callCount()),
    [0, 0, 0, 0, 0],
  )
  assert.deepEqual(warnings, [])
})

test('no content type decides how an answer is read: engines and their versions name them differently', async (t) => {
  for (const type of ['application/vnd.docker.multiplexed-stream', 'application/vnd.docker.raw-stream', 'tcp', '']) {
    const { engine } = await serve(t, (socket, target) => {
      const body = target.includes('/logs') ? frameOf(2, 'out') : volume
      socket.write(answerOf(200, body, type === '' ? {} : { 'Content-Type': type }))
    })
    const [piece, ...others] = await collected(engine.containers.logs('c'))
    assert.deepEqual([piece?.stream, piece?.bytes.toString(), others], ['stderr', 'out', []], type)
    assert.equal((await engine.volumes.inspect('v')).Name, 'v', type)
  }
})

test('a payload is passed on as it came, never copied together', async () => {
  const chunks = [frameOf(1, Buffer.alloc(1000), 3000), Buffer.alloc(1000), Buffer.alloc(1000)]
  async function* source(): AsyncGenerator<Buffer> {
    yield* chunks
  }
  const pieces = await collected(readFrames('test', source()))
  assert.deepEqual(
    pieces.map(({ bytes }) => bytes.buffer),
    chunks.map(({ buffer }) => buffer),
  )
})

test('what may send nothing for long is never timed out: waits, events, execs, pulls', () => {
  const unbounded = endpoints.filter(({ timeout }) => timeout === 'unbounded').map(({ name }) => name)
  for (const name of ['container-wait', 'system-events', 'exec-start', 'exec-attach', 'image-pull']) {
    assert.ok(unbounded.includes(name), name)
  }
  assert.deepEqual(defaultTimeouts.unbounded, { headersMs: 0, idleMs: 0 })
})

test('timeouts are settable per client, not one number for all', async (t) => {
  const server = await rawServer(t, () => undefined)
  const short = { headersMs: 50, idleMs: 50 }
  const engine = createEngine({ host: server.host, timeouts: { ...defaultTimeouts, quick: short } })
  t.after(() => engine.close())
  await assert.rejects(engine.volumes.inspect('v'), is('timeout'))
})

test('a kept connection that the engine has closed is replaced without an error, for a POST too', async (t) => {
  const { engine, server } = await serve(t, (socket) => socket.end(answerOf(204)))
  for (let calls = 1; calls <= 5; calls += 1) {
    assert.equal(await engine.containers.start('c'), 'started')
    await server.untilReleased()
    assert.equal(server.requests.length, calls, 'each is sent once')
  }
})

test('calls one after the other share connections, so a long life gathers none', async (t) => {
  const { engine, server } = await serve(t, (socket, target) =>
    socket.write(target.includes('/volumes/') ? answerOf(200, volume) : answerOf(204)),
  )
  for (let calls = 0; calls < 50; calls += 1) {
    await engine.volumes.inspect('v')
    await engine.containers.start('c')
  }
  assert.ok(server.connections() <= 3, `${server.connections()} connections for 100 calls`)
})

test('after a call that was cut off its connection serves no other, so no answer goes to the wrong call', async (t) => {
  const { engine, server } = await serve(t, (socket, target) => {
    const name = decodeURIComponent(target.split('/').at(-1) ?? '')
    const body = volume.replace('"v"', JSON.stringify(name))
    const answer = answerOf(200, body)
    if (name === 'late') socket.write(answer.subarray(0, answer.length - 10))
    else socket.write(answer)
  })
  for (let round = 0; round < 10; round += 1) {
    const controller = new AbortController()
    const late = engine.volumes.inspect('late', { signal: controller.signal })
    await server.untilRequests(2 * round + 1)
    controller.abort()
    await assert.rejects(late, is('aborted'))
    assert.equal((await engine.volumes.inspect(`v${round}`)).Name, `v${round}`)
  }
})

test('abort in the middle of any streamed answer is an abort at once, and frees its connection', async (t) => {
  const source = (): AsyncGenerator<Buffer> => packTar([])
  const calls: Readonly<Record<string, (engine: Engine, signal: AbortSignal) => Promise<unknown>>> = {
    archive: (engine, signal) => collected(engine.containers.archive('c', '/', { signal })),
    logs: (engine, signal) => collected(engine.containers.logs('c', { signal })),
    events: (engine, signal) => collected(engine.system.events({ signal })),
    wait: async (engine, signal) => (await engine.containers.wait('c', { signal })).exitCode(),
    stats: (engine, signal) => engine.containers.stats('c', { signal }),
    pull: (engine, signal) => engine.images.pull('a:1', { signal }),
    import: (engine, signal) => engine.images.import({ repository: 'a', tag: '1' }, source(), { signal }),
    load: (engine, signal) => engine.images.load(source(), { signal }),
    exec: (engine, signal) => engine.exec.run('c', { command: ['a'], timeoutMs: 60_000, maxOutputBytes: 1, signal }),
  }
  for (const [what, call] of Object.entries(calls)) {
    const controller = new AbortController()
    const server = await rawServer(t, (socket, { target }) => {
      if (target.endsWith('/exec')) socket.end(answerOf(201, '{"Id":"e"}', { Connection: 'close' }))
      else socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n ')
    })
    // Told when the head of an answer is there.
    const onCall = ({ endpoint }: CallReport): void => {
      if (endpoint !== 'system-ping' && endpoint !== 'exec-create') setImmediate(() => controller.abort())
    }
    const engine = createEngine({ host: server.host, onCall })
    t.after(() => engine.close())
    await assert.rejects(call(engine, controller.signal), is('aborted'), what)
    await server.untilReleased()
  }
})

test('a frame announced with 3 GiB is not gathered, and a slow reader of logs holds the engine back', async (t) => {
  let written = 0
  const { engine, server } = await serve(t, (socket) => {
    socket.write('HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n')
    socket.write(frameOf(1, '', 3 * 1024 ** 3))
    const more = (): void => {
      while (!socket.destroyed && socket.write(Buffer.alloc(65_536))) written += 65_536
    }
    socket.on('drain', more)
    more()
  })
  let taken = 0
  for await (const { bytes } of engine.containers.logs('c')) {
    taken += bytes.length
    if (taken > 8 * 1024 ** 2) break
    if (taken > bytes.length) continue
    for (let before = -1; before !== written; ) {
      before = written
      for (let turn = 0; turn < 50; turn += 1) await new Promise(setImmediate)
    }
    assert.ok(written < 4 * 1024 ** 2, `${written} bytes were taken ahead of the reader`)
  }
  assert.ok(taken > 8 * 1024 ** 2, 'the payload comes long before the end of its frame')
  await server.untilReleased()
})

test('the end of a stream ends what is read from it, with all its output: nothing stays open behind it', async (t) => {
  const whole = Buffer.concat([frameOf(1, 'out'), frameOf(2, 'err'), frameOf(1, 'last')])
  const { engine, server } = await serve(t, (socket) =>
    socket.end(Buffer.concat([Buffer.from('HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n'), whole])),
  )
  const pieces = await collected(engine.containers.logs('c'))
  assert.deepEqual(
    pieces.map(({ stream, bytes }) => `${stream} ${bytes}`),
    ['stdout out', 'stderr err', 'stdout last'],
  )
  await server.untilReleased()
  assert.deepEqual(await collected(readFrames('test', chunksOf(whole))), pieces)
})
