// One exec from create to exit code. The answers are hand-made after what Docker 20.10 sends.

import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { type CallReport, createEngine, type Engine, type ExecRun, isEngineError } from '../../../engine-api/index.ts'
import { answerOf, type RawServer, rawServer } from '../raw-server.ts'

const frame = (type: number, text: string): Buffer =>
  Buffer.concat([Buffer.from([type, 0, 0, 0, 0, 0, 0, text.length]), Buffer.from(text)])
const streamHead = 'HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.raw-stream\r\nConnection: close\r\n\r\n'
const run: ExecRun = { command: ['make', 'clean'], timeoutMs: 10_000, maxOutputBytes: 1000 }

interface Script {
  readonly output?: (socket: Socket) => void
  /** The last one stays; none: the engine is gone by then. */
  readonly inspections?: string[]
}

async function serve(t: TestContext, script: Script = {}): Promise<{ engine: Engine; server: RawServer }> {
  const {
    output = (socket) => socket.end(Buffer.concat([Buffer.from(streamHead), frame(1, 'out'), frame(2, 'err')])),
  } = script
  const inspections = [...(script.inspections ?? ['{"Running":false,"ExitCode":4}'])]
  const server = await rawServer(t, (socket, { target }) => {
    if (target.endsWith('/exec')) socket.write(answerOf(201, '{"Id":"e1"}'))
    else if (target.endsWith('/start')) output(socket)
    else if (inspections.length === 0) socket.destroy()
    else socket.write(answerOf(200, inspections.length > 1 ? inspections.shift() : inspections[0]))
  })
  const engine = createEngine({ host: server.host })
  t.after(() => engine.close())
  return { engine, server }
}

test('an exec sends its settings in the bodies, without an upgrade, and gives both streams and the exit code', async (t) => {
  const { engine, server } = await serve(t)
  const { exitCode, stdout, stderr, truncated } = await engine.exec.run('c', { ...run, user: '0' })
  assert.deepEqual([exitCode, stdout.toString(), stderr.toString(), truncated], [4, 'out', 'err', false])
  assert.deepEqual(
    server.requests.map(({ method, target, body }) => [
      method,
      target,
      body.length === 0 ? null : JSON.parse(body.toString()),
    ]),
    [
      [
        'POST',
        '/v1.41/containers/c/exec',
        {
          AttachStdin: false,
          AttachStdout: true,
          AttachStderr: true,
          Tty: false,
          Cmd: ['make', 'clean'],
          User: '0',
        },
      ],
      ['POST', '/v1.41/exec/e1/start', { Detach: false, Tty: false }],
      ['GET', '/v1.41/exec/e1/json', null],
    ],
  )
  for (const { headers } of server.requests) assert.equal(headers['upgrade'], undefined)
})

test('the exit code is asked for until the engine has recorded it', async (t) => {
  const inspections = [
    '{"Running":true,"ExitCode":null}',
    '{"Running":false,"ExitCode":null}',
    '{"Running":false,"ExitCode":0}',
  ]
  const { engine, server } = await serve(t, { inspections })
  assert.equal((await engine.exec.run('c', run)).exitCode, 0)
  assert.equal(server.requests.length, 5)
})

test('output above the limit is dropped but read, so that the process can end', async (t) => {
  const { engine } = await serve(t)
  const { exitCode, stdout, stderr, truncated } = await engine.exec.run('c', { ...run, maxOutputBytes: 4 })
  assert.deepEqual([exitCode, stdout.toString(), stderr.toString(), truncated], [4, 'out', 'e', true])
  const exact = await engine.exec.run('c', { ...run, maxOutputBytes: 6 })
  assert.equal(exact.truncated, false)
})

test('output that breaks inside a frame is an error, not an exit code', async (t) => {
  const { engine } = await serve(t, {
    output: (socket) => socket.end(Buffer.concat([Buffer.from(streamHead), frame(1, 'out').subarray(0, 9)])),
  })
  await assert.rejects(engine.exec.run('c', run), (error) => isEngineError(error, 'protocol'))
})

test('an engine that goes away after the start: the command is not said to be safe to run again', async (t) => {
  const gone = await serve(t, { inspections: [] })
  await assert.rejects(
    gone.engine.exec.run('c', run),
    (error) => isEngineError(error, 'unreachable') && error.retry === 'after-inspect' && error.endpoint === 'exec-run',
  )
  const cut = await serve(t, {
    output: (socket) => socket.end(Buffer.concat([Buffer.from(streamHead), frame(1, 'out').subarray(0, 9)])),
  })
  await assert.rejects(
    cut.engine.exec.run('c', run),
    (error) => isEngineError(error, 'protocol') && error.retry === 'after-inspect',
  )
})

test('the deadline holds while output is awaited and while the exit code is', async (t) => {
  const silent = await serve(t, { output: (socket) => socket.write(streamHead) })
  const endless = await serve(t, { inspections: ['{"Running":true,"ExitCode":null}'] })
  for (const { engine } of [silent, endless]) {
    await assert.rejects(
      engine.exec.run('c', { ...run, timeoutMs: 100 }),
      (error) => isEngineError(error, 'timeout') && error.retry === 'after-inspect',
    )
  }
})

test("the caller's abort is an abort, while output is awaited and while the exit code is", async (t) => {
  const silent = await serve(t, { output: (socket) => socket.write(streamHead) })
  const endless = await serve(t, { inspections: ['{"Running":true,"ExitCode":null}'] })
  for (const [{ server }, last] of [
    [silent, 'exec-start'],
    [endless, 'exec-inspect'],
  ] as const) {
    const controller = new AbortController()
    const onCall = ({ endpoint }: CallReport): void => {
      if (endpoint === last) setImmediate(() => controller.abort())
    }
    const engine = createEngine({ host: server.host, onCall })
    t.after(() => engine.close())
    await assert.rejects(engine.exec.run('c', { ...run, signal: controller.signal }), (error) =>
      isEngineError(error, 'aborted'),
    )
  }
})
