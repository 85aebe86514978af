// Archives as Python's tarfile and GNU tar read them, to hold the own reader against. One process for a whole batch.
// Both forgive much that the own reader refuses, so only what the own reader accepts is worth asking about.

import { execFile, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type Static, Type } from '@sinclair/typebox'
import { readTar } from '../../engine-api/index.ts'
import { shaped } from './shape.ts'

const Named = Type.Object({ name: Type.String(), size: Type.Integer() })
const Entry = Type.Object({ name: Type.String(), size: Type.Integer(), sha256: Type.String() })
const orRefused = <Shape extends Parameters<typeof Type.Array>[0]>(shape: Shape) => Type.Union([shape, Type.Null()])

const Reading = Type.Object({
  python: orRefused(Type.Array(Entry)),
  gnu: orRefused(Type.Object({ entries: Type.Array(Named), sha256: Type.String() })),
})

/** Of one archive; null where that reader refuses it. Names in Latin-1. */
export type PeerReading = Static<typeof Reading>

export interface OwnReading {
  readonly entries: Static<typeof Entry>[]
  /** Of all contents, one after the other. */
  readonly sha256: string
}

const runs = (command: string): boolean => spawnSync(command, ['--version']).status === 0

/** For `test(name, { skip })`: why the other readers cannot be asked, or false. */
export const skipWithoutTarPeers: string | false =
  runs('python3') && runs('tar') ? false : 'needs python3 and GNU tar: NOTHING WAS COMPARED'

/** What the own reader makes of an archive. Throws as it does. */
export async function ownReading(chunks: AsyncIterable<Uint8Array>): Promise<OwnReading> {
  const entries = []
  const all = createHash('sha256')
  for await (const { name, size, body } of readTar(chunks)) {
    const hash = createHash('sha256')
    for await (const piece of body) {
      hash.update(piece)
      all.update(piece)
    }
    entries.push({ name: name.toString('latin1'), size, sha256: hash.digest('hex') })
  }
  return { entries, sha256: all.digest('hex') }
}

/** What the others make of archives, in their order. */
export async function peerReadings(archives: readonly Buffer[]): Promise<PeerReading[]> {
  const folder = await mkdtemp(join(tmpdir(), 'tar-peers-'))
  try {
    for (const [number, archive] of archives.entries()) await writeFile(join(folder, `${number}.tar`), archive)
    const script = join(import.meta.dirname, 'tar-peers.py')
    const options = { maxBuffer: 256 * 1024 * 1024 }
    const { stdout } = await promisify(execFile)('python3', [script, folder, String(archives.length)], options)
    return shaped(Type.Array(Reading), JSON.parse(stdout))
  } finally {
    await rm(folder, { recursive: true })
  }
}

/** In what the own reader, which accepted the archive, differs from the others; undefined where it does not. */
export function peerFault(own: OwnReading, { python, gnu }: PeerReading): string | undefined {
  if (python === null || gnu === null) return `${python === null ? 'Python' : 'GNU tar'} refuses it`
  const hashed = textOf(own.entries)
  const named = textOf(own.entries.map(({ name, size }) => ({ name, size })))
  if (textOf(python) !== hashed) return `Python reads ${textOf(python)}, not ${hashed}`
  if (gnu === null || python === null) return `STRONG ${python === null ? 'py' : 'gnu'} refuses`
  if (textOf(gnu.entries) !== named) return `GNU tar reads ${textOf(gnu.entries)}, not ${named}`
  return gnu.sha256 === own.sha256 ? undefined : `GNU tar reads other contents of ${named}`
}

/** Names without the slashes that end a directory's, since each reader leaves them out where it likes. */
const textOf = (entries: readonly Static<typeof Named>[]): string =>
  JSON.stringify(entries.map((entry) => ({ ...entry, name: entry.name.replace(/\/+$/, '') })))
