// What no HTTP client would send: bytes on the socket itself, by hand and by chance. Whatever is answered is whole, never a 5xx,
// and a problem where it is a refusal; a connection may also end without an answer. REQUESTS_SEED repeats a run.

import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type Contract, readContract, routeOf } from '../../../support/contract.ts'
import { callsOf } from '../../../support/contract-calls.ts'
import { WireReader } from '../../../support/http-wire.ts'
import { openService } from '../../../support/memory-service.ts'
import { cutSomewhere, damaged, inPieces, type Random, randomFrom } from '../../../support/random.ts'
import { type RandomRequest, randomRequest } from '../../../support/random-requests.ts'

const seed = Number(process.env['REQUESTS_SEED'] ?? Date.now() % 2 ** 32)
/** Under the burst of the rate limit: all who come by a Unix socket are one caller. */
const count = 800

async function listen(t: TestContext) {
  const { app, ofClass, get } = await openService(t)
  const contract = readContract((await get('/openapi.json')).body)
  const path = join(ofClass.folder, '.listen.sock')
  await app.listen({ path })
  // Node drops the answer to a client that has ended its side, unless it is told not to.
  Object.assign(app.server, { httpAllowHalfOpen: true })
  return { app, contract, path }
}

interface Answer {
  readonly statusCode: number
  readonly headers: Record<string, string>
  readonly body: string
}

/** Sends the pieces, ends its side, and gives what came back until the other side ended. */
async function exchange(path: string, pieces: readonly Buffer[]): Promise<Answer[]> {
  const answers: Answer[] = []
  const reader = new WireReader(({ startLine, headers, body }) => {
    const statusCode = Number(startLine.split(' ')[1])
    const named = Object.fromEntries(headers.map(([name, value]) => [name.toLowerCase(), value]))
    answers.push({ statusCode, headers: named, body: body.toString() })
  })
  const socket = connect(path)
  socket.on('data', (bytes) => reader.push(bytes))
  // A refusal may close the connection while there is more to send.
  socket.on('error', () => {})
  for (const piece of pieces) socket.write(piece)
  socket.end()
  await new Promise((resolve) => socket.once('close', resolve))
  reader.end()
  return answers
}

function check(contract: Contract, answers: readonly Answer[], what: string): void {
  for (const answer of answers) {
    try {
      assert.ok(answer.statusCode >= 200 && answer.statusCode < 500, `${answer.statusCode} ${answer.body}`)
      contract.check(routeOf(answer.headers), answer)
    } catch (error) {
      throw new Error(`${what}\n${error instanceof Error ? error.message : error}`, { cause: error })
    }
  }
}

const head = (...lines: string[]): string => `${lines.join('\r\n')}\r\n\r\n`
const post = (...lines: string[]): string => head('POST /room/up-class HTTP/1.1', 'host: x', ...lines)
const json = 'content-type: application/json'

const refused: Readonly<Record<string, string>> = {
  'two lengths': `${post(json, 'content-length: 2', 'content-length: 3')}{}`,
  'a length and chunks': `${post(json, 'content-length: 2', 'transfer-encoding: chunked')}0\r\n\r\n`,
  'a length that is none': post(json, 'content-length: -1'),
  'a chunk that is none': `${post(json, 'transfer-encoding: chunked')}zz\r\n`,
  'a body that ends early': `${post(json, 'content-length: 20')}{"classId"`,
  'chunks that end early': `${post(json, 'transfer-encoding: chunked')}5\r\n{"cla`,
  'an encoding that nobody knows': `${post(json, 'transfer-encoding: nonsense')}{}`,
  'a header with a NUL': head('GET /room/labs HTTP/1.1', 'host: x', 'prefer: a\0b'),
  'a header without an end': head('GET /room/labs HTTP/1.1', 'host: x', `x-long: ${'x'.repeat(20_000)}`),
  'a header that is none': head('GET /room/labs HTTP/1.1', 'host: x', ': x'),
  'a path with a space': head('GET /room/ labs HTTP/1.1', 'host: x'),
  'a path that is none': head('GET room/labs HTTP/1.1', 'host: x'),
  'a method that is none': head('get /room/labs HTTP/1.1', 'host: x'),
  'another protocol': 'SSH-2.0-OpenSSH_9.2p1\r\n',
  'HTTP/2': 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  'an announced megabyte and more': post(json, 'content-length: 1048577'),
  'every path': head('OPTIONS * HTTP/1.1', 'host: x'),
  'another host in the path': head('GET http://other/room/gone HTTP/1.1', 'host: x'),
}

test('what is no HTTP is refused by a problem', async (t) => {
  const { contract, path } = await listen(t)
  for (const [what, text] of Object.entries(refused)) {
    const answers = await exchange(path, [Buffer.from(text, 'latin1')])
    check(contract, answers, what)
    const [answer] = answers
    assert.ok(answer && answer.statusCode >= 400, `${what}: ${answer?.statusCode}`)
    assert.equal(answer.headers['content-type']?.split(';')[0], 'application/problem+json', what)
    assert.ok(['invalid-request', 'not-found', 'payload-too-large'].includes(JSON.parse(answer.body).code), what)
  }
})

const accepted: Readonly<Record<string, string>> = {
  'no host': head('GET /room/labs HTTP/1.1'),
  'an old protocol': head('GET /healthz HTTP/1.0'),
  'an upgrade that is not offered': head('GET /healthz HTTP/1.1', 'host: x', 'connection: upgrade', 'upgrade: h2c'),
  'an expectation that nobody knows': head('GET /healthz HTTP/1.1', 'host: x', 'expect: miracles'),
  'two requests at once': head('GET /healthz HTTP/1.1', 'host: x').repeat(2),
}

test('what is odd and can be answered is answered', async (t) => {
  const { contract, path } = await listen(t)
  for (const [what, text] of Object.entries(accepted)) {
    const answers = await exchange(path, [Buffer.from(text)])
    check(contract, answers, what)
    assert.ok(answers.length > 0, what)
    assert.deepEqual(new Set(answers.map(({ statusCode }) => statusCode)), new Set([200]), what)
  }
})

const brokenAfterAnswer: Readonly<Record<string, string>> = {
  'a path that cannot be read and no version': 'GET /room/classes/..%\n\r\n0\r\n\r\n',
  'a request to close': `${head('GET /healthz HTTP/1.1', 'host: x', 'connection: close')}\r\n: x\r\n\r\n`,
}

test('nothing follows an answer after which the connection closes', async (t) => {
  const { contract, path } = await listen(t)
  for (const [what, text] of Object.entries(brokenAfterAnswer)) {
    const answers = await exchange(path, [Buffer.from(text)])
    check(contract, answers, what)
    assert.equal(answers.length, 1, what)
  }
})

/** As it goes over the wire, with headers that only a wire takes. */
function onWire(random: Random, { method, url, headers, payload = '' }: RandomRequest): Buffer {
  const bytes = Buffer.from(payload)
  const isChunked = random.below(3) === 0
  const framing = isChunked
    ? 'transfer-encoding: chunked'
    : `content-length: ${bytes.length + random.pick([0, 0, 0, -1, 1])}`
  const fields = Object.entries(headers).filter(([name]) => name !== 'expect')
  const odd = random.pick([
    '',
    '',
    'x\0: y',
    'prefer: wait=0',
    ' folded',
    `cookie: ${'x'.repeat(9_000)}`,
    'te: trailers',
  ])
  const lines = [`${method} ${url} HTTP/1.1`, 'host: x', framing, ...fields.map((field) => field.join(': ')), odd]
  const body = isChunked
    ? [Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n0\r\n\r\n')]
    : [bytes]
  return Buffer.concat([Buffer.from(head(...lines.filter(Boolean))), ...body])
}

test(`bytes by chance (REQUESTS_SEED=${seed})`, { timeout: 120_000 }, async (t) => {
  const { app, contract, path } = await listen(t)
  const calls = callsOf(contract.document)
  const random = randomFrom(seed)
  let answered = 0
  for (let asked = 0; asked < count; asked++) {
    const request = randomRequest(random, random.pick(calls), [])
    // Nobody can tell from the bytes of its answer alone that it has no body.
    if (request.method === 'HEAD') continue
    const whole = onWire(random, request)
    const bytes = random.pick([whole, whole, damaged(random, whole), cutSomewhere(random, whole)])
    const what = `REQUESTS_SEED=${seed}, number ${asked}: ${bytes.toString('latin1').slice(0, 600)}`
    const answers = await exchange(path, inPieces(random, bytes))
    check(contract, answers, what)
    answered += answers.length
  }
  // What was begun must not write into the folder that is about to go.
  await app.close()
  t.diagnostic(`${answered} answers`)
  assert.ok(answered > count / 2)
})
