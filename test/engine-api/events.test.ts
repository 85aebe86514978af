// Events as one sequence over broken connections. The server's bytes are hand-made.

import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import {
  createEngine,
  type Engine,
  type EngineErrorCode,
  type EventsItem,
  isEngineError,
} from '../../engine-api/index.ts'
import { collected } from './cut.ts'
import { answerOf, type RawServer, rawServer } from './raw-server.ts'

const head = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'
const chunk = (text: string): string => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`
const lastChunk = '0\r\n\r\n'

/** As text, since the time has more digits than a number holds. */
const record = (action: string, nanoseconds = '1700000000123456789'): string =>
  `{"Type":"container","Action":"${action}","Actor":{"ID":"c","Attributes":{"name":"n"}},"timeNano":${nanoseconds}}\n`

/** Answers each connection in turn; the last answer stays. */
async function serve(
  t: TestContext,
  ...answers: ((socket: Socket) => void)[]
): Promise<{ engine: Engine; server: RawServer }> {
  let next = 0
  const server = await rawServer(t, (socket) => answers[Math.min(next++, answers.length - 1)]?.(socket))
  const engine = createEngine({ host: server.host })
  t.after(() => engine.close())
  return { engine, server }
}

const is =
  (code: EngineErrorCode) =>
  (error: unknown): boolean =>
    isEngineError(error, code)

const words = (item: EventsItem): string =>
  item.kind === 'event' ? item.event.Action : `gap${item.cause === undefined ? '' : ` ${item.cause.code}`}`

/** The first so many items, as words; leaves the loop then. */
async function firstItems(items: AsyncIterable<EventsItem>, count: number): Promise<string[]> {
  const all: string[] = []
  for await (const item of items) {
    all.push(words(item))
    if (all.length === count) break
  }
  return all
}

test('the first item asks for a list, then events come with a cursor, and `until` ends them', async (t) => {
  const { engine, server } = await serve(t, (socket) =>
    socket.write(`${head}${chunk(record('start'))}${chunk(`\x1e${record('die', '1700000001000000000')}`)}${lastChunk}`),
  )
  const items = await collected(engine.system.events({ since: '1700000000', until: '1700000002' }))
  assert.deepEqual(items.map(words), ['gap', 'start', 'die'])
  assert.deepEqual(
    items.map((item) => (item.kind === 'event' ? item.cursor : undefined)),
    [undefined, '1700000000.122456768', '1700000000.999000000'],
  )
  assert.equal(server.requests[0]?.target, '/v1.41/events?since=1700000000&until=1700000002')
})

test('a broken connection is resumed where it was: a gap with the cause, repeats left out, nothing else lost', async (t) => {
  const { engine, server } = await serve(
    t,
    (socket) => socket.end(`${head}${chunk(record('create') + record('start'))}`),
    (socket) =>
      socket.write(
        `${head}${chunk(record('create') + record('start') + record('exec') + record('start', '1700000005000000000'))}`,
      ),
  )
  const filters = { label: ['a'] }
  const seen = await firstItems(engine.system.events({ filters }), 6)
  assert.deepEqual(seen, ['gap', 'create', 'start', 'gap unreachable', 'exec', 'start'])
  const query = `filters=${encodeURIComponent('{"label":["a"]}')}`
  assert.deepEqual(
    server.requests.map(({ target }) => target),
    [`/v1.41/events?${query}`, `/v1.41/events?since=1700000000.122456768&${query}`],
  )
  await server.untilReleased()
})

test('an engine that ends the stream, is gone for a while or reports a failure inside is followed on', async (t) => {
  const { engine } = await serve(
    t,
    (socket) => socket.write(`${head}${lastChunk}`),
    // An unanswered GET is sent twice by the transport.
    (socket) => socket.destroy(),
    (socket) => socket.destroy(),
    (socket) => socket.write(`${head}${chunk('{"cause":"x","message":"journal is gone","response":500}\n')}`),
    (socket) => socket.write(`${head}${chunk(record('start'))}`),
  )
  assert.deepEqual(await firstItems(engine.system.events(), 4), ['gap', 'gap unreachable', 'gap server-error', 'start'])
})

test('a refusal and a record of another shape are thrown, not repeated', async (t) => {
  const cases: [string, EngineErrorCode][] = [
    [answerOf(400, '{"message":"invalid filter"}').toString(), 'bad-request'],
    [`${head}${chunk('{"Type":"container"}\n')}`, 'protocol'],
    [`${head}${chunk('no json\n')}`, 'protocol'],
    [`${head}${chunk(record('start', '12.5'))}`, 'protocol'],
  ]
  for (const [answer, code] of cases) {
    const { engine, server } = await serve(t, (socket) => socket.write(answer))
    await assert.rejects(collected(engine.system.events()), is(code), answer)
    assert.equal(server.requests.length, 1)
  }
})

test('leaving the loop at the gap frees the connection', async (t) => {
  const { engine, server } = await serve(t, (socket) => socket.write(head))
  assert.deepEqual(await firstItems(engine.system.events(), 1), ['gap'])
  await server.untilReleased()
})

test('abort ends it while events are awaited, and while the engine is gone', { timeout: 20_000 }, async (t) => {
  const quiet = await serve(t, (socket) => socket.write(head))
  const controller = new AbortController()
  const watching = async (): Promise<void> => {
    for await (const { kind } of quiet.engine.system.events({ signal: controller.signal })) {
      if (kind === 'gap') setImmediate(() => controller.abort())
    }
  }
  await assert.rejects(watching(), is('aborted'))
  await quiet.server.untilReleased()

  const gone = createEngine({ host: 'unix:///nowhere/engine.sock' })
  t.after(() => gone.close())
  await assert.rejects(collected(gone.system.events({ signal: AbortSignal.timeout(250) })), is('aborted'))
})
