// Answers that are taken whole: how long one may be, what comes before it, and what a broken one is still good for.

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { createEngine, type Engine, isEngineError } from '../../../engine-api/index.ts'
import { answerOf, type RawServer, rawServer } from '../raw-server.ts'

const volume = '{"Name":"v","Driver":"local","Labels":null}'

function engineFor(t: TestContext, server: RawServer): Engine {
  const engine = createEngine({ host: server.host })
  t.after(() => engine.close())
  return engine
}

test('an answer that is absurdly long is a protocol error, and its connection is freed', {
  timeout: 60_000,
}, async (t) => {
  const piece = Buffer.alloc(1024 * 1024, ' ')
  const server = await rawServer(t, (socket) => {
    socket.write('HTTP/1.1 200 Status\r\nConnection: close\r\n\r\n')
    const more = (): void => {
      while (!socket.destroyed && socket.write(piece));
    }
    socket.on('drain', more)
    more()
  })
  await assert.rejects(
    engineFor(t, server).volumes.inspect('v'),
    (error) => isEngineError(error, 'protocol') && /longer than 67108864 bytes/.test(error.message),
  )
  await server.untilReleased()
})

test('what announces an answer is not the answer', async (t) => {
  const server = await rawServer(t, (socket) => {
    socket.write('HTTP/1.1 102 Processing\r\n\r\n')
    socket.write(answerOf(200, volume))
  })
  const statuses: unknown[] = []
  const engine = createEngine({ host: server.host, onCall: ({ endpoint, status }) => statuses.push(endpoint, status) })
  t.after(() => engine.close())
  assert.equal((await engine.volumes.inspect('v')).Name, 'v')
  assert.deepEqual(statuses.slice(-4), ['system-ping', 200, 'volume-inspect', 200])
})

test('a status that says all is enough where the connection breaks inside its body, and a call that wants the body fails', async (t) => {
  const cut = 'HTTP/1.1 200 Status\r\nContent-Length: 100\r\n\r\n{"Name":"v"'
  const server = await rawServer(t, (socket) => socket.end(cut))
  const engine = engineFor(t, server)
  assert.equal(await engine.networks.connect('n', 'c'), 'connected')
  await assert.rejects(engine.volumes.inspect('v'), (error) => isEngineError(error, 'unreachable'))
})
