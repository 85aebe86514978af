// A proxy on a Unix socket in front of a real engine. It passes every byte on as it came, and keeps a copy of each exchange
// in the order in which the requests were complete.

import { mkdtemp, rm } from 'node:fs/promises'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type WireMessage, WireReader } from './http-wire.ts'

export interface RawExchange {
  readonly request: WireMessage
  /** Undefined while the engine has not answered. */
  response: WireMessage | undefined
}

export interface RecordingProxy {
  /** `unix://...` */
  readonly host: string
  readonly exchanges: readonly RawExchange[]
  close(): Promise<void>
}

export async function openRecordingProxy(engineSocket: string): Promise<RecordingProxy> {
  const folder = await mkdtemp(join(tmpdir(), 'recording-proxy-'))
  const path = join(folder, 'engine.sock')
  const exchanges: RawExchange[] = []
  const sockets = new Set<Socket>()

  const server = createServer({ allowHalfOpen: true }, (client) => {
    const engine = connect({ path: engineSocket, allowHalfOpen: true })
    const waiting: RawExchange[] = []
    const requests = new WireReader((request) => {
      const exchange: RawExchange = { request, response: undefined }
      exchanges.push(exchange)
      waiting.push(exchange)
    })
    const responses = new WireReader(
      (response) => {
        const exchange = waiting.shift()
        if (exchange !== undefined) exchange.response = response
      },
      () => waiting[0]?.request.startLine.startsWith('HEAD ') !== true,
    )
    passOn(client, engine, requests)
    passOn(engine, client, responses)
    for (const socket of [client, engine]) {
      sockets.add(socket)
      socket.on('close', () => sockets.delete(socket))
    }
  })
  await new Promise<void>((resolve) => server.listen(path, resolve))
  return {
    host: `unix://${path}`,
    exchanges,
    async close() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
      await rm(folder, { recursive: true })
    },
  }
}

/** Passes on what `from` says, and its end. */
function passOn(from: Socket, to: Socket, reader: WireReader): void {
  from.on('data', (bytes: Buffer) => {
    to.write(bytes)
    reader.push(bytes)
  })
  from.on('end', () => {
    reader.end()
    to.end()
  })
  from.on('error', () => to.destroy())
}
