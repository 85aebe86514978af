// An engine made of a recording: a server on a Unix socket that answers each request with the recorded bytes, cut as they
// were or as a test wants. It is strict: a request that was not recorded gets 599 and a list of what differs.
// Reads between two changes may come in any order, since clients send them at once; changes may not.

import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { type WireMessage, WireReader } from './http-wire.ts'
import {
  type Exchange,
  isRead,
  isText,
  type RecordedRequest,
  type RecordedResponse,
  type Recording,
  readRecording,
} from './recording.ts'
import { converse } from './replay-conversation.ts'
import { SessionIds, standInRequest } from './stand-ins.ts'

/** How answers are cut: as they were read, each byte alone, or each answer once at this offset of its bytes. */
export type Cutting = 'as recorded' | 'byte by byte' | { readonly at: number }

export interface ReplayEngine {
  /** `unix://...` */
  readonly host: string
  /** What went wrong so far: requests that were not recorded, and what was said otherwise on an upgraded connection. */
  readonly mismatches: readonly string[]
  /** What the recording has and nobody has asked for, as `GET /path`. */
  unused(): string[]
  openSockets(): number
  /** Resolves when no socket is open, or after some seconds. */
  untilReleased(): Promise<void>
  close(): Promise<void>
}

/** A replay that fails the test at its end for a request that was not recorded, an unused exchange or an open socket. */
export async function replayEngine(
  t: TestContext,
  engine: string,
  scenario: string,
  cutting: Cutting = 'as recorded',
): Promise<ReplayEngine> {
  const replay = await startReplay(readRecording(engine, scenario), cutting)
  t.after(async () => {
    await replay.untilReleased()
    const found = { mismatches: [...replay.mismatches], unused: replay.unused(), openSockets: replay.openSockets() }
    await replay.close()
    const clean = { mismatches: [], unused: [], openSockets: 0 }
    if (!isDeepStrictEqual(found, clean))
      throw new Error(`replay of ${scenario}: ${JSON.stringify(found, undefined, 2)}`)
  })
  return replay
}

const releaseMs = 5_000

export async function startReplay(recording: Recording, cutting: Cutting = 'as recorded'): Promise<ReplayEngine> {
  const folder = await mkdtemp(join(tmpdir(), 'replay-engine-'))
  const path = join(folder, 'engine.sock')
  const script = new Script(recording.exchanges)
  const sockets = new Set<Socket>()
  const listeners = new Set<() => void>()

  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.on('close', () => {
      sockets.delete(socket)
      for (const listener of listeners) listener()
    })
    let answering = Promise.resolve()
    const reader = new WireReader((request) => {
      answering = answering.then(async () => {
        const { input = [], response } = script.answerTo(request)
        const pieces = cut(wireReads(response), cutting)
        if (response.framing !== 'upgraded') return write(socket, pieces, response.framing === 'close')
        socket.off('data', read).off('end', end)
        const headLength = Buffer.concat(pieces).length - response.body.length
        const difference = await converse(socket, pieces, headLength, input)
        if (difference !== undefined) script.mismatches.push(difference)
      })
    })
    const read = (bytes: Buffer): void => reader.push(bytes)
    const end = (): unknown => socket.end()
    socket.on('data', read).on('end', end)
  })
  await new Promise<void>((resolve) => server.listen(path, resolve))

  return {
    host: `unix://${path}`,
    mismatches: script.mismatches,
    unused: () => script.unused(),
    openSockets: () => sockets.size,
    async untilReleased() {
      let check = (): void => undefined
      const late = AbortSignal.timeout(releaseMs)
      await new Promise<void>((resolve) => {
        check = () => {
          if (sockets.size === 0 || late.aborted) resolve()
        }
        listeners.add(check)
        late.addEventListener('abort', check)
        check()
      })
      listeners.delete(check)
    },
    async close() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
      await rm(folder, { recursive: true })
    },
  }
}

/** Which exchange comes next. */
class Script {
  readonly mismatches: string[] = []
  readonly #exchanges: readonly Exchange[]
  readonly #used = new Set<Exchange>()
  readonly #sessions = new SessionIds()

  constructor(exchanges: readonly Exchange[]) {
    this.#exchanges = exchanges
  }

  unused(): string[] {
    return this.#exchanges.filter((each) => !this.#used.has(each)).map(({ request }) => nameOf(request))
  }

  answerTo(message: WireMessage): Pick<Exchange, 'input' | 'response'> {
    const request = standInRequest(message, this.#sessions)
    const { response, ...rest } = this.#find(request) ?? { response: this.#refusal(request) }
    const body = isText(response.body) ? Buffer.from(this.#sessions.toReal(response.body.toString())) : response.body
    return { ...rest, response: { ...response, body } }
  }

  /** What may come now: the unused reads up to the next change, or that change where no read is left. */
  #expected(): Exchange[] {
    const rest = this.#exchanges.slice(this.#position())
    const change = rest.findIndex(({ request }) => !isRead(request))
    const reads = rest.slice(0, change === -1 ? undefined : change).filter((each) => !this.#used.has(each))
    return reads.length > 0 ? reads : rest.slice(change, change + 1)
  }

  /** Behind the last change that was asked for. */
  #position(): number {
    return this.#exchanges.findLastIndex((each) => this.#used.has(each) && !isRead(each.request)) + 1
  }

  #find(request: RecordedRequest): Exchange | undefined {
    const same = (each: Exchange): boolean => isDeepStrictEqual(each.request, request)
    const found = this.#expected().find(same) ?? this.#repeated().find(same)
    if (found !== undefined) this.#used.add(found)
    return found
  }

  #repeated(): Exchange[] {
    return this.#exchanges.slice(this.#position()).filter((each) => each.repeats === true && this.#used.has(each))
  }

  #refusal(request: RecordedRequest): RecordedResponse {
    const expected = this.#expected()
    const nearest = expected.find((each) => each.request.path === request.path) ?? expected[0]
    const difference =
      nearest === undefined
        ? `${nameOf(request)}: nothing more was recorded`
        : differences(request, nearest.request).join('; ')
    this.mismatches.push(difference)
    const body = Buffer.from(JSON.stringify({ message: `not recorded: ${difference}` }))
    return {
      statusLine: 'HTTP/1.1 599 Not Recorded',
      headers: [
        ['Content-Type', 'application/json'],
        ['Content-Length', String(body.length)],
      ],
      framing: 'length',
      reads: [body.length],
      body,
    }
  }
}

const nameOf = ({ method, path }: RecordedRequest): string => `${method} ${path}`

/** Field by field, as `json.Image: sent "a", recorded "b"`. */
function differences(sent: unknown, recorded: unknown, field = ''): string[] {
  if (isDeepStrictEqual(sent, recorded)) return []
  if (!isObject(sent) || !isObject(recorded)) {
    return [`${field}: sent ${JSON.stringify(sent)}, recorded ${JSON.stringify(recorded)}`]
  }
  return [...new Set([...Object.keys(sent), ...Object.keys(recorded)])].flatMap((name) =>
    differences(sent[name], recorded[name], field === '' ? name : `${field}.${name}`),
  )
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null

async function write(socket: Socket, pieces: readonly Buffer[], endsWithConnection: boolean): Promise<void> {
  for (const piece of pieces) {
    // A turn of the event loop lets the client read in between, so that two pieces do not arrive as one.
    await turn()
    if (socket.destroyed) return
    socket.write(piece)
  }
  if (endsWithConnection) socket.end()
}

/** The answer's bytes as they go over the wire, in the reads that were recorded; the first one has the head. */
export function wireReads({ statusLine, headers, framing, reads, body }: RecordedResponse): Buffer[] {
  const fields = headers.map(([name, value]) => `${name}: ${value}\r\n`).join('')
  const pieces: Buffer[] = [Buffer.from(`${statusLine}\r\n${fields}\r\n`, 'latin1')]
  let start = 0
  for (const [index, length] of reads.entries()) {
    const part = framed(body.subarray(start, start + length), framing)
    start += length
    if (index === 0) pieces[0] = Buffer.concat([...pieces, part])
    else pieces.push(part)
  }
  if (framing === 'chunked') pieces.push(Buffer.concat([pieces.pop() ?? Buffer.alloc(0), Buffer.from('0\r\n\r\n')]))
  return pieces
}

function framed(part: Buffer, framing: RecordedResponse['framing']): Buffer {
  if (framing !== 'chunked' || part.length === 0) return part
  return Buffer.concat([Buffer.from(`${part.length.toString(16)}\r\n`), part, Buffer.from('\r\n')])
}

function cut(reads: readonly Buffer[], cutting: Cutting): Buffer[] {
  if (cutting === 'as recorded') return [...reads]
  const whole = Buffer.concat(reads)
  if (cutting === 'byte by byte') return Array.from(whole, (byte) => Buffer.of(byte))
  return [whole.subarray(0, cutting.at), whole.subarray(cutting.at)].filter(({ length }) => length > 0)
}
