// A sandbox's logs, demultiplexed into two spools. The engine marks no end of a log, and a damaged one ends early or has a hole
// without a word, so it is read again, where that can be compared from its end.

import type { LogPiece } from '../runtime/archive.ts'
import { Digest, sameContent } from '../store/content.ts'
import type { Content } from '../store/port.ts'
import { CollectError } from './errors.ts'
import { Spool } from './spool.ts'

export interface SpooledLog {
  readonly key: string
  readonly content: Content
  stream(): AsyncIterable<Uint8Array>
}

export interface SpooledLogs {
  readonly files: readonly SpooledLog[]
  /** What graders should know of them. */
  readonly notes: readonly string[]
  close(): Promise<void>
}

const streams = ['stdout', 'stderr'] as const

const damagedNote =
  'The log is damaged on the engine and could not be read whole: output is missing from data/logs, at its end or in between.'
const droppedNote =
  'The sandbox printed much. The engine keeps only the newest 20 to 30 MB of its log files: output from before the first lines in data/logs may be gone.'

/** `read` starts a reading of the log of a stopped container: of all of it, or of its `last` records alone. */
export async function spoolLogs(read: (last?: number) => AsyncIterable<LogPiece>): Promise<SpooledLogs> {
  const spools = { stdout: await Spool.open(), stderr: await Spool.open() }
  const close = async () => {
    await spools.stdout.close()
    await spools.stderr.close()
  }
  try {
    const first = await digestLogs(read(), (piece) => spools[piece.stream].append(piece.bytes))
    const isDamaged = first.breaksOff || (await differsFromEnd(first, read))
    const again = isDamaged ? await digestLogs(read()) : first
    // Some engines give more or less of what stands before the damage each time, and say at what they broke off (Docker 26).
    const changed = first.breaksOff && again.breaksOff ? undefined : differing(first, again)
    if (changed !== undefined) {
      throw new CollectError('changed', `The ${changed} log differed between two readings. Take the class down again.`)
    }
    const files = streams.map((stream) => ({
      key: `data/logs/${stream}.log`,
      content: first[stream],
      stream: () => spools[stream].stream(),
    }))
    const notes = [...(isDamaged ? [damagedNote] : []), ...(first.mayLackBeginning ? [droppedNote] : [])]
    return { files, notes, close }
  } catch (error) {
    await close()
    throw error
  }
}

/**
 * From its end a log is found by counting the lines of the engine's file, whatever is in them. Asked for as many as could be read,
 * the engine gives the same, unless some cannot be read; asked for one more it still does, unless these are the first ones.
 * Lines without their end are counted by every engine in its own way: where there are such, the log is read as the first time.
 */
async function differsFromEnd(first: Reading, read: (last?: number) => AsyncIterable<LogPiece>): Promise<boolean> {
  const { records, hasParts } = first
  for (const last of hasParts ? [undefined] : new Set([Math.max(1, records), records + 1])) {
    if (differing(first, await digestLogs(read(last))) !== undefined) return true
  }
  return false
}

type Reading = Awaited<ReturnType<typeof digestLogs>>

const differing = (a: Reading, b: Reading) => streams.find((stream) => !sameContent(a[stream], b[stream]))

const lineFeed = 0x0a

async function digestLogs(pieces: AsyncIterable<LogPiece>, onPiece?: (piece: LogPiece) => Promise<void>) {
  const digests = { stdout: new Digest(), stderr: new Digest() }
  let records = 0
  let mayLackBeginning = false
  let breaksOff = false
  let hasParts = false
  let lastByte: number | undefined = lineFeed
  for await (const piece of pieces) {
    digests[piece.stream].update(piece.bytes)
    if (!piece.continues) {
      records++
      hasParts ||= lastByte !== lineFeed
    }
    lastByte = piece.bytes.at(-1) ?? lastByte
    breaksOff ||= piece.breaksOff === true
    mayLackBeginning ||= piece.mayLackBeginning === true
    await onPiece?.(piece)
  }
  hasParts ||= lastByte !== lineFeed
  return { stdout: digests.stdout.end(), stderr: digests.stderr.end(), records, mayLackBeginning, breaksOff, hasParts }
}
