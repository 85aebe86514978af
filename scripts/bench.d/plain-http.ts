// Calls by plain node:http, as little as a program can do: what a floor is made of.

import { Agent, type RequestOptions, request } from 'node:http'
import { engineHost } from '../../test/support/live.ts'

const socketPath = (): string => engineHost().replace('unix://', '')
const engineAgent = new Agent({ keepAlive: true })

/** One call of the engine; resolves with the text of its answer. Bytes that are no text go to `take`. */
export function callEngine(
  method: string,
  path: string,
  body?: object | Uint8Array,
  take?: (bytes: Uint8Array) => void,
): Promise<string> {
  const isBytes = body instanceof Uint8Array
  const headers = { 'content-type': isBytes ? 'application/x-tar' : 'application/json' }
  const options = { socketPath: socketPath(), method, path, headers, agent: engineAgent }
  return exchange(options, isBytes || body === undefined ? body : Buffer.from(JSON.stringify(body)), take)
}

/** Rejects where the answer is a refusal. */
export function exchange(
  options: RequestOptions,
  body?: Uint8Array,
  take: (bytes: Uint8Array) => void = () => {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    const sent = request(options, (response) => {
      const chunks: Uint8Array[] = []
      // An archive would be hundreds of megabytes.
      const isText = /json|text|xml/.test(response.headers['content-type'] ?? '')
      response.on('data', (chunk: Uint8Array) => {
        if (isText) chunks.push(chunk)
        else take(chunk)
      })
      response.once('end', () => {
        const [status = 0, text] = [response.statusCode, Buffer.concat(chunks).toString()]
        if (status < 400) resolve(text)
        else reject(new Error(`${options.method} ${options.path}: ${status} ${text}`))
      })
      response.once('error', reject)
    })
    sent.once('error', reject)
    sent.end(body)
  })
}

/** `work` for each, so many at once. */
export async function pooled<Each>(
  places: number,
  all: Iterable<Each>,
  work: (each: Each) => Promise<unknown>,
): Promise<void> {
  const waiting = all[Symbol.iterator]()
  const worker = async (): Promise<void> => {
    for (let next = waiting.next(); !next.done; next = waiting.next()) await work(next.value)
  }
  await Promise.all(Array.from({ length: places }, worker))
}
