// Streamed answers over a connection: archives, logs, pulls, waits. Truncation must be seen, leaving early must free
// the connection. The answers are hand-made.

import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { before, type TestContext, test } from 'node:test'
import { createEngine, type Engine, type EngineErrorCode, isEngineError, packTar } from '../../engine-api/index.ts'
import { collected } from './cut.ts'
import { answerOf, type RawServer, rawServer } from './raw-server.ts'

const chunkedHead = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'
const chunk = (bytes: Buffer | string): Buffer =>
  Buffer.concat([Buffer.from(`${Buffer.byteLength(bytes).toString(16)}\r\n`), Buffer.from(bytes), Buffer.from('\r\n')])
const lastChunk = '0\r\n\r\n'

const file = {
  name: 'a',
  type: 'file',
  mode: 0o644,
  uid: 0,
  gid: 0,
  mtimeMs: 0,
  body: Buffer.alloc(3000, 'x'),
} as const
let tar: Buffer
before(async () => {
  tar = Buffer.concat(await collected(packTar([file, { ...file, name: 'b' }])))
})

async function serve(t: TestContext, answer: (socket: Socket) => void): Promise<{ engine: Engine; server: RawServer }> {
  const server = await rawServer(t, (socket) => answer(socket))
  const engine = createEngine({ host: server.host })
  t.after(() => engine.close())
  return { engine, server }
}

const is =
  (code: EngineErrorCode) =>
  (error: unknown): boolean =>
    isEngineError(error, code)

async function namesOf(engine: Engine): Promise<string[]> {
  const names: string[] = []
  for await (const { name, body } of engine.containers.archive('c', '/')) {
    names.push(name.toString())
    await collected(body)
  }
  return names
}

/** Streams without an end, minding backpressure. */
function endless(socket: Socket, head: string, piece: Buffer): void {
  socket.write(head)
  const more = (): void => {
    while (!socket.destroyed && socket.write(piece));
  }
  socket.on('drain', more)
  more()
}

test('an archive is read to its verdict: chunked, with a length, or up to the close', async (t) => {
  const deliveries: ((socket: Socket) => void)[] = [
    (socket) => socket.write(Buffer.concat([Buffer.from(chunkedHead), chunk(tar), Buffer.from(lastChunk)])),
    (socket) => socket.write(answerOf(200, tar)),
    (socket) => socket.end(Buffer.concat([Buffer.from('HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n'), tar])),
  ]
  for (const deliver of deliveries) {
    const { engine } = await serve(t, deliver)
    assert.deepEqual(await namesOf(engine), ['a', 'b'])
  }
})

test('an archive cut by the engine with a clean HTTP end is truncated', async (t) => {
  for (const length of [0, 100, 512, 2000, 512 + 3072, tar.length - 512]) {
    const cut = tar.subarray(0, length)
    const { engine } = await serve(t, (socket) => {
      socket.write(Buffer.concat([Buffer.from(chunkedHead), length === 0 ? cut : chunk(cut), Buffer.from(lastChunk)]))
    })
    await assert.rejects(namesOf(engine), is('archive-truncated'), `after ${length} bytes`)
  }
})

test('an archive whose connection breaks is never complete, and is not said to be cut where HTTP shows the break', async (t) => {
  const cut = tar.subarray(0, 2000)
  const closing = chunkedHead.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n')
  const deliveries: (readonly [code: 'unreachable' | 'archive-truncated', deliver: (socket: Socket) => void])[] = [
    ['unreachable', (socket) => socket.end(Buffer.concat([Buffer.from(chunkedHead), chunk(cut)]))],
    ['unreachable', (socket) => socket.end(Buffer.concat([Buffer.from(chunkedHead), chunk(cut).subarray(0, 1000)]))],
    [
      'unreachable',
      (socket) =>
        socket.end(Buffer.concat([Buffer.from(`HTTP/1.1 200 OK\r\nContent-Length: ${tar.length}\r\n\r\n`), cut])),
    ],
    [
      'archive-truncated',
      (socket) => socket.end(Buffer.concat([Buffer.from('HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n'), cut])),
    ],
    ['unreachable', (socket) => socket.end(Buffer.concat([Buffer.from(closing), chunk(cut)]))],
  ]
  for (const [index, [code, deliver]] of deliveries.entries()) {
    const { engine, server } = await serve(t, deliver)
    await assert.rejects(namesOf(engine), is(code), `delivery ${index}`)
    assert.equal(server.requests.length, 1, 'half an archive is never asked for again in silence')
  }
})

test('an archive of nothing is truncated: a path always has an entry of its own', async (t) => {
  const { engine } = await serve(t, (socket) => socket.write(answerOf(200, Buffer.alloc(1024))))
  await assert.rejects(namesOf(engine), is('archive-truncated'))
})

test("the engine's error text after the archive began is corrupt, not content", async (t) => {
  const { engine } = await serve(t, (socket) => {
    socket.write(
      answerOf(200, Buffer.concat([tar.subarray(0, 3584), Buffer.from(`{"message":"copy failed"}`.padEnd(512))])),
    )
  })
  await assert.rejects(namesOf(engine), is('archive-corrupt'))
})

test('abort inside an archive is an abort, not a truncation', async (t) => {
  const { engine, server } = await serve(t, (socket) =>
    socket.write(Buffer.concat([Buffer.from(chunkedHead), chunk(tar.subarray(0, 700))])),
  )
  const controller = new AbortController()
  const reading = async (): Promise<void> => {
    for await (const { body } of engine.containers.archive('c', '/', { signal: controller.signal })) {
      for await (const _ of body) controller.abort()
    }
  }
  await assert.rejects(reading(), is('aborted'))
  await server.untilReleased()
})

test('leaving any stream early frees its connection', async (t) => {
  const frame = Buffer.concat([Buffer.from([1, 0, 0, 0, 0, 0, 1, 0]), Buffer.alloc(256, 'x')])
  const head = 'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n'
  const archives = await serve(t, (socket) => endless(socket, head, tar.subarray(0, 512 + 3072)))
  for await (const _ of archives.engine.containers.archive('c', '/')) break
  for await (const { body } of archives.engine.containers.archive('c', '/')) {
    for await (const _ of body) break
    break
  }
  await assert.rejects(async () => {
    for await (const _ of archives.engine.containers.archive('c', '/')) throw new Error('the store is down')
  }, /the store is down/)
  await archives.server.untilReleased()

  const logs = await serve(t, (socket) => endless(socket, head, frame))
  for await (const _ of logs.engine.containers.logs('c')) break
  await logs.server.untilReleased()

  const never = archives.engine.containers.archive('c', '/')
  await never.return()
  assert.equal(archives.server.requests.length, 3, 'an iteration that never begins sends nothing')
})

test('a reader that pauses holds the engine back, and the bytes are not gathered', async (t) => {
  let written = 0
  const { engine } = await serve(t, (socket) => {
    const size = Buffer.from(tar.subarray(0, 512))
    socket.write('HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n')
    size.write('77777777777', 124, 'latin1')
    size.fill(' ', 148, 156)
    size.write(
      `${size
        .reduce((sum, byte) => sum + byte, 0)
        .toString(8)
        .padStart(6, '0')}\0 `,
      148,
      'latin1',
    )
    socket.write(size)
    const more = (): void => {
      while (!socket.destroyed && socket.write(Buffer.alloc(65536))) written += 65536
    }
    socket.on('drain', more)
    more()
  })
  for await (const { body } of engine.containers.archive('c', '/')) {
    for await (const _ of body) {
      let before = -1
      while (before !== written) {
        before = written
        for (let turn = 0; turn < 50; turn += 1) await new Promise(setImmediate)
      }
      break
    }
    break
  }
  assert.ok(written < 4 * 1024 * 1024, `${written} bytes were taken from the engine ahead of the reader`)
})

test('logs that end inside a frame are a protocol error', async (t) => {
  const { engine } = await serve(t, (socket) =>
    socket.write(answerOf(200, Buffer.from([1, 0, 0, 0, 0, 0, 0, 9, 0x61]))),
  )
  await assert.rejects(collected(engine.containers.logs('c')), is('protocol'))
})

test('a pull, an import or a load that fails inside its 200 is an error; so is one that names no image', async (t) => {
  const failed = await serve(t, (socket) =>
    socket.write(answerOf(200, '{"status":"Pulling"}\n{"error":"no space left"}\n')),
  )
  await assert.rejects(failed.engine.images.pull('a:1'), is('server-error'))
  await assert.rejects(failed.engine.images.load(packTar([])), is('server-error'))
  const silent = await serve(t, (socket) => socket.write(answerOf(200, '{"status":"Importing"}\n')))
  await assert.rejects(silent.engine.images.import({ repository: 'a', tag: '1' }, packTar([])), is('protocol'))
  await assert.rejects(silent.engine.images.load(packTar([])), is('protocol'))
})

test('a pull of every tag by mistake is refused before anything is sent', async (t) => {
  const { engine, server } = await serve(t, (socket) => socket.write(answerOf(200)))
  for (const reference of ['', 'busybox', 'registry:5000/busybox']) {
    await assert.rejects(engine.images.pull(reference), is('invalid-argument'))
  }
  assert.equal(server.connections(), 0)
  await engine.images.pull(`registry:5000/busybox@sha256:${'0'.repeat(64)}`)
})

test('a wait that fails inside its 200 is an error', async (t) => {
  const { engine } = await serve(t, (socket) =>
    socket.write(answerOf(200, '{"StatusCode":-1,"Error":{"Message":"gone"}}')),
  )
  await assert.rejects((await engine.containers.wait('c')).exitCode(), is('server-error'))
})
