// A proxy before a real S3 server that fails as servers and networks do, at the request that it is told. The Host header passes
// as it came, because it is signed; the faults that lie alter only what is not.

import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import { Transform } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { copyHead, type Deliver, forward, passOn, type Target, wholeBody } from '../referee/forward.ts'
import { type Strike, StrikePlan } from './strike.ts'

/**
 * Faults that show:
 * - `hang`: no answer, ever · `reset`: the connection breaks · `refused`: nothing listens any more, until `comeBack`
 * - `error-500`, `slow-down` (503), `skewed-clock`, `revoked-keys`, `bucket-gone`: refusals in the words of S3
 * - `broken-off`: the connection breaks in the middle of the body that is sent; the server has the first half
 * - `answer-lost`: the server does as it is told, and then the connection breaks
 * - `slow`: 64 KB/s, in the direction of the body
 *
 * Lies, all with a 200 and the ETag that the client expects:
 * - `cut`: half of the body is stored; of an answer with a body, half of that arrives
 * - `flipped-bit`: one bit is stored wrong, or arrives wrong
 * - `vanished`: nothing is stored; a list leaves its first object out
 * - `stale-etag`: ETags of older objects, in a list or an answer to HEAD
 */
export type S3Fault =
  | 'hang'
  | 'reset'
  | 'refused'
  | 'error-500'
  | 'slow-down'
  | 'skewed-clock'
  | 'revoked-keys'
  | 'bucket-gone'
  | 'broken-off'
  | 'answer-lost'
  | 'slow'
  | 'cut'
  | 'flipped-bit'
  | 'vanished'
  | 'stale-etag'

export type S3Strike = Strike<S3Fault>

export interface Seen {
  readonly method: string
  readonly path: string
  /** undefined while there is no answer. */
  status: number | undefined
}

export interface S3Proxy {
  readonly url: string
  /** Requests since the start, or since it was emptied. */
  readonly seen: Seen[]
  readonly plan: StrikePlan<S3Fault>
  /** Called when the server has answered, before the client hears of it. */
  onAnswer: (seen: Seen) => void
  /** Refuses connections and breaks those that there are. */
  goDown(): Promise<void>
  /** Listens again, on the same port; does nothing where it listens. */
  comeBack(): Promise<void>
}

const refusals: Partial<Record<S3Fault, readonly [status: number, code: string]>> = {
  'error-500': [500, 'InternalError'],
  'slow-down': [503, 'SlowDown'],
  'skewed-clock': [403, 'RequestTimeTooSkewed'],
  'revoked-keys': [403, 'InvalidAccessKeyId'],
  'bucket-gone': [404, 'NoSuchBucket'],
}

export async function startS3Proxy(endpoint: string): Promise<S3Proxy> {
  const { hostname, port } = new URL(endpoint)
  const target = { host: hostname, port: Number(port) }
  const server = createServer((incoming, outgoing) => {
    const { method = '', url = '' } = incoming
    const entry: Seen = { method, path: url, status: undefined }
    proxy.seen.push(entry)
    const fault = proxy.plan.take(method, url)
    if (fault === 'refused') return void proxy.goDown()
    const deliver = fault === undefined ? passOn : deliverWith(fault)
    const exchange = { target, incoming, outgoing }
    const noted: Deliver = (answer, to) => {
      entry.status = answer.statusCode
      proxy.onAnswer(entry)
      deliver(answer, to)
    }
    if (fault === undefined) forward(target, incoming, outgoing, noted)
    else strikeDown(exchange, fault, noted)
  })
  const listen = async (at: number) => {
    server.listen(at, '127.0.0.1')
    await once(server, 'listening')
  }
  await listen(0)
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the proxy does not listen')
  const proxy: S3Proxy = {
    url: `http://127.0.0.1:${address.port}`,
    seen: [],
    plan: new StrikePlan(),
    onAnswer: () => {},
    async goDown() {
      if (!server.listening) return
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
    async comeBack() {
      if (!server.listening) await listen(address.port)
    },
  }
  return proxy
}

interface Exchange {
  readonly target: Target
  readonly incoming: IncomingMessage
  readonly outgoing: ServerResponse
}

function strikeDown(exchange: Exchange, fault: S3Fault, deliver: Deliver): void {
  const { target, incoming, outgoing } = exchange
  const refusal = refusals[fault]
  if (refusal !== undefined) {
    const [status, code] = refusal
    incoming.resume()
    outgoing.writeHead(status, { 'content-type': 'application/xml' })
    outgoing.end(`<?xml version="1.0"?><Error><Code>${code}</Code><Message>a fault of the test</Message></Error>`)
  } else if (fault === 'hang') incoming.resume()
  else if (fault === 'reset') incoming.socket.resetAndDestroy()
  else if (fault === 'slow') forwardSlowly(exchange)
  else if (incoming.method === 'PUT' && lies.has(fault)) {
    wholeBody(incoming)
      .then((body) => storeLie(exchange, fault, body))
      .catch(() => outgoing.destroy())
  } else {
    if (fault === 'broken-off') breakHalfway(incoming)
    forward(target, incoming, outgoing, deliver)
  }
}

const lies: ReadonlySet<S3Fault> = new Set(['cut', 'flipped-bit', 'vanished'])

function breakHalfway(incoming: IncomingMessage): void {
  let left = Number(incoming.headers['content-length']) / 2
  incoming.on('data', (chunk: Buffer) => {
    left -= chunk.length
    if (left < 0) incoming.socket.resetAndDestroy()
  })
}

const slowBytesASecond = 64 * 1024

function forwardSlowly({ target, incoming, outgoing }: Exchange): void {
  const { method, url, headers } = incoming
  const slowly = () =>
    new Transform({
      transform(chunk: Buffer, _, done) {
        delay((chunk.length / slowBytesASecond) * 1000).then(() => done(null, chunk), done)
      },
    })
  const onward = request({ ...target, method, path: url, headers, agent: false }, (answer) => {
    copyHead(answer, outgoing)
    answer.pipe(slowly()).pipe(outgoing)
  })
  onward.once('error', () => outgoing.destroy())
  outgoing.once('close', () => onward.destroy())
  incoming.pipe(slowly()).pipe(onward)
}

const md5 = (bytes: Uint8Array, encoding: 'base64' | 'hex'): string => createHash('md5').update(bytes).digest(encoding)

/** Stores something else than `body`, or nothing, and answers as if it were that. */
async function storeLie({ target, incoming, outgoing }: Exchange, fault: S3Fault, body: Buffer): Promise<void> {
  const { method, url, headers } = incoming
  if (fault !== 'vanished') {
    const bytes = fault === 'cut' ? body.subarray(0, body.length >> 1) : flipped(body)
    const lied = { ...headers, 'content-length': bytes.length, 'content-md5': md5(bytes, 'base64') }
    const sent = request({ ...target, method, path: url, headers: lied, agent: false })
    sent.end(bytes)
    const [answer]: IncomingMessage[] = await once(sent, 'response')
    if (answer?.statusCode !== 200) throw new Error(`the lie was answered ${answer?.statusCode}`)
    answer.resume()
  }
  outgoing.writeHead(200, { etag: `"${md5(body, 'hex')}"` }).end()
}

function flipped(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes)
  copy[0] = (copy[0] ?? 0) ^ 1
  return copy
}

const staleEtag = md5(Buffer.from('an older object'), 'hex')

function deliverWith(fault: S3Fault): Deliver {
  return (answer, outgoing) => {
    wholeBody(answer).then(
      (body) => {
        if (fault === 'answer-lost') return outgoing.destroy()
        const told = damaged(fault, body)
        const length = answer.headers['content-length'] !== undefined && body.length > 0
        copyHead(answer, outgoing, {
          ...(length ? { 'content-length': String(told.length) } : {}),
          ...(fault === 'stale-etag' ? { etag: `"${staleEtag}"` } : {}),
        })
        return outgoing.end(told)
      },
      () => outgoing.destroy(),
    )
  }
}

function damaged(fault: S3Fault, body: Buffer): Buffer {
  if (fault === 'cut') return body.subarray(0, body.length >> 1)
  if (fault === 'flipped-bit') return flipped(body)
  const text = body.toString()
  if (fault === 'vanished') return Buffer.from(text.replace(/<Contents>.*?<\/Contents>/s, ''))
  return Buffer.from(text.replace(/(<ETag>[^<0-9a-f]*)[0-9a-f]{32}/g, `$1${staleEtag}`))
}
