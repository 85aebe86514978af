// A sandbox's logs, demultiplexed into two spools. The engine marks no end of a log, so it is read twice and compared.

import type { LogPiece } from '../runtime/port.ts'
import type { Content } from '../store/port.ts'
import { Digest, sameContent } from './digest.ts'
import { CollectError } from './errors.ts'
import { Spool } from './spool.ts'

export interface SpooledLog {
  readonly key: string
  readonly content: Content
  stream(): AsyncIterable<Uint8Array>
}

export interface SpooledLogs {
  readonly files: readonly SpooledLog[]
  close(): Promise<void>
}

const streams = ['stdout', 'stderr'] as const

/** `read` starts a reading of the whole log of a stopped container. */
export async function spoolLogs(read: () => AsyncIterable<LogPiece>): Promise<SpooledLogs> {
  const spools = { stdout: await Spool.open(), stderr: await Spool.open() }
  const close = async () => {
    await spools.stdout.close()
    await spools.stderr.close()
  }
  try {
    const first = await digestLogs(read(), (piece) => spools[piece.stream].append(piece.bytes))
    const second = await digestLogs(read())
    for (const stream of streams) {
      if (!sameContent(first[stream], second[stream])) {
        throw new CollectError('changed', `The ${stream} log differed between two readings. Take the class down again.`)
      }
    }
    const files = streams.map((stream) => ({
      key: `data/logs/${stream}.log`,
      content: first[stream],
      stream: () => spools[stream].stream(),
    }))
    return { files, close }
  } catch (error) {
    await close()
    throw error
  }
}

async function digestLogs(pieces: AsyncIterable<LogPiece>, onPiece?: (piece: LogPiece) => Promise<void>) {
  const digests = { stdout: new Digest(), stderr: new Digest() }
  for await (const piece of pieces) {
    digests[piece.stream].update(piece.bytes)
    await onPiece?.(piece)
  }
  return { stdout: digests.stdout.end(), stderr: digests.stderr.end() }
}
