// Ten thousand cuts and damages of what a real engine sent: each ends soon, in data that the bytes justify or in an EngineError.
// What the bytes justify is worked out here a second time, in the plainest way. MUTATIONS_SEED repeats another run.
// A bit that flips inside a file or a JSON text is for nobody to see; only hashes of the content can.

import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { type TestContext, test } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import { type Endpoint, isEngineError } from '../../engine-api/index.ts'
import { readFrames } from '../../engine-api/streams/frames.ts'
import { readRecords } from '../../engine-api/streams/ndjson.ts'
import { checkAnswer, parseJson } from '../../engine-api/transport/answer.ts'
import { createTransport } from '../../engine-api/transport/transport.ts'
import { cutSomewhere, damaged, inPieces, type Random, randomFrom } from '../support/random.ts'
import { endpointOf } from '../support/recorded-endpoint.ts'
import { type RecordedResponse, readRecording, recordedEngines, recordedScenarios } from '../support/recording.ts'
import { wireReads } from '../support/replay-engine.ts'
import { type OwnReading, ownReading, peerFault, peerReadings, skipWithoutTarPeers } from '../support/tar-peers.ts'
import { chunksOf } from './cut.ts'
import { rawServer } from './raw-server.ts'

const seed = Number(process.env['MUTATIONS_SEED'] ?? 20_261_123)
const counts = { frames: 2500, records: 1500, answers: 1500, archives: 2500, connections: 2000 }
/** Far above what any of them needs. */
const timeoutMs = 20_000

interface Recorded {
  readonly endpoint: Endpoint
  readonly response: RecordedResponse
}

const recorded: Recorded[] = []
for (const engine of recordedEngines()) {
  for (const scenario of recordedScenarios(engine)) {
    for (const exchange of readRecording(engine, scenario).exchanges) {
      const endpoint = endpointOf(exchange)
      if (endpoint !== undefined) recorded.push({ endpoint, response: exchange.response })
    }
  }
}

const statusOf = ({ statusLine }: RecordedResponse): number => Number(statusLine.split(' ')[1])
const accepted = recorded.filter(({ endpoint, response }) => endpoint.statuses[statusOf(response)] !== undefined)
const bodiesOf = (...names: readonly string[]): Buffer[] =>
  accepted.filter(({ endpoint: { name } }) => names.includes(name)).map(({ response }) => response.body)

/** What a reader gave up to its end, and whether that was an EngineError. */
interface Outcome {
  readonly data: unknown
  readonly failed: boolean
}

/** Fails for any other error, and for a reader that does not end. */
async function outcomeOf(data: unknown, reading: Promise<unknown>): Promise<Outcome> {
  const late = AbortSignal.timeout(timeoutMs)
  const tooLate = new Promise<never>((_, reject) => late.addEventListener('abort', () => reject(late.reason)))
  try {
    await Promise.race([reading, tooLate])
    return { data, failed: false }
  } catch (error) {
    if (isEngineError(error)) return { data, failed: true }
    throw error
  }
}

type Output = Record<'stdout' | 'stderr', string>

/** How the answers of some endpoints are read, and what bytes justify. */
interface Kind {
  read(chunks: AsyncIterable<Buffer>, endpoint: Endpoint): Promise<Outcome>
  justified(bytes: Buffer, endpoint: Endpoint): Outcome
}

const frames: Kind = {
  read(chunks) {
    const output: Output = { stdout: '', stderr: '' }
    const reading = async (): Promise<void> => {
      for await (const { stream, bytes } of readFrames('test', chunks)) output[stream] += bytes.toString('latin1')
    }
    return outcomeOf(output, reading())
  },
  justified(bytes) {
    const data: Output = { stdout: '', stderr: '' }
    for (let at = 0; at < bytes.length; ) {
      if (bytes.length < at + 8) return { data, failed: true }
      const type = bytes.readUInt8(at)
      const end = at + 8 + bytes.readUInt32BE(at + 4)
      if (type > 2 || bytes.readUIntBE(at + 1, 3) !== 0) return { data, failed: true }
      data[type === 2 ? 'stderr' : 'stdout'] += bytes.toString('latin1', at + 8, end)
      if (end > bytes.length) return { data, failed: true }
      at = end
    }
    return { data, failed: false }
  },
}

const records: Kind = {
  read(chunks) {
    const all: unknown[] = []
    const reading = async (): Promise<void> => {
      for await (const record of readRecords('test', chunks)) all.push(record)
    }
    return outcomeOf(all, reading())
  },
  justified(bytes) {
    const data: unknown[] = []
    for (const line of bytes.toString('latin1').split('\n')) {
      const whole = Buffer.from(line, 'latin1').toString()
      const text = (whole.startsWith('\x1e') ? whole.slice(1) : whole).trim()
      if (text === '') continue
      const record = parsed(text)
      if (record === undefined || Object.hasOwn(Object(record), 'error')) return { data, failed: true }
      data.push(record)
    }
    return { data, failed: false }
  },
}

const answers: Kind = {
  async read(chunks, { name, answer = assert.fail(`${name} has no JSON answer`) }) {
    const data: unknown[] = []
    const reading = async (): Promise<void> => {
      const parts: Buffer[] = []
      for await (const chunk of chunks) parts.push(chunk)
      data.push(checkAnswer(name, answer, parseJson(name, Buffer.concat(parts).toString())))
    }
    return outcomeOf(data, reading())
  },
  justified(bytes, { answer }) {
    const value = parsed(bytes.toString())
    const failed = value === undefined || answer?.Check(value) === false
    return { data: failed ? [] : [value], failed }
  },
}

async function readArchive(chunks: AsyncIterable<Buffer>): Promise<Outcome & { readonly data: readonly OwnReading[] }> {
  const data: OwnReading[] = []
  const { failed } = await outcomeOf(
    data,
    ownReading(chunks).then((own) => data.push(own)),
  )
  return { data, failed }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Runs so many cases, each from its own seed; a failure names it. */
async function run(t: TestContext, count: number, one: (random: Random) => Promise<Outcome>): Promise<void> {
  let failed = 0
  for (let number = 0; number < count; number += 1) {
    const outcome = await one(randomFrom(seed + number)).catch((cause: unknown) => {
      throw new Error(`MUTATIONS_SEED=${seed}, case ${number}: ${cause}`, { cause })
    })
    failed += outcome.failed ? 1 : 0
  }
  t.diagnostic(`${count} cases: ${failed} ended in an EngineError, ${count - failed} in data`)
  assert.ok(failed > count / 20 && failed < count, 'the damage is neither harmless nor hopeless')
}

const hurt = (random: Random, bytes: Buffer): Buffer => random.pick([cutSomewhere, damaged])(random, bytes)

/** Reads damaged bytes in pieces, and holds the outcome against what they justify. */
async function check(random: Random, { read, justified }: Kind, bytes: Buffer, endpoint: Endpoint): Promise<Outcome> {
  const outcome = await read(chunksOf(...inPieces(random, bytes)), endpoint)
  assert.deepEqual(outcome, justified(bytes, endpoint), `of ${JSON.stringify(bytes.toString('latin1'))}`)
  return outcome
}

const someEndpoint = recorded[0]?.endpoint ?? assert.fail('nothing is recorded')

test('damaged frames give what whole frames before the damage hold, then an error', async (t) => {
  const bodies = bodiesOf('exec-start', 'container-logs')
  bodies.push(Buffer.concat(bodies))
  await run(t, counts.frames, (random) => check(random, frames, hurt(random, random.pick(bodies)), someEndpoint))
})

test('damaged records give the whole ones before the damage, then an error', async (t) => {
  // Pulls and events are not recorded yet: these lines are hand-made after the engine's form.
  const pull =
    '{"status":"Pulling from library/busybox","id":"1.36"}\r\n{"status":"Downloading","progressDetail":{}}\r\n'
  const event = '{"Type":"container","Action":"die","Actor":{"ID":"c","Attributes":{"exitCode":"0"}},"timeNano":1}\n'
  const bodies = [...bodiesOf('image-import'), Buffer.from(pull), Buffer.from(`\x1e${event}${event}`)]
  await run(t, counts.records, (random) => check(random, records, hurt(random, random.pick(bodies)), someEndpoint))
})

test('damaged JSON answers are what their text says, of the shape of their endpoint, or an error', async (t) => {
  const withAnswer = accepted.filter(
    ({ endpoint: { name, answer } }) => answer !== undefined && name !== 'system-events',
  )
  await run(t, counts.answers, (random) => {
    const { endpoint, response } = random.pick(withAnswer)
    return check(random, answers, hurt(random, response.body), endpoint)
  })
})

test('damaged archives are read as Python and GNU tar read them, or refused', async (t) => {
  const folder = resolve(import.meta.dirname, '../../fixtures/tar')
  const tars = readdirSync(folder).filter((name) => name.endsWith('.tar'))
  const bodies = [...tars.map((name) => readFileSync(resolve(folder, name))), ...bodiesOf('archive-get')]
  const originals = await Promise.all(bodies.map(async (bytes) => (await readArchive(chunksOf(bytes))).data))
  const changed: { readonly bytes: Buffer; readonly own: OwnReading }[] = []
  await run(t, counts.archives, async (random) => {
    const original = random.below(bodies.length)
    const bytes = hurt(random, bodies[original] ?? assert.fail('no archive'))
    const outcome = await readArchive(chunksOf(...inPieces(random, bytes)))
    const isChanged = !isDeepStrictEqual(outcome.data, originals[original])
    if (isChanged) for (const own of outcome.data) changed.push({ bytes, own })
    return outcome
  })
  if (skipWithoutTarPeers !== false) return t.diagnostic(skipWithoutTarPeers)
  const readings = await peerReadings(changed.map(({ bytes }) => bytes))
  const faults = changed.map(({ own }, index) => peerFault(own, readings[index] ?? assert.fail('no reading')))
  assert.deepEqual(faults.filter(Boolean), [], `MUTATIONS_SEED=${seed}`)
})

test('damage on a connection: an answer is whole and as sent, or an error; nothing hangs', async (t) => {
  let wire: Buffer = Buffer.alloc(0)
  const server = await rawServer(t, (socket) => socket.end(wire))
  const transport = createTransport({ host: server.host })
  t.after(() => transport.close())

  /** The outcome of a call that is answered with these bytes. */
  const call = (bytes: Buffer, endpoint: Endpoint): Promise<Outcome> => {
    wire = bytes
    const names = Array.from(endpoint.path.matchAll(/\{(\w+)\}/g), ([, name = '']) => name)
    const asked = { path: Object.fromEntries(names.map((name) => [name, 'x'])) }
    const read = readerOf(endpoint)
    if (read === undefined) return outcomeOf([], transport.send(endpoint, asked))
    async function* answered(): AsyncGenerator<Buffer, void, undefined> {
      yield* (await transport.stream(endpoint, asked)).chunks
    }
    return read(answered(), endpoint)
  }

  await run(t, counts.connections, async (random) => {
    const { endpoint, response } = random.pick(recorded)
    const bytes = Buffer.concat(wireReads(response))
    const isAccepted = endpoint.statuses[statusOf(response)] !== undefined
    const way = random.pick(['cut', 'other body', 'anywhere'])
    if (way === 'anywhere') return call(damaged(random, bytes), endpoint)
    const body = way === 'cut' ? response.body : damaged(random, response.body)
    const sent = way === 'cut' ? cutSomewhere(random, bytes) : Buffer.concat(wireReads(withBody(response, body)))
    const outcome = await call(sent, endpoint)
    if (outcome.failed || !isAccepted) return outcome
    // Where the end of the connection is the end of the body, a cut between two frames is for nobody to see.
    const seen = response.framing === 'close' ? sent.subarray(sent.indexOf('\r\n\r\n') + 4) : body
    const expected = await readerOf(endpoint)?.(chunksOf(seen), endpoint)
    assert.deepEqual(outcome, expected ?? { data: [], failed: false }, `${endpoint.name}: ${way}`)
    return outcome
  })
})

function readerOf({ name, answer }: Endpoint) {
  if (name === 'exec-start' || name === 'container-logs') return frames.read
  if (name === 'archive-get') return readArchive
  if (name === 'image-import') return records.read
  return answer === undefined ? undefined : answers.read
}

/** The answer with another body, framed as it was. */
function withBody(response: RecordedResponse, body: Buffer): RecordedResponse {
  const headers = response.headers.map(([name, value]): [string, string] =>
    name === 'Content-Length' ? [name, String(body.length)] : [name, value],
  )
  return { ...response, headers, reads: [body.length], body }
}
