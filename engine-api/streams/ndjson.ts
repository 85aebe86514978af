// Streams of JSON records, one a line: progress of pull and import.
// A failure arrives as a record in a 200, as `error` or `errorDetail`; newer engines may put 0x1E before each.

import { EngineError } from '../errors.ts'
import { parseJson } from '../transport/answer.ts'

const LINE_LIMIT = 1024 * 1024
const LINE_FEED = 0x0a
const RECORD_SEPARATOR = '\x1e'

/**
 * The records in order, unchecked. Throws EngineError `server-error` for the engine's error record and `protocol` for
 * what is not JSON, such as a last record that was cut.
 */
export async function* readRecords(
  endpoint: string,
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<unknown, void, undefined> {
  let parts: Uint8Array[] = []
  let length = 0
  const take = (part: Uint8Array): void => {
    parts.push(part)
    length += part.length
    if (length > LINE_LIMIT) {
      throw new EngineError(`a record is longer than ${LINE_LIMIT} bytes`, { code: 'protocol', endpoint, retry: 'no' })
    }
  }
  const record = (): unknown => {
    const text = Buffer.concat(parts).toString()
    const line = (text.startsWith(RECORD_SEPARATOR) ? text.slice(1) : text).trim()
    parts = []
    length = 0
    if (line === '') return undefined
    const value = parseJson(endpoint, line)
    const engineMessage = errorOf(value)
    if (engineMessage === undefined) return value
    throw new EngineError(engineMessage, { code: 'server-error', endpoint, engineMessage, retry: 'same' })
  }

  for await (const chunk of chunks) {
    let start = 0
    for (let end = chunk.indexOf(LINE_FEED); end !== -1; end = chunk.indexOf(LINE_FEED, start)) {
      take(chunk.subarray(start, end))
      start = end + 1
      const value = record()
      if (value !== undefined) yield value
    }
    take(chunk.subarray(start))
  }
  const value = record()
  if (value !== undefined) yield value
}

function errorOf(record: unknown): string | undefined {
  if (typeof record !== 'object' || record === null) return undefined
  if ('error' in record && typeof record.error === 'string') return record.error
  if (!('errorDetail' in record)) return undefined
  const detail = record.errorDetail
  const message = typeof detail === 'object' && detail !== null && 'message' in detail ? detail.message : undefined
  return typeof message === 'string' ? message : 'an error without a text'
}
