// Sends and fetches bodies by presigned URLs: the only user of undici in src/. Every wait ends: a server that neither takes
// nor gives a byte for `stallMilliseconds` is given up, however large the body is. Bodies are streamed, never gathered.
import { Readable } from 'node:stream'
import { Agent, type Dispatcher } from 'undici'
import { shared } from '../abortable.ts'
import type { S3Limits } from './limits.ts'
import { noAnswer } from './no-answer.ts'

export interface Transfer {
  readonly method: 'GET' | 'PUT' | 'HEAD' | 'DELETE'
  readonly url: string
  readonly headers?: Readonly<Record<string, string>>
  /** Bytes are sent at once, so few of them only: nobody sees how far they are. */
  readonly body?: Uint8Array | AsyncIterable<Uint8Array> | undefined
  readonly signal?: AbortSignal | undefined
}

export interface Answer {
  readonly status: number
  /** The ETag without its quotes. */
  readonly etag: string | undefined
  /** The Content-Length, in bytes. */
  readonly size: number | undefined
  /** The server's clock. */
  readonly date: string | undefined
  /** The bucket kept what was there before beside what was written. */
  readonly keepsVersions: boolean
  /** The body of an answer that carries no object: a list or an error in XML, or ''. */
  readonly text: string
}

export interface Transfers {
  /** Rejects with StoreError 'unreachable' or 'tls' when no whole answer comes, with the signal's reason, or with the error of `body` as it is. */
  send(transfer: Transfer): Promise<Answer>
  /** As `send`, for GET. `bytes` is there when the status is 200, or 206 for a range, and must then be read or ended; it rejects in the same ways. */
  fetch(
    url: string,
    signal: AbortSignal | undefined,
    headers?: Readonly<Record<string, string>>,
  ): Promise<Answer & { readonly bytes?: AsyncIterable<Uint8Array> }>
  close(): Promise<void>
}

/** The longest answer without an object is a page of a list: 1,000 keys of 1,024 bytes, each written with up to six. */
const longestText = 8 * 1024 ** 2

/** `host` names the server in errors; its certificate is of `ca` where one is given. */
export function createTransfers(host: string, ca: string | undefined, limits: S3Limits): Transfers {
  const createAgent = () =>
    new Agent({
      connections: limits.connections,
      connect: { timeout: limits.connectMilliseconds, ...(ca === undefined ? {} : { ca }) },
      headersTimeout: limits.stallMilliseconds,
      bodyTimeout: limits.stallMilliseconds,
      keepAliveTimeout: limits.idleMilliseconds,
    })
  // Apart, because a copy holds one of each: sharing, as many copies as there are connections would wait for each other forever.
  const uploads = createAgent()
  const downloads = createAgent()

  const toError = (error: unknown, signal: AbortSignal | undefined): unknown =>
    signal?.aborted === true ? signal.reason : noAnswer(host, error)

  return {
    async send({ method, url, headers, body, signal }) {
      let sourceFault: { readonly error: unknown } | undefined
      const noteFault = (error: unknown) => {
        sourceFault = { error }
      }
      try {
        const response = await uploads.request({
          ...splitUrl(url),
          method,
          headers: { ...headers },
          body: isStream(body) ? Readable.from(watched(body, noteFault)) : (body ?? null),
          signal: shared(signal) ?? null,
        })
        return { ...readHead(response), text: await readText(response.body) }
      } catch (error) {
        throw sourceFault === undefined ? toError(error, signal) : sourceFault.error
      }
    },

    async fetch(url, signal, headers = {}) {
      async function* bytesOf(source: AsyncIterable<Uint8Array>) {
        try {
          yield* source
        } catch (error) {
          throw toError(error, signal)
        }
      }
      try {
        const response = await downloads.request({
          ...splitUrl(url),
          method: 'GET',
          headers: { ...headers },
          signal: shared(signal) ?? null,
        })
        const head = readHead(response)
        if (head.status === 200 || head.status === 206) return { ...head, text: '', bytes: bytesOf(response.body) }
        return { ...head, text: await readText(response.body) }
      } catch (error) {
        throw toError(error, signal)
      }
    },

    async close() {
      await Promise.all([uploads.destroy(), downloads.destroy()])
    },
  }
}

const isStream = (body: Transfer['body']): body is AsyncIterable<Uint8Array> =>
  body !== undefined && !(body instanceof Uint8Array)

/** Passes `source` on and tells its own faults from those of who reads it. */
async function* watched(source: AsyncIterable<Uint8Array>, noteFault: (error: unknown) => void) {
  const iterator = source[Symbol.asyncIterator]()
  try {
    for (;;) {
      const next = await iterator.next().catch((error: unknown) => {
        noteFault(error)
        throw error
      })
      if (next.done === true) return
      yield next.value
    }
  } finally {
    await iterator.return?.()
  }
}

/** The path is sent exactly as it was signed: a URL object could rewrite it. */
function splitUrl(url: string): { origin: string; path: string } {
  const { origin } = new URL(url)
  return { origin, path: url.slice(url.indexOf('/', url.indexOf('//') + 2)) }
}

function readHead(response: Dispatcher.ResponseData): Omit<Answer, 'text'> {
  const { etag, date, 'content-length': size, 'x-amz-version-id': version } = response.headers
  return {
    status: response.statusCode,
    etag: typeof etag === 'string' ? etag.replaceAll('"', '') : undefined,
    size: typeof size === 'string' ? Number(size) : undefined,
    date: typeof date === 'string' ? date : undefined,
    // Where versions are suspended, objects have 'null' for one, and a removal still leaves its mark.
    keepsVersions: (version !== undefined && version !== 'null') || response.headers['x-amz-delete-marker'] === 'true',
  }
}

async function readText(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of body) {
    chunks.push(chunk)
    size += chunk.length
    if (size > longestText) break
  }
  return Buffer.concat(chunks).toString()
}
