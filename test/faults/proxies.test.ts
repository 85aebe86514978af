// The fault proxies before a hand-made server: each fault is what its name says, to the client and to the server.

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { wholeBody } from '../referee/forward.ts'
import { type EngineFault, openEngineProxy } from './engine-proxy.ts'
import { type S3Fault, startS3Proxy } from './s3-proxy.ts'

interface Ask {
  readonly method: string
  readonly path: string
  readonly body?: Buffer
}

interface Got {
  readonly status: number | undefined
  readonly body: string
  readonly etag: string | undefined
}

/** For what must come, however busy the machine is; and for what must not. */
const patienceMs = 10_000
const silenceMs = 300

/** What the client sees: an answer, or how it fails; 'silence' where nothing comes for a while. */
async function ask(
  where: { socketPath: string } | { host: string; port: number },
  what: Ask,
  waitMs = patienceMs,
): Promise<Got | string> {
  const { method, path, body = Buffer.alloc(0) } = what
  const headers = { 'content-length': body.length, 'content-md5': createHash('md5').update(body).digest('base64') }
  const sent = request({ ...where, method, path, headers, agent: false })
  const answered = new Promise<Got | string>((resolve) => {
    sent.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    sent.once('response', (answer) => {
      wholeBody(answer).then(
        (bytes) => resolve({ status: answer.statusCode, body: bytes.toString(), etag: answer.headers.etag }),
        (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message),
      )
    })
  })
  sent.end(body)
  const outcome = await Promise.race([answered, delay(waitMs, 'silence', { ref: false })])
  sent.destroy()
  return outcome
}

const waitFor = (seen: unknown): number => (seen === 'silence' ? silenceMs : patienceMs)

const list =
  '<ListBucketResult><Contents><Key>a</Key><ETag>&quot;0123456789abcdef0123456789abcdef&quot;</ETag></Contents>' +
  '<Contents><Key>b</Key></Contents></ListBucketResult>'

/** Answers 200 to everything: to PUT with the MD5 of what came, to GET /list with a list, to any other GET with 1,000 bytes. */
async function startServer(t: TestContext, where: string | undefined) {
  const heard: { method: string; body: string }[] = []
  const server = createServer((incoming: IncomingMessage, outgoing) => {
    wholeBody(incoming).then(
      (body) => {
        heard.push({ method: incoming.method ?? '', body: body.toString() })
        const md5 = createHash('md5').update(body)
        if (md5.copy().digest('base64') !== incoming.headers['content-md5']) outgoing.statusCode = 400
        if (incoming.method === 'PUT') outgoing.setHeader('etag', `"${md5.digest('hex')}"`)
        outgoing.end(incoming.url === '/list' ? list : incoming.method === 'GET' ? 'x'.repeat(1000) : '')
      },
      () => heard.push({ method: incoming.method ?? '', body: 'broken off' }),
    )
  })
  server.listen(where ?? { port: 0, host: '127.0.0.1' })
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const address = server.address()
  return { heard, port: typeof address === 'object' && address !== null ? address.port : 0 }
}

const engineFaults: readonly [fault: EngineFault, seen: unknown, heard: number][] = [
  ['hang', 'silence', 0],
  ['reset', 'ECONNRESET', 0],
  ['error-500', { status: 500, body: '{"message":"a fault of the test"}\n', etag: undefined }, 0],
  ['answer-lost', 'ECONNRESET', 1],
  ['broken-off', 'ECONNRESET', 1],
]

for (const [fault, seen, heard] of engineFaults) {
  test(`engine, ${fault}: the engine hears of ${heard} requests; the next one passes`, async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'engine-proxy-'))
    const socketPath = join(folder, 'engine.sock')
    const server = await startServer(t, socketPath)
    const listenSocket = join(folder, 'proxy.sock')
    const proxy = await openEngineProxy({ socketPath }, listenSocket)
    t.after(async () => {
      await proxy.close()
      await rm(folder, { recursive: true })
    })
    const get = { method: 'GET', path: '/containers' }
    proxy.plan.set({ fault, ...get, url: /containers/, nth: 1 })
    assert.deepEqual(await ask({ socketPath: listenSocket }, get, waitFor(seen)), seen)
    assert.equal(server.heard.length, heard)
    assert.deepEqual(await ask({ socketPath: listenSocket }, get), {
      status: 200,
      body: 'x'.repeat(1000),
      etag: undefined,
    })
    assert.equal(proxy.plan.hits, 1)
  })
}

const body = Buffer.from('0123456789')
const etag = `"${createHash('md5').update(body).digest('hex')}"`
const put = { method: 'PUT', path: '/bucket/key', body }
const get = { method: 'GET', path: '/bucket/key' }
const listed = { method: 'GET', path: '/list' }
const refusal = (status: number, code: string) => ({
  status,
  body: `<?xml version="1.0"?><Error><Code>${code}</Code><Message>a fault of the test</Message></Error>`,
  etag: undefined,
})

const s3Faults: readonly [fault: S3Fault, asked: Ask, seen: unknown, heard: readonly string[]][] = [
  ['hang', put, 'silence', []],
  ['reset', put, 'ECONNRESET', []],
  ['refused', put, 'ECONNRESET', []],
  ['error-500', put, refusal(500, 'InternalError'), []],
  ['slow-down', put, refusal(503, 'SlowDown'), []],
  ['skewed-clock', put, refusal(403, 'RequestTimeTooSkewed'), []],
  ['revoked-keys', put, refusal(403, 'InvalidAccessKeyId'), []],
  ['bucket-gone', put, refusal(404, 'NoSuchBucket'), []],
  ['answer-lost', put, 'ECONNRESET', ['0123456789']],
  ['slow', put, { status: 200, body: '', etag }, ['0123456789']],
  ['cut', put, { status: 200, body: '', etag }, ['01234']],
  ['flipped-bit', put, { status: 200, body: '', etag }, ['1123456789']],
  ['vanished', put, { status: 200, body: '', etag }, []],
  ['cut', get, { status: 200, body: 'x'.repeat(500), etag: undefined }, ['']],
  ['flipped-bit', get, { status: 200, body: `y${'x'.repeat(999)}`, etag: undefined }, ['']],
  ['vanished', listed, { status: 200, body: list.replace(/<Contents>.*?<\/Contents>/, ''), etag: undefined }, ['']],
]

for (const [fault, asked, seen, heard] of s3Faults) {
  test(`S3, ${fault} at ${asked.method} ${asked.path}`, async (t) => {
    const server = await startServer(t, undefined)
    const proxy = await startS3Proxy(`http://127.0.0.1:${server.port}`)
    t.after(() => proxy.goDown())
    const where = { host: '127.0.0.1', port: Number(new URL(proxy.url).port) }
    proxy.plan.set({ fault, url: /^/, nth: 1 })
    assert.deepEqual(await ask(where, asked, waitFor(seen)), seen)
    assert.deepEqual(
      server.heard.map((each) => each.body),
      heard,
    )
    assert.equal(proxy.plan.hits, 1)
    if (fault === 'refused') assert.equal(await ask(where, asked), 'ECONNREFUSED')
    await proxy.comeBack()
    const passed = await ask(where, asked)
    assert.ok(typeof passed === 'object' && passed.status === 200)
    assert.equal(proxy.seen.at(-1)?.status, 200)
  })
}

test('S3, stale-etag: of a list, all ETags are others and nothing else is', async (t) => {
  const server = await startServer(t, undefined)
  const proxy = await startS3Proxy(`http://127.0.0.1:${server.port}`)
  t.after(() => proxy.goDown())
  proxy.plan.set({ fault: 'stale-etag', url: /list/, nth: 1 })
  const told = await ask({ host: '127.0.0.1', port: Number(new URL(proxy.url).port) }, listed)
  assert.ok(typeof told === 'object')
  const stale = /[0-9a-f]{32}/.exec(told.body)?.[0] ?? ''
  assert.notEqual(stale, '0123456789abcdef0123456789abcdef')
  assert.equal(told.body.replace(stale, '0123456789abcdef0123456789abcdef'), list)
})

test('S3, broken-off: the server has a part, and never an end', async (t) => {
  const server = await startServer(t, undefined)
  const proxy = await startS3Proxy(`http://127.0.0.1:${server.port}`)
  t.after(() => proxy.goDown())
  proxy.plan.set({ fault: 'broken-off', url: /^/, nth: 1 })
  const large = { ...put, body: Buffer.alloc(1_000_000) }
  const outcome = await ask({ host: '127.0.0.1', port: Number(new URL(proxy.url).port) }, large)
  assert.match(String(outcome), /ECONNRESET|EPIPE/)
  while (server.heard.length === 0) await delay(5)
  assert.deepEqual(server.heard, [{ method: 'PUT', body: 'broken off' }])
})
