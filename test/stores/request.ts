// One signed request to an S3 server, as its bytes: no retry, no redirect, and a body that may be left unfinished.

import { once } from 'node:events'
import { type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http'
import { wholeBody } from '../referee/forward.ts'
import type { S3Server } from '../support/live.ts'
import { canonicalQuery, encode, signedHeaders } from '../support/s3-signature.ts'

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
}

export interface Sent {
  readonly query?: Readonly<Record<string, string>>
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array
}

/** A key, or a bucket alone, as a path. */
export const pathOf = (...names: readonly string[]): string => `/${names.join('/').split('/').map(encode).join('/')}`

function begin(server: S3Server, method: string, path: string, { query = {}, headers = {}, body }: Sent) {
  const url = new URL(`${server.endpoint}${path}`)
  url.search = canonicalQuery(query)
  return request(url, {
    method,
    agent: false,
    headers: {
      ...signedHeaders(server, method, url, 'UNSIGNED-PAYLOAD'),
      ...(body === undefined ? {} : { 'content-length': String(body.length) }),
      ...headers,
    },
  })
}

export async function send(server: S3Server, method: string, path: string, sent: Sent = {}): Promise<Answer> {
  const asked = begin(server, method, path, sent)
  const answered = once(asked, 'response')
  // A server may answer, and then break the connection that the rest of the body comes by.
  asked.on('error', () => undefined)
  asked.end(sent.body)
  const [answer] = (await answered) as [IncomingMessage]
  return { status: answer.statusCode ?? 0, headers: answer.headers, text: (await wholeBody(answer)).toString() }
}

/** Sends half of the body, then breaks the connection. */
export async function sendHalf(server: S3Server, path: string, sent: Sent & { body: Uint8Array }): Promise<void> {
  const { body } = sent
  const asked = begin(server, 'PUT', path, sent)
  asked.on('error', () => undefined)
  await new Promise((written) => asked.write(body.subarray(0, body.length / 2), written))
  await new Promise((closed) => asked.once('close', closed).destroy())
}
