// The engine's framing of stdout and stderr, for logs and exec without a terminal.
// A frame can be larger than memory, so payloads are passed on in pieces and never gathered.
//
//   frame  = type, 3 zero bytes, length as 32-bit unsigned big-endian, length bytes of payload
//   type   = 0 stdin (belongs to stdout), 1 stdout, 2 stderr, 3 the engine's own error

import { EngineError } from '../errors.ts'

/** Part of what a process wrote. Where a piece ends means nothing; the order between the two streams is not exact. */
export interface OutputPiece {
  readonly stream: 'stdout' | 'stderr'
  readonly bytes: Buffer
  /** It goes on with the frame of the piece before it. Of a log, a frame is a record: a line, or a part of a very long one. */
  readonly continues?: true
}

const HEADER_LENGTH = 8
const ENGINE_ERROR = 3
const ENGINE_MESSAGE_LIMIT = 64 * 1024

/** Throws EngineError `protocol` for anything but whole frames up to the end, and for the engine's own error in between. */
export async function* readFrames(
  endpoint: string,
  chunks: AsyncIterable<Buffer>,
): AsyncGenerator<OutputPiece, void, undefined> {
  const header = Buffer.alloc(HEADER_LENGTH)
  let headerLength = 0
  let type = 0
  let remaining = 0
  let begun = false
  const engineError: Buffer[] = []
  let engineErrorLength = 0

  for await (const chunk of chunks) {
    let offset = 0
    while (offset < chunk.length) {
      if (remaining === 0) {
        const copied = chunk.copy(header, headerLength, offset)
        headerLength += copied
        offset += copied
        if (headerLength < HEADER_LENGTH) break
        headerLength = 0
        type = header.readUInt8(0)
        remaining = header.readUInt32BE(4)
        begun = false
        if (type > ENGINE_ERROR || header.readUIntBE(1, 3) !== 0) {
          throw failure(endpoint, 'the output is not framed: does the container have a terminal (Tty)?')
        }
        if (type === ENGINE_ERROR && remaining === 0) throw reported(endpoint, engineError)
        continue
      }
      const bytes = chunk.subarray(offset, offset + remaining)
      offset += bytes.length
      remaining -= bytes.length
      if (type !== ENGINE_ERROR) {
        yield { stream: type === 2 ? 'stderr' : 'stdout', bytes, ...(begun ? { continues: true } : {}) }
        begun = true
        continue
      }
      engineError.push(bytes.subarray(0, ENGINE_MESSAGE_LIMIT - engineErrorLength))
      engineErrorLength += bytes.length
      if (remaining === 0 || engineErrorLength >= ENGINE_MESSAGE_LIMIT) throw reported(endpoint, engineError)
    }
  }
  if (engineErrorLength > 0) throw reported(endpoint, engineError)
  if (remaining > 0 || headerLength > 0) throw cut(endpoint)
}

function reported(endpoint: string, parts: readonly Buffer[]): EngineError {
  const text = Buffer.concat(parts).toString().trim()
  return failure(endpoint, `the engine reports: ${text || '(no text)'}`, text)
}

function failure(endpoint: string, message: string, engineMessage?: string): EngineError {
  return new EngineError(message, { code: 'protocol', endpoint, engineMessage, retry: 'no' })
}

/** What was cut off may be had by another call, but the process behind an exec may have ended. */
function cut(endpoint: string): EngineError {
  return new EngineError('the output ends inside a frame', { code: 'protocol', endpoint, retry: 'after-inspect' })
}
