// A server on a temporary Unix socket that answers with hand-made bytes, exactly as given and cut where a test wants it.
// It is a `net` server, since node:http would repair what these tests must break.

import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'

export interface RawRequest {
  readonly method: string
  readonly target: string
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

export interface RawServer {
  readonly host: string
  /** All requests so far, without the questions for the version. */
  readonly requests: readonly RawRequest[]
  /** How often the version was asked for. */
  readonly pings: () => number
  /** How many connections were ever made. */
  readonly connections: () => number
  /** Resolves when every connection that carried a request is closed. An idle one that carried none may stay. */
  untilReleased(): Promise<void>
  /** Resolves when `holds` is true; looked at whenever a connection or a request comes or goes. */
  until(holds: () => boolean): Promise<void>
  /** Resolves when so many requests were read. */
  untilRequests(count: number): Promise<void>
}

export interface RawServerOptions {
  /** The whole answer to the unversioned GET /_ping. */
  readonly ping?: () => string
  /** Hand over a request when its head is there, with an empty body. */
  readonly headOnly?: boolean
  /** Leave the server's half open when a client ends its own: the test then has to end it. */
  readonly halfOpen?: boolean
}

export type Respond = (socket: Socket, request: RawRequest) => void

/** An HTTP answer with its exact length. */
export function answerOf(
  status: number,
  body: string | Buffer = '',
  headers: Readonly<Record<string, string>> = {},
): Buffer {
  const lines = Object.entries({ ...headers, 'Content-Length': Buffer.byteLength(body) }).map(
    ([k, v]) => `${k}: ${v}\r\n`,
  )
  return Buffer.concat([Buffer.from(`HTTP/1.1 ${status} Status\r\n${lines.join('')}\r\n`), Buffer.from(body)])
}

export const pong = (version: string): string => answerOf(200, 'OK', { 'Api-Version': version }).toString()

export async function rawServer(t: TestContext, respond: Respond, options: RawServerOptions = {}): Promise<RawServer> {
  const folder = mkdtempSync(join(tmpdir(), 'raw-server-'))
  const path = join(folder, 'engine.sock')
  const requests: RawRequest[] = []
  const sockets = new Set<Socket>()
  const carriers = new Set<Socket>()
  const waiting = new Set<() => void>()
  let pings = 0
  let connections = 0
  const changed = (): void => {
    for (const check of waiting) check()
  }
  const until = (holds: () => boolean): Promise<void> =>
    new Promise((resolve) => {
      const check = (): void => {
        if (!holds()) return
        waiting.delete(check)
        resolve()
      }
      waiting.add(check)
      check()
    })

  const server = createServer({ allowHalfOpen: options.halfOpen ?? false }, (socket) => {
    connections += 1
    sockets.add(socket)
    changed()
    socket.on('error', () => undefined)
    socket.on('close', () => {
      sockets.delete(socket)
      carriers.delete(socket)
      changed()
    })
    onRequests(socket, options.headOnly ?? false, (request) => {
      if (request.target === '/_ping') {
        pings += 1
        socket.write(options.ping?.() ?? pong('1.41'))
        return
      }
      requests.push(request)
      carriers.add(socket)
      respond(socket, request)
      changed()
    })
  })
  await new Promise<void>((resolve) => server.listen(path, resolve))
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
    rmSync(folder, { recursive: true })
  })
  return {
    host: `unix://${path}`,
    requests,
    pings: () => pings,
    connections: () => connections,
    untilReleased: () => until(() => carriers.size === 0),
    until,
    untilRequests: (count) => until(() => requests.length >= count),
  }
}

/** Splits what comes in on a connection into requests, by Content-Length or chunks. */
function onRequests(socket: Socket, headOnly: boolean, handle: (request: RawRequest) => void): void {
  let pending: Buffer = Buffer.alloc(0)
  socket.on('data', (data: Buffer) => {
    pending = Buffer.concat([pending, data])
    for (let parsed = parse(pending, headOnly); parsed !== undefined; parsed = parse(pending, headOnly)) {
      pending = parsed.rest
      handle(parsed.request)
    }
  })
}

function parse(bytes: Buffer, headOnly: boolean): { request: RawRequest; rest: Buffer } | undefined {
  const headEnd = bytes.indexOf('\r\n\r\n')
  if (headEnd === -1) return undefined
  const [line = '', ...fields] = bytes.toString('latin1', 0, headEnd).split('\r\n')
  const [method = '', target = ''] = line.split(' ')
  const headers = Object.fromEntries(
    fields.map((field) => {
      const colon = field.indexOf(':')
      return [field.slice(0, colon).toLowerCase(), field.slice(colon + 1).trim()]
    }),
  )
  const rest = bytes.subarray(headEnd + 4)
  const done = (body: Buffer, end: number) => ({ request: { method, target, headers, body }, rest: rest.subarray(end) })
  if (headOnly) return done(Buffer.alloc(0), rest.length)
  if (headers['transfer-encoding'] !== 'chunked') {
    const length = Number(headers['content-length'] ?? 0)
    return rest.length < length ? undefined : done(rest.subarray(0, length), length)
  }
  const parts: Buffer[] = []
  for (let start = 0; ; ) {
    const lineEnd = rest.indexOf('\r\n', start)
    if (lineEnd === -1) return undefined
    const size = Number.parseInt(rest.toString('latin1', start, lineEnd), 16)
    const end = lineEnd + 2 + size + 2
    if (rest.length < end) return undefined
    parts.push(rest.subarray(lineEnd + 2, lineEnd + 2 + size))
    if (size === 0) return done(Buffer.concat(parts), end)
    start = end
  }
}
