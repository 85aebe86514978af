// An exec over an upgraded connection: input, half-close, refusals, breaks, abort. The server's bytes are hand-made.

import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import {
  createEngine,
  type Engine,
  type EngineErrorCode,
  type ExecSession,
  isEngineError,
} from '../../../engine-api/index.ts'
import { collected } from '../cut.ts'
import { answerOf, type RawServer, rawServer } from '../raw-server.ts'

const switched =
  'HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.raw-stream\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n'

const frame = (type: number, text: string | Buffer): Buffer => {
  const header = Buffer.from([type, 0, 0, 0, 0, 0, 0, 0])
  header.writeUInt32BE(text.length, 4)
  return Buffer.concat([header, Buffer.from(text)])
}

/** Answers are closed behind, so that a held connection is one that the session holds. */
const closing = { Connection: 'close' }

async function serve(
  t: TestContext,
  start: (socket: Socket) => void,
  { halfOpen = false } = {},
): Promise<{ engine: Engine; server: RawServer; open: (signal?: AbortSignal) => Promise<ExecSession> }> {
  const server = await rawServer(
    t,
    (socket, { target }) => {
      if (target.endsWith('/start')) start(socket)
      else if (target.endsWith('/exec')) socket.end(answerOf(201, '{"Id":"e1"}', closing))
      else if (target.includes('/resize')) socket.end(answerOf(200, '', closing))
      else socket.end(answerOf(200, '{"Running":false,"ExitCode":3}', closing))
    },
    { halfOpen },
  )
  const engine = createEngine({ host: server.host })
  t.after(() => engine.close())
  return { engine, server, open: (signal) => engine.exec.open('c', { command: ['sort'], signal }) }
}

const is =
  (code: EngineErrorCode) =>
  (error: unknown): boolean =>
    isEngineError(error, code)

async function textOf(session: ExecSession): Promise<string> {
  const pieces = await collected(session.output)
  return pieces.map(({ stream, bytes }) => `${stream}:${bytes}`).join(' ')
}

test('input goes out as it is; after its end the output still comes, then the exit code', async (t) => {
  const answer = (socket: Socket): void => {
    let input = ''
    socket.write(Buffer.concat([Buffer.from(switched), frame(1, 'early')]))
    socket.on('data', (bytes) => {
      input += bytes.toString()
    })
    socket.on('end', () => socket.end(Buffer.concat([frame(1, `got ${input}`), frame(2, 'done')])))
  }
  const { server, open } = await serve(t, answer, { halfOpen: true })
  const session = await open()
  await session.write(Buffer.from('b\n'))
  await session.write(Buffer.from('a'))
  await session.endInput()
  assert.equal(await textOf(session), 'stdout:early stdout:got b\na stderr:done')
  assert.equal(await session.exitCode(), 3)

  const [create, start] = server.requests
  const settings = { AttachStdin: true, AttachStdout: true, AttachStderr: true, Tty: false, Cmd: ['sort'] }
  assert.deepEqual(JSON.parse(create?.body.toString() ?? ''), settings)
  assert.deepEqual(JSON.parse(start?.body.toString() ?? ''), { Detach: false, Tty: false })
  assert.deepEqual([start?.headers['connection'], start?.headers['upgrade']], ['upgrade', 'tcp'])
})

test('a 101 with swapped header values, as Podman 4 sends it, is a 101', async (t) => {
  const swapped =
    'HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nContent-Type: tcp\r\nUpgrade: application/vnd.docker.raw-stream\r\n\r\n'
  const { open } = await serve(t, (socket) => socket.end(Buffer.concat([Buffer.from(swapped), frame(1, 'out')])))
  assert.equal(await textOf(await open()), 'stdout:out')
})

test("a refused start is the engine's error with its words, and frees the connection", async (t) => {
  const cases: [Buffer, EngineErrorCode, string | undefined][] = [
    [answerOf(404, '{"message":"No such exec instance: e1"}'), 'not-found', 'No such exec instance: e1'],
    [answerOf(409, 'Container c is paused\n'), 'conflict', 'Container c is paused'],
    [answerOf(500, Buffer.alloc(1024 * 1024, 'x')), 'server-error', 'x'.repeat(64 * 1024)],
    // Something in between took the Upgrade header away; the output that follows never ends.
    [Buffer.from('HTTP/1.1 200 OK\r\nContent-Type: raw\r\n\r\noutput'), 'unexpected-status', undefined],
  ]
  for (const [answer, code, message] of cases) {
    const { server, open } = await serve(t, (socket) => {
      socket.write(answer)
    })
    await assert.rejects(open(), (error) => {
      assert.ok(isEngineError(error, code), String(error))
      assert.deepEqual([error.endpoint, error.engineMessage], ['exec-attach', message])
      return true
    })
    await server.untilReleased()
  }
})

test('a connection that breaks before its answer is unreachable and not safe to repeat', async (t) => {
  const { server, open } = await serve(t, (socket) => socket.destroy())
  await assert.rejects(
    open(),
    (error) => is('unreachable')(error) && isEngineError(error) && error.retry === 'after-inspect',
  )
  assert.equal(server.requests.length, 2, 'the start is sent once')
})

test('output that ends inside a frame is an error', async (t) => {
  const { open } = await serve(t, (socket) =>
    socket.end(Buffer.concat([Buffer.from(switched), frame(1, 'out').subarray(0, 9)])),
  )
  await assert.rejects(textOf(await open()), is('protocol'))
})

test('output from before the connection broke under our writing is not lost', async (t) => {
  const { server, open } = await serve(t, (socket) => {
    socket.pause()
    socket.write(Buffer.concat([Buffer.from(switched), frame(1, 'only this')]), () => socket.destroy())
  })
  const session = await open()
  await server.untilReleased()
  const writing = async (): Promise<void> => {
    for (;;) await session.write(Buffer.alloc(64 * 1024))
  }
  await assert.rejects(writing(), is('unreachable'))
  for await (const { bytes } of session.output) {
    assert.equal(bytes.toString(), 'only this')
    return
  }
  assert.fail('the output is lost')
})

test('a reader that is slow slows the engine down, and leaving early frees the connection', async (t) => {
  let written = 0
  let blocked = (): void => undefined
  const isBlocked = new Promise<void>((resolve) => {
    blocked = resolve
  })
  const { server, open } = await serve(t, (socket) => {
    socket.write(switched)
    const piece = frame(1, Buffer.alloc(64 * 1024))
    const more = (): void => {
      while (!socket.destroyed && written < 64 * 1024 * 1024) {
        written += piece.length
        if (!socket.write(piece)) break
      }
      blocked()
    }
    socket.on('drain', more)
    more()
  })
  const session = await open()
  await isBlocked
  // Whatever could flow without a reader flows while these calls go there and back.
  for (let i = 0; i < 20; i += 1) await session.exitCode()
  assert.ok(written < 4 * 1024 * 1024, `${written} bytes were taken without a reader`)
  for await (const { stream } of session.output) {
    assert.equal(stream, 'stdout')
    break
  }
  await server.untilReleased()
})

test('abort holds before the answer, while output is awaited and while input waits for the engine', async (t) => {
  const early = new AbortController()
  const silent = await serve(t, () => early.abort())
  await assert.rejects(silent.open(early.signal), is('aborted'))
  await silent.server.untilReleased()
  const before = await serve(t, () => undefined)
  await assert.rejects(before.open(AbortSignal.abort()), is('aborted'))

  const reading = new AbortController()
  const quiet = await serve(t, (socket) => {
    socket.write(switched)
  })
  const session = await quiet.open(reading.signal)
  const output = textOf(session)
  reading.abort()
  await assert.rejects(output, is('aborted'))
  await assert.rejects(session.write(Buffer.from('late')), is('aborted'))
  await quiet.server.untilReleased()

  const writing = new AbortController()
  const deaf = await serve(t, (socket) => {
    socket.pause()
    socket.write(switched)
  })
  const full = (await deaf.open(writing.signal)).write(Buffer.alloc(16 * 1024 * 1024))
  writing.abort()
  await assert.rejects(full, is('aborted'))
})

test('closing the session or the client ends what is awaited as aborted', async (t) => {
  for (const how of ['session', 'client'] as const) {
    const { engine, server, open } = await serve(t, (socket) => {
      socket.write(switched)
    })
    const session = await open()
    const output = textOf(session)
    if (how === 'session') session.close()
    else await engine.close()
    await assert.rejects(output, is('aborted'))
    await server.untilReleased()
  }
})

test('a terminal gives plain bytes, and is told its size', async (t) => {
  const { engine, server } = await serve(t, (socket) => socket.end(`${switched}\x01\x00$ \x1b[6n`))
  const session = await engine.exec.open('c', { command: ['sh'], terminal: true })
  await session.resize({ rows: 24, columns: 80 })
  assert.equal(await textOf(session), 'stdout:\x01\x00$ \x1b[6n')
  const [create, start, resize] = server.requests
  assert.deepEqual(
    [create, start].map((request) => JSON.parse(request?.body.toString() ?? '').Tty),
    [true, true],
  )
  assert.equal(`${resize?.method} ${resize?.target}`, 'POST /v1.41/exec/e1/resize?h=24&w=80')
})
