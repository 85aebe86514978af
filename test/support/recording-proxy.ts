// A proxy on a Unix socket in front of a real engine. It passes every byte on as it came, and keeps a copy of each exchange
// in the order in which the requests were complete.

import { EventEmitter, once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type WireMessage, WireReader } from './http-wire.ts'
import type { Input } from './recording.ts'

export interface RawExchange {
  readonly request: WireMessage
  /** What the client said behind a 101. */
  readonly input: readonly Input[]
  /** Undefined while the engine has not answered. */
  response: WireMessage | undefined
}

export interface RecordingProxy {
  /** `unix://...` */
  readonly host: string
  /** Resolves when every request has its whole answer, whose end a client may not have waited for; or after some seconds. */
  exchanges(): Promise<readonly RawExchange[]>
  close(): Promise<void>
}

export async function openRecordingProxy(engineSocket: string): Promise<RecordingProxy> {
  const folder = await mkdtemp(join(tmpdir(), 'recording-proxy-'))
  const path = join(folder, 'engine.sock')
  const exchanges: RawExchange[] = []
  const answered = new EventEmitter()
  const sockets = new Set<Socket>()

  const server = createServer({ allowHalfOpen: true }, (client) => {
    const engine = connect({ path: engineSocket, allowHalfOpen: true })
    const waiting: (RawExchange & { readonly input: Input[] })[] = []
    const requests = new WireReader((request) => {
      const exchange = { request, input: [], response: undefined }
      exchanges.push(exchange)
      waiting.push(exchange)
    })
    const responses = new WireReader(
      (response) => {
        const exchange = waiting.shift()
        if (exchange !== undefined) exchange.response = response
        answered.emit('one')
      },
      () => waiting[0]?.request.startLine.startsWith('HEAD ') !== true,
    )
    /** Behind a 101. What comes when the engine has ended is heard by nobody, and not kept. */
    const said = (bytes: string, ended: boolean): void => {
      const input = waiting[0]?.input
      const after = responses.upgradedBytes ?? 0
      const last = input?.at(-1)
      if (last?.after === after) Object.assign(last, { bytes: last.bytes + bytes, ended })
      else input?.push({ after, bytes, ended })
    }
    passOn(client, engine, {
      push: (bytes) =>
        responses.upgradedBytes === undefined ? requests.push(bytes) : said(bytes.toString('latin1'), false),
      end: () => (responses.upgradedBytes === undefined ? requests.end() : said('', true)),
    })
    passOn(engine, client, responses)
    for (const socket of [client, engine]) {
      sockets.add(socket)
      socket.on('close', () => sockets.delete(socket))
    }
  })
  await new Promise<void>((resolve) => server.listen(path, resolve))
  return {
    host: `unix://${path}`,
    async exchanges() {
      const signal = AbortSignal.timeout(timeoutMs)
      while (exchanges.some(({ response }) => response === undefined) && !signal.aborted) {
        await once(answered, 'one', { signal }).catch(() => undefined)
      }
      return exchanges
    },
    async close() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
      await rm(folder, { recursive: true })
    },
  }
}

const timeoutMs = 5_000

/** Passes on what `from` says, and its end; also where the other side has gone, so that all of an answer is seen. */
function passOn(from: Socket, to: Socket, reader: Pick<WireReader, 'push' | 'end'>): void {
  from.on('data', (bytes: Buffer) => {
    if (!to.destroyed) to.write(bytes)
    reader.push(bytes)
  })
  from.on('end', () => {
    reader.end()
    to.end()
  })
  from.on('error', () => to.end())
}
