// Passes HTTP exchanges on to a server, heads and bodies as they came; who uses it decides which, and what becomes of answers.
// `Connection` alone is not passed on. Each exchange has a connection of its own to the server, so that none is
// ever met just as the server closes it: such a fault would be the proxy's and not the server's.

import { type IncomingMessage, request, type ServerResponse } from 'node:http'
import { connect } from 'node:net'
import type { Duplex } from 'node:stream'

/** Where the server is. */
export type Target = { readonly socketPath: string } | { readonly host: string; readonly port: number }

/** What becomes of an answer once its head is there. */
export type Deliver = (answer: IncomingMessage, outgoing: ServerResponse) => void

/** Sends a request on and delivers its answer. Whichever side breaks, the other is broken too: no end is ever made up. */
export function forward(target: Target, incoming: IncomingMessage, outgoing: ServerResponse, deliver = passOn): void {
  const { method, url, rawHeaders } = incoming
  // Kept alive and used once: a server that closes after its answer can cut off our last write, and its answer with it.
  const headers = [...withoutConnection(rawHeaders), 'connection', 'keep-alive']
  const onward = request({ ...target, method, path: url, headers, agent: false })
  onward.on('response', (answer) => deliver(answer, outgoing))
  onward.on('error', () => incoming.socket.destroy())
  incoming.on('error', () => onward.destroy())
  outgoing.on('close', () => {
    if (!outgoing.writableFinished) onward.destroy()
  })
  incoming.pipe(onward)
}

export function passOn(answer: IncomingMessage, outgoing: ServerResponse): void {
  copyHead(answer, outgoing)
  // Some answers say nothing for minutes after their head.
  outgoing.flushHeaders()
  answer.on('error', () => outgoing.destroy())
  answer.pipe(outgoing)
}

/** The answer's status and headers, with others in place of those named so (lower case); undefined leaves one out. */
export function copyHead(
  { statusCode = 502, statusMessage, rawHeaders }: IncomingMessage,
  outgoing: ServerResponse,
  changes: Readonly<Record<string, string | undefined>> = {},
): void {
  outgoing.sendDate = false
  const kept = withoutConnection(rawHeaders).filter((_, index, all) => !isNamed(all, index, Object.keys(changes)))
  const added = Object.entries(changes).flatMap(([name, value]) => (value === undefined ? [] : [name, value]))
  outgoing.writeHead(statusCode, statusMessage, [...kept, ...added])
}

/** Whether the flat list of names and values has at `index` one of these names, or its value. */
const isNamed = (headers: readonly string[], index: number, names: readonly string[]): boolean =>
  names.includes((headers[index - (index % 2)] ?? '').toLowerCase())

const withoutConnection = (headers: string[]): string[] =>
  headers.filter((_, index) => !isNamed(headers, index, ['connection', 'keep-alive']))

/** A connection that stops being HTTP: from here on bytes, each half ending by itself. */
export function forwardUpgrade(target: Target, incoming: IncomingMessage, client: Duplex, head: Buffer): void {
  const { method, url, rawHeaders } = incoming
  const server = connect(
    'socketPath' in target ? { path: target.socketPath, allowHalfOpen: true } : { ...target, allowHalfOpen: true },
  )
  server.on('error', () => client.destroy())
  client.on('error', () => server.destroy())
  client.on('close', () => server.destroy())
  server.once('data', (answer: Buffer) => {
    // Refused: it goes on being HTTP, and a next request on this connection would pass unseen.
    if (!answer.toString('latin1').startsWith('HTTP/1.1 101')) {
      client.unpipe(server)
      server.end()
    }
  })
  const lines = rawHeaders.map((text, index) => (index % 2 === 0 ? `${text}: ` : `${text}\r\n`))
  server.write(`${method} ${url} HTTP/1.1\r\n${lines.join('')}\r\n`)
  server.write(head)
  client.pipe(server)
  server.pipe(client)
}

/** All bytes of a body; rejects where it breaks off. */
export async function wholeBody(message: IncomingMessage): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of message) chunks.push(chunk)
  return Buffer.concat(chunks)
}
