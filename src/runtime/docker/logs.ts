// A sandbox's log from the engine, piece by piece. The engine keeps the newest output alone and does not say what it dropped, so
// it is counted here how much of its files the log fills: below a certain size nothing can have been dropped.

import { isEngineError } from '../../../engine-api/index.ts'
import type { LogPiece } from '../archive.ts'
import type { DockerContext } from './context.ts'
import { logLimits } from './sandbox-body.ts'

/** It drops its oldest file as it begins one more than it may have: then all the others are full. */
const leastAfterLoss = logLimits.fileBytes * (logLimits.files - 1)

/** `{"log":"…","stream":"stdout","time":"2026-11-28T04:22:32.565314167Z"}` and a line feed, without the text itself. */
const envelopeBytes = 69

export async function* readLogs(
  { engine }: DockerContext,
  containerId: string,
  signal: AbortSignal,
  last: number | undefined,
): AsyncGenerator<LogPiece> {
  let stored = 0
  const tail = last === undefined ? {} : { tail: last }
  try {
    for await (const piece of engine.containers.logs(containerId, { signal, ...tail })) {
      stored += storedBytes(piece.bytes) + (piece.continues ? 0 : envelopeBytes)
      yield stored < leastAfterLoss ? piece : { ...piece, mayLackBeginning: true }
    }
  } catch (error) {
    // Its own words inside the log, such as `unexpected EOF` for a last line that was being written when the host lost its power:
    // reading again does not help, and must not keep the student's files from being collected.
    if (!isEngineError(error, 'protocol') || !error.engineMessage) throw error
    yield { stream: 'stdout', bytes: Buffer.alloc(0), continues: true, breaksOff: true }
  }
}

/** As the text of a JSON string in the engine's own way. */
function storedBytes(text: Uint8Array): number {
  let size = 0
  for (let at = 0; at < text.length; at++) {
    const byte = text[at] ?? 0
    size += byteCost[byte] ?? 1
    // What was no UTF-8 is kept as \ufffd and given as that character's three bytes.
    if (byte === 0xbd && text[at - 1] === 0xbf && text[at - 2] === 0xef) size += 3
  }
  return size
}

const byteCost = Uint8Array.from({ length: 256 }, (_, byte) => {
  if ('\n\r"\\'.includes(String.fromCharCode(byte))) return 2
  return byte < 0x20 || '<>&'.includes(String.fromCharCode(byte)) ? 6 : 1
})
