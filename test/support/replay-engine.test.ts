// The replay itself, over a hand-made recording: what it lets pass, what it refuses, and that bytes arrive as they are cut.

import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { type TestContext, test } from 'node:test'
import { createEngine, isEngineError } from '../../engine-api/index.ts'
import type { Exchange, RecordedRequest, Recording } from './recording.ts'
import { type Cutting, startReplay } from './replay-engine.ts'

function exchange(request: Omit<RecordedRequest, 'query'>, body: string, more: Partial<Exchange> = {}): Exchange {
  const bytes = Buffer.from(body)
  return {
    request: { query: {}, ...request },
    response: {
      statusLine: 'HTTP/1.1 200 OK',
      headers: [
        ['Api-Version', '1.41'],
        ['Content-Length', String(bytes.length)],
      ],
      framing: 'length',
      reads: [bytes.length],
      body: bytes,
    },
    ...more,
  }
}

const ping = exchange({ method: 'GET', path: '/_ping' }, 'OK')
const volumes = exchange({ method: 'GET', path: '/v1.41/volumes' }, '{"Volumes":[]}')
const networks = exchange({ method: 'GET', path: '/v1.41/networks' }, '[]')
const connected = exchange({ method: 'POST', path: '/v1.41/networks/n/connect', json: { Container: 'c' } }, '')

async function open(t: TestContext, exchanges: readonly Exchange[], cutting?: Cutting) {
  const head: Recording['head'] = {
    recordedAt: '',
    engine: 'hand-made',
    api: '1.41',
    cgroupVersion: '1',
    how: 'recorded',
  }
  const replay = await startReplay({ head, exchanges }, cutting)
  const engine = createEngine({ host: replay.host })
  t.after(async () => {
    await engine.close()
    await replay.close()
  })
  return { replay, engine }
}

test('reads between two changes are answered in any order, and then nothing is unused', async (t) => {
  const { replay, engine } = await open(t, [ping, networks, volumes, connected])
  assert.deepEqual(await engine.volumes.list(), [])
  assert.deepEqual(await engine.networks.list(), [])
  assert.equal(await engine.networks.connect('n', 'c'), 'connected')
  assert.deepEqual([replay.mismatches, replay.unused()], [[], []])
})

test('a change that comes before the reads that were recorded before it is refused', async (t) => {
  const { replay, engine } = await open(t, [ping, networks, connected])
  await assert.rejects(engine.networks.connect('n', 'c'), (error) => isEngineError(error) && error.status === 599)
  assert.equal(replay.mismatches.length, 1)
  assert.deepEqual(replay.unused(), ['GET /v1.41/networks', 'POST /v1.41/networks/n/connect'])
})

test('a refusal says field by field what was sent and what was recorded', async (t) => {
  const { replay, engine } = await open(t, [ping, connected])
  await assert.rejects(engine.networks.connect('n', 'other'), /json\.Container: sent "other", recorded "c"/)
  assert.deepEqual(replay.mismatches, ['json.Container: sent "other", recorded "c"'])
})

test('a query that was not recorded is refused', async (t) => {
  const { replay, engine } = await open(t, [ping, volumes])
  await assert.rejects(
    engine.volumes.list({ filters: { label: ['a'] } }),
    /query\.filters: sent .*, recorded undefined/,
  )
  assert.equal(replay.mismatches.length, 1)
})

test('an upload with other bytes is refused', async (t) => {
  const path = '/v1.41/containers/c/archive'
  const upload = { sha256: '0'.repeat(64), bytes: 10 }
  const { engine } = await open(t, [ping, exchange({ method: 'PUT', path, upload }, '')])
  async function* tar() {
    yield Buffer.from('0123456789')
  }
  await assert.rejects(engine.containers.putArchive('c', '/', tar()), /upload\.sha256: sent/)
})

test('a read is answered a second time only where the recording says that it repeats', async (t) => {
  const { replay, engine } = await open(t, [ping, networks, { ...volumes, repeats: true }])
  await engine.volumes.list()
  await engine.volumes.list()
  await engine.networks.list()
  await assert.rejects(engine.networks.list(), (error) => isEngineError(error) && error.status === 599)
  assert.equal(replay.mismatches.length, 1)
})

test('a repeated read is not answered any more once something has changed', async (t) => {
  const { engine } = await open(t, [ping, { ...networks, repeats: true }, connected])
  await engine.networks.list()
  await engine.networks.connect('n', 'c')
  await assert.rejects(engine.networks.list(), /nothing more was recorded/)
})

test('an open connection is seen, and that it has closed', async (t) => {
  const { replay, engine } = await open(t, [ping])
  await engine.system.ping().catch(() => undefined)
  assert.ok(replay.openSockets() > 0)
  await engine.close()
  await replay.untilReleased()
  assert.equal(replay.openSockets(), 0)
})

const frame = (text: string): Buffer =>
  Buffer.concat([Buffer.from([1, 0, 0, 0, 0, 0, 0, text.length]), Buffer.from(text)])

/** An exec that answers `one` before its input `a`, `two` behind it, and `three` behind the input's end. */
async function openSession(t: TestContext, cutting?: Cutting) {
  const body = Buffer.concat([frame('one'), frame('two'), frame('three')])
  const attached: Exchange = {
    request: { method: 'POST', path: '/v1.41/exec/e/start', query: {}, json: { Detach: false, Tty: false } },
    input: [
      { after: 11, bytes: 'a', ended: false },
      { after: 22, bytes: '', ended: true },
    ],
    response: {
      statusLine: 'HTTP/1.1 101 UPGRADED',
      headers: [
        ['Connection', 'Upgrade'],
        ['Upgrade', 'tcp'],
      ],
      framing: 'upgraded',
      reads: [0, 11, 11, 13],
      body,
    },
  }
  const create = { AttachStdin: true, AttachStdout: true, AttachStderr: true, Tty: false, Cmd: ['x'] }
  const created = exchange({ method: 'POST', path: '/v1.41/containers/c/exec', json: create }, '{"Id":"e"}')
  created.response.statusLine = 'HTTP/1.1 201 Created'
  const { replay, engine } = await open(t, [ping, created, attached], cutting)
  const session = await engine.exec.open('c', { command: ['x'] })
  const output = session.output[Symbol.asyncIterator]()
  const next = async (): Promise<string | undefined> => {
    const { value, done } = await output.next()
    return done === true ? undefined : value.bytes.toString()
  }
  return { replay, session, next }
}

test('on an upgraded connection both sides speak in the turns that were recorded, and the half-close is one of them', async (t) => {
  const { replay, session, next } = await openSession(t)
  assert.equal(await next(), 'one')
  await session.write(Buffer.from('a'))
  assert.equal(await next(), 'two')
  await session.endInput()
  assert.deepEqual([await next(), await next()], ['three', undefined])
  await replay.untilReleased()
  assert.deepEqual([replay.mismatches, replay.unused()], [[], []])
})

test('input that was not recorded ends an upgraded connection, and is told', async (t) => {
  const { replay, session, next } = await openSession(t)
  assert.equal(await next(), 'one')
  await session.write(Buffer.from('b'))
  assert.equal(await next(), undefined)
  assert.deepEqual(replay.mismatches, ['input: sent {"bytes":"b","ended":false}, recorded {"bytes":"a","ended":false}'])
})

test('input that ends too early, or goes on where it ended, is told as well', async (t) => {
  const early = await openSession(t)
  await early.session.endInput()
  assert.equal(await early.next(), 'one')
  assert.equal(await early.next(), undefined)
  assert.match(early.replay.mismatches.join(), /sent {"bytes":"","ended":true}, recorded {"bytes":"a"/)

  const late = await openSession(t)
  await late.next()
  await late.session.write(Buffer.from('a'))
  await late.next()
  await late.session.write(Buffer.from('c'))
  assert.equal(await late.next(), undefined)
  assert.match(late.replay.mismatches.join(), /sent {"bytes":"c","ended":false}, recorded {"bytes":"","ended":true}/)
})

/** The pieces in which a raw client gets the answer to GET /_ping. */
async function pieces(t: TestContext, cutting: Cutting): Promise<string[]> {
  const chunked: Exchange = {
    ...ping,
    response: { ...ping.response, headers: [], framing: 'chunked', reads: [0, 1, 1] },
  }
  const { replay } = await open(t, [chunked], cutting)
  const socket = connect(replay.host.replace('unix://', '')).setEncoding('latin1')
  const got: string[] = []
  await new Promise<void>((resolve) => {
    socket.on('data', (piece: string) => {
      got.push(piece)
      if (got.join('').endsWith('0\r\n\r\n')) resolve()
    })
    socket.write('GET /_ping HTTP/1.1\r\n\r\n')
  })
  socket.destroy()
  return got
}

test('answers come in the reads that were recorded, byte by byte, or cut at an offset', async (t) => {
  const head = 'HTTP/1.1 200 OK\r\n\r\n'
  const whole = `${head}1\r\nO\r\n1\r\nK\r\n0\r\n\r\n`
  assert.deepEqual(await pieces(t, 'as recorded'), [head, '1\r\nO\r\n', '1\r\nK\r\n0\r\n\r\n'])
  assert.deepEqual(await pieces(t, 'byte by byte'), [...whole])
  assert.deepEqual(await pieces(t, { at: 5 }), [whole.slice(0, 5), whole.slice(5)])
})
