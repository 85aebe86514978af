// The form of a recording: fixtures/engine/<engine>/<scenario>/exchange.json, and a file beside it for each body of bytes.
// What the engine's answers and the client's requests look like once the machine and the moment are taken out of them.

import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { type Static, Type } from '@sinclair/typebox'
import { shaped } from './shape.ts'

const closed = { additionalProperties: false } as const
const Text = Type.String()

const Request = Type.Object(
  {
    method: Text,
    /** With the version, without the query. */
    path: Text,
    /** Decoded. */
    query: Type.Record(Text, Text),
    json: Type.Optional(Type.Unknown()),
    /** A tar that was sent, by the digest of uploadDigest. */
    upload: Type.Optional(Type.Object({ sha256: Text, bytes: Type.Integer() }, closed)),
  },
  closed,
)

/** A part of what a client says on an upgraded connection. */
const Input = Type.Object(
  {
    /** It said so when it had these many bytes of the engine's. */
    after: Type.Integer(),
    /** One character a byte. */
    bytes: Text,
    /** Whether it ended its half of the connection then. */
    ended: Type.Boolean(),
  },
  closed,
)

const responseHead = {
  statusLine: Text,
  headers: Type.Array(Type.Tuple([Text, Text])),
  framing: Type.Union(
    (['none', 'length', 'chunked', 'close', 'upgraded'] as const).map((framing) => Type.Literal(framing)),
  ),
  /** Bytes of the body that came with each read; the first one carried the head. */
  reads: Type.Array(Type.Integer()),
}

const Head = Type.Object(
  {
    recordedAt: Text,
    /** What the engine calls itself. */
    engine: Text,
    api: Text,
    /** Of the host: it gives measured values another form. */
    cgroupVersion: Text,
    how: Type.Literal('recorded'),
  },
  closed,
)

const StoredRecording = Type.Object(
  {
    head: Head,
    exchanges: Type.Array(
      Type.Object(
        {
          request: Request,
          /** Of an upgraded connection. */
          input: Type.Optional(Type.Array(Input)),
          response: Type.Object({ ...responseHead, text: Type.Optional(Text), file: Type.Optional(Text) }, closed),
          /** A read that was repeated with nothing changed in between, and answered the same each time. */
          repeats: Type.Optional(Type.Literal(true)),
        },
        closed,
      ),
    ),
  },
  closed,
)

export type Input = Static<typeof Input>
export type RecordedRequest = Static<typeof Request>
type StoredResponse = Static<typeof StoredRecording>['exchanges'][number]['response']
export type RecordedResponse = Omit<StoredResponse, 'text' | 'file'> & { readonly body: Buffer }

export interface Exchange {
  readonly request: RecordedRequest
  readonly input?: readonly Input[]
  readonly response: RecordedResponse
  readonly repeats?: true
}

export interface Recording {
  readonly head: Static<typeof Head>
  readonly exchanges: readonly Exchange[]
}

const root = resolve(import.meta.dirname, '../../fixtures/engine')

/** The engines that were recorded, such as `docker-20.10`. */
export function recordedEngines(): string[] {
  return readdirSync(root, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
}

export const recordedScenarios = (engine: string): string[] => readdirSync(join(root, engine))

export function readRecording(engine: string, scenario: string): Recording {
  const folder = join(root, engine, scenario)
  const { head, exchanges } = shaped(StoredRecording, JSON.parse(readFileSync(join(folder, 'exchange.json'), 'utf8')))
  const loaded = exchanges.map(({ response: { text = '', file, ...response }, ...rest }) => ({
    ...rest,
    response: { ...response, body: file === undefined ? Buffer.from(text) : readFileSync(join(folder, file)) },
  }))
  return { head, exchanges: loaded }
}

/** Replaces what was recorded of the scenario before. */
export async function writeRecording(engine: string, scenario: string, { head, exchanges }: Recording): Promise<void> {
  const folder = join(root, engine, scenario)
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder, { recursive: true })
  const stored = exchanges.map(async ({ response: { body, ...response }, ...rest }, index) => {
    if (isText(body))
      return { ...rest, response: body.length === 0 ? response : { ...response, text: body.toString() } }
    const kind = response.headers.some(([, value]) => value === 'application/x-tar') ? 'tar' : 'bin'
    const file = `${String(index + 1).padStart(2, '0')}.${kind}`
    await writeFile(join(folder, file), body)
    return { ...rest, response: { ...response, file } }
  })
  const text = JSON.stringify({ head, exchanges: await Promise.all(stored) }, undefined, 2)
  await writeFile(join(folder, 'exchange.json'), `${text}\n`)
}

/** Text that a JSON string can hold byte for byte: no control characters but those between lines. */
export const isText = (body: Buffer): boolean =>
  Buffer.from(body.toString()).equals(body) && !/[^\P{Cc}\n\r\t]/u.test(body.toString())

/** Whether a request changes nothing on the engine. */
export const isRead = ({ method }: Pick<RecordedRequest, 'method'>): boolean => method === 'GET' || method === 'HEAD'

/** The digest of a tar with the times of its plain headers blanked, since a client stamps them with the moment. */
export function uploadDigest(tar: Buffer): { sha256: string; bytes: number } {
  const blanked = Buffer.from(tar)
  const [block, magicAt, timeAt, checksumEnd] = [512, 257, 136, 156]
  for (let start = 0; start + block <= blanked.length; start += block) {
    const isHeader = blanked.toString('latin1', start + magicAt, start + magicAt + 5) === 'ustar'
    if (isHeader) blanked.fill(0, start + timeAt, start + checksumEnd)
  }
  return { sha256: createHash('sha256').update(blanked).digest('hex'), bytes: tar.length }
}
