// Connections of several addresses of this host, on real sockets: who takes too many, who is served all the same.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { request } from 'node:http'
import { type AddressInfo, connect, createServer, Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { boundConnections, connectionsAtOnce } from '../../../../src/http/limits/connections.ts'
import { openService } from '../../../support/memory-service.ts'

const perAddress = 200

async function listen(t: TestContext) {
  const opened = new Set<Socket>()
  // Before the service closes, which waits for requests under way.
  t.after(() => {
    for (const socket of opened) socket.destroy()
  })
  const { app, log } = await openService(t)
  await app.listen({ host: '0.0.0.0', port: 0 })
  const { port } = app.server.address() as AddressInfo
  const open = async (localAddress: string) => {
    const socket = connect({ host: '127.0.0.1', port, localAddress })
    opened.add(socket.on('error', () => {}).once('close', () => opened.delete(socket)))
    await Promise.race([once(socket, 'connect'), once(socket, 'close')])
    return socket
  }
  const openMany = async (count: number, localAddress: string) => {
    const sockets: Socket[] = []
    // As many at once as the queue of the system holds.
    while (sockets.length < count) {
      const batch = Math.min(100, count - sockets.length)
      sockets.push(...(await Promise.all(Array.from({ length: batch }, () => open(localAddress)))))
    }
    return sockets
  }
  /** The status of a call from this address, on a connection of its own. */
  const ask = (localAddress: string, path = '/healthz') =>
    new Promise<number | undefined>((resolve, reject) => {
      const asked = request({ host: '127.0.0.1', port, localAddress, path, agent: false }, (response) => {
        response.resume().once('end', () => resolve(response.statusCode))
      })
      asked.once('error', reject).end()
    })
  return { app, log, port, open, openMany, ask }
}

test('2,020 idle connections of one address keep nobody out, not even a caller beside them', async (t) => {
  const { app, openMany, ask } = await listen(t)
  await openMany(2_020, '127.0.0.2')
  assert.equal(await ask('127.0.0.3'), 200)
  assert.equal(await ask('127.0.0.2'), 200)
  const held = await new Promise<number>((resolve, reject) =>
    app.server.getConnections((error, count) => (error ? reject(error) : resolve(count))),
  )
  assert.ok(held <= perAddress + 2, `${held} are held`)
})

test('connections that were used once, or have sent half a request, are in the way of nobody either', async (t) => {
  const { openMany, ask } = await listen(t)
  for (const [at, text] of [
    'GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n',
    'GET /heal',
    'GET / HTTP/1.1\r\n',
  ].entries()) {
    const sockets = await openMany(perAddress, `127.0.1.${at + 1}`)
    for (const socket of sockets) socket.write(text)
    if (at === 0) await Promise.all(sockets.map((socket) => once(socket, 'data')))
    assert.equal(await ask(`127.0.1.${at + 1}`), 200, text)
  }
})

test('an address all of whose connections are at work is refused another one; the others are served', async (t) => {
  const { openMany, ask, log } = await listen(t)
  const body =
    'POST /room/plan-class HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{'
  const sockets = await openMany(perAddress, '127.0.0.2')
  for (const socket of sockets) socket.write(body)
  // The service has seen a request when it is asked again after it.
  await ask('127.0.0.3')
  await assert.rejects(ask('127.0.0.2'))
  assert.equal(await ask('127.0.0.3'), 200)
  assert.ok(sockets.every((socket) => !socket.destroyed))
  const lines = log.filter(({ address }) => address === '127.0.0.2')
  assert.equal(lines.length, 1)
  assert.match(String(lines[0]?.['msg']), /CONNECTIONS_PER_ADDRESS/)
  const [first] = sockets
  first?.destroy()
  for (let status: unknown; status !== 200; ) status = await ask('127.0.0.2').catch(() => undefined)
})

test('where many addresses take all there is, the one that holds most makes room for others', async (t) => {
  const { app } = await openService(t)
  const server = createServer()
  boundConnections(server, 1_800, app.log)
  const ended: string[] = []
  const arrive = (remoteAddress: string) => {
    const socket = Object.defineProperty(new Socket(), 'remoteAddress', { value: remoteAddress })
    t.mock.method(socket, 'destroy', () => {
      ended.push(remoteAddress)
      return socket
    })
    server.emit('connection', socket)
  }
  for (let number = 0; number < 600; number++) arrive(`192.0.${number % 3}.${number % 200}`)
  for (let number = 600; number < connectionsAtOnce; number++) arrive('203.0.113.9')
  assert.deepEqual(ended, [])
  arrive('198.51.100.1')
  assert.deepEqual(ended, ['203.0.113.9'])
})
