// Bodies of answers as one text, each with a limit: refusals are cut at theirs, answers above theirs are an error.

import type { Endpoint } from '../endpoint.ts'
import { EngineError } from '../errors.ts'

export const REFUSAL_TEXT_LIMIT = 64 * 1024
export const ANSWER_TEXT_LIMIT = 64 * 1024 * 1024

/** What an engine said with a refusal, cut at a limit; also what came before the connection broke. */
export async function refusalText(chunks: AsyncIterable<Buffer>): Promise<string> {
  const parts: Buffer[] = []
  let length = 0
  try {
    for await (const chunk of chunks) {
      parts.push(chunk.subarray(0, REFUSAL_TEXT_LIMIT - length))
      length += chunk.length
      if (length >= REFUSAL_TEXT_LIMIT) break
    }
  } catch {
    // The status says enough.
  }
  return Buffer.concat(parts).toString()
}

/** The whole text of an answer. EngineError `protocol` where it is absurdly long. */
export async function wholeText(endpoint: Endpoint, chunks: AsyncIterable<Buffer>): Promise<string> {
  const parts: Buffer[] = []
  let length = 0
  for await (const chunk of chunks) {
    parts.push(chunk)
    length += chunk.length
    if (length > ANSWER_TEXT_LIMIT) throw tooLong(endpoint)
  }
  return Buffer.concat(parts).toString()
}

export const tooLong = ({ name }: Endpoint): EngineError =>
  new EngineError(`the answer is longer than ${ANSWER_TEXT_LIMIT} bytes`, {
    code: 'protocol',
    endpoint: name,
    retry: 'no',
  })
