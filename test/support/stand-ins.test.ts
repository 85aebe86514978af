import assert from 'node:assert/strict'
import { test } from 'node:test'
import { packTar } from '../../engine-api/index.ts'
import { collected } from '../engine-api/cut.ts'
import { type WireMessage, WireReader } from './http-wire.ts'
import { uploadDigest } from './recording.ts'
import type { RawExchange } from './recording-proxy.ts'
import { comparable, normalise, SessionIds } from './stand-ins.ts'

/** Hand-made messages, in the pieces that were read. */
function message(...pieces: readonly string[]): WireMessage {
  const messages: WireMessage[] = []
  const reader = new WireReader((each) => messages.push(each))
  for (const piece of pieces) reader.push(Buffer.from(piece))
  reader.end()
  const [first] = messages
  if (first === undefined) throw new Error('no message')
  return first
}

const get = (target: string): WireMessage => message(`GET ${target} HTTP/1.1\r\n\r\n`)
const post = (target: string, json: object): WireMessage => {
  const body = JSON.stringify(json)
  return message(
    `POST ${target} HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  )
}
const answer = (...body: readonly string[]): WireMessage => {
  const length = body.join('').length
  return message(`HTTP/1.1 200 OK\r\nDate: Mon, 23 Nov 2026 16:00:00 GMT\r\nContent-Length: ${length}\r\n\r\n`, ...body)
}
const exchange = (request: WireMessage, response: WireMessage): RawExchange => ({ request, input: [], response })
const normalised = (...raw: RawExchange[]) => normalise(raw, '/srv/engine')

const id = (digit: string): string => digit.repeat(64)

test('an id has one stand-in everywhere: in bodies, in later paths, and cut to its first 12 digits', () => {
  const [created, found] = normalised(
    exchange(post('/containers/create', { Hostname: 'a' }), answer(`{"Id":"${id('a')}"}\n`)),
    exchange(
      get(`/containers/${id('a')}/json`),
      answer(`{"Id":"${id('a')}","Other":"${id('b')}","Alias":["${'a'.repeat(12)}"]}`),
    ),
  )
  const standIn = /[0-9a-f]{64}/.exec(created?.response.body.toString() ?? '')?.[0] ?? ''
  assert.notEqual(standIn, id('a'))
  assert.equal(found?.request.path, `/containers/${standIn}/json`)
  const body = JSON.parse(found?.response.body.toString() ?? '')
  assert.deepEqual([body.Id, body.Alias], [standIn, [standIn.slice(0, 12)]])
  assert.notEqual(body.Other, standIn)
})

test('equal moments stay equal and different ones different; year 1 stays', () => {
  const [now, later] = ['2026-11-23T16:00:00.123456789Z', '2026-11-23T16:00:00.2Z']
  const text = JSON.stringify([now, later, now, '0001-01-01T00:00:00Z'])
  const [first] = normalised(exchange(get('/x'), answer(text)))
  const times: string[] = JSON.parse(first?.response.body.toString() ?? '')
  assert.equal(times[0], times[2])
  assert.notEqual(times[0], times[1])
  assert.equal(times[3], '0001-01-01T00:00:00Z')
  assert.ok(!times.some((time) => time.startsWith('2026')))
})

test('lengths stay true where a stand-in is longer or shorter: Content-Length, and the ends of the reads', () => {
  const [first] = normalised(exchange(get('/x'), answer('["/srv/engine/a",', '"2026-11-23T16:00:00.2Z"', ',"end"]')))
  const { body, reads, headers } = first?.response ?? { body: Buffer.alloc(0), reads: [], headers: [] }
  assert.deepEqual(JSON.parse(body.toString()), ['/var/lib/docker/a', '2000-01-01T00:00:00.000000001Z', 'end'])
  assert.deepEqual(reads, [
    0,
    '["/var/lib/docker/a",'.length,
    '"2000-01-01T00:00:00.000000001Z"'.length,
    ',"end"]'.length,
  ])
  assert.deepEqual(headers.find(([name]) => name === 'Content-Length')?.[1], String(body.length))
})

test('bytes that are no text are kept as they came', () => {
  const frame = `\u0001\u0000\u0000\u0000\u0000\u0000\u0000\u0040${id('a')}`
  const [first] = normalised(exchange(get('/x'), answer(frame)))
  assert.equal(first?.response.body.toString(), frame)
})

test('a read that was repeated with nothing changed in between is kept once; after a change it is kept again', () => {
  const list = () => exchange(get('/containers/json'), answer('[]'))
  const kept = normalised(list(), list(), exchange(post('/containers/create', {}), answer('{}')), list())
  assert.deepEqual(
    kept.map(({ request, repeats }) => [request.method, repeats]),
    [
      ['GET', true],
      ['POST', undefined],
      ['GET', undefined],
    ],
  )
})

test('reads that came in another order, in other pieces, are the same recording', () => {
  const first = () => exchange(get('/a'), answer('["2026-11-23T16:00:00.1Z"]'))
  const second = (...pieces: string[]) => exchange(get('/b'), answer(...pieces))
  const [one, other] = [
    normalised(first(), second('["2026-11-23T16:00:00.2Z"]')),
    normalised(second('["2026-11-23T', '16:00:00.2Z"]'), first()),
  ]
  assert.deepEqual(one.map(comparable), other.map(comparable))
})

test('of other people’s networks and volumes nothing is kept', () => {
  const foreign = { Name: 'payroll', Labels: {} }
  const ours = { Name: 'n', Labels: { 'class-runtime.fixture': 'yes' } }
  const [networks, volumes] = normalised(
    exchange(get('/v1.41/networks'), answer(JSON.stringify([foreign, ours, { Name: 'bridge' }]))),
    exchange(get('/v1.41/volumes'), answer(JSON.stringify({ Volumes: [foreign, ours] }))),
  )
  assert.deepEqual(JSON.parse(networks?.response.body.toString() ?? ''), [{ Name: 'bridge' }, ours])
  assert.deepEqual(JSON.parse(volumes?.response.body.toString() ?? ''), { Volumes: [ours] })
})

test('what looks like a credential is refused, in a header, an address and a field', () => {
  const secrets = [
    exchange(message('GET /x HTTP/1.1\r\nX-Registry-Auth: e30=\r\n\r\n'), answer('{}')),
    exchange(get('/x'), answer('{"HttpProxy":"http://me:word@proxy:3128"}')),
    exchange(post('/auth', { Password: 'word' }), answer('{}')),
    exchange(get('/x'), answer('{"IdentityToken":"abc"}')),
  ]
  for (const secret of secrets) assert.throws(() => normalised(secret), /not recorded: .*(header|credential)/)
  assert.equal(normalised(exchange(get('/info'), answer('{"HttpProxy":"","Authorization":null}'))).length, 1)
})

test('a session id becomes an equally long stand-in, and each stand-in the id that a later client has made up', () => {
  const sessions = new SessionIds()
  const [real, other] = ['20261123t141745123z-00ff', '20261123t141745999z-1234']
  const [standIn, otherStandIn] = [sessions.toStandIn(real), sessions.toStandIn(other)]
  assert.equal(standIn.length, real.length)
  assert.notEqual(standIn, otherStandIn)
  assert.equal(sessions.toReal(`"${otherStandIn}" "${standIn}"`), `"${other}" "${real}"`)
})

test('the digest of an upload holds for another time and for nothing else', async () => {
  const digestOf = async (mtimeMs: number, text: string) => {
    const entry = { name: 'a', type: 'file', mode: 0o644, uid: 1, gid: 1, mtimeMs, body: Buffer.from(text) } as const
    return uploadDigest(Buffer.concat(await collected(packTar([entry]))))
  }
  assert.deepEqual(await digestOf(1000, 'text'), await digestOf(5_000_000, 'text'))
  assert.notDeepEqual(await digestOf(1000, 'text'), await digestOf(1000, 'tex!'))
})
