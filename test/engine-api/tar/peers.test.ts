// The tar reader held against Python's tarfile and GNU tar: on what real tools and a real engine made, and on hundreds of
// copies of it with damage that has a right checksum. It may refuse what they forgive; what it accepts, both accept.
// TAR_CORPUS names a folder of more archives to try; TAR_PEERS_SEED repeats another run's damage.

import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { before, test } from 'node:test'
import { isEngineError, packTar } from '../../../engine-api/index.ts'
import { damaged, type Random, randomFrom } from '../../support/random.ts'
import { type OwnReading, ownReading, peerFault, peerReadings, skipWithoutTarPeers } from '../../support/tar-peers.ts'
import { chunksOf, collected } from '../cut.ts'

const seed = Number(process.env['TAR_PEERS_SEED'] ?? 20_261_123)
const corpus = process.env['TAR_CORPUS']
const rounds = 600
const block = 512

const fixtures = resolve(import.meta.dirname, '../../../fixtures')
const tarsIn = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.tar'))
    .sort()
    .map((name) => join(folder, name))

const file = { type: 'file', mode: 0o644, uid: 1000, gid: 1000, mtimeMs: 1_700_000_000_000 } as const
interface Case {
  readonly what: string
  readonly bytes: Buffer
}

let undamaged: readonly Case[]
before(async () => {
  const packed = packTar([
    { ...file, type: 'directory', name: 'student' },
    { ...file, name: 'student/a.txt', body: Buffer.from('a\n') },
    { ...file, name: 'student/block', body: Buffer.alloc(block, 'b') },
  ])
  undamaged = [
    { what: 'packTar', bytes: Buffer.concat(await collected(packed)) },
    ...tarsIn(fixtures).map((path) => ({ what: path, bytes: readFileSync(path) })),
  ]
})

function refused(error: unknown): undefined {
  if (!isEngineError(error, 'archive-corrupt') && !isEngineError(error, 'archive-truncated')) throw error
}

/** Asks the others about what the own reader accepts. Gives how many that were. */
async function compare(cases: readonly Case[]): Promise<number> {
  const accepted: (Case & { readonly own: OwnReading })[] = []
  for (const each of cases) {
    const own = await ownReading(chunksOf(each.bytes)).catch(refused)
    if (own !== undefined) accepted.push({ ...each, own })
  }
  const readings = await peerReadings(accepted.map(({ bytes }) => bytes))
  const faults = readings.flatMap((reading, index) => {
    const { what, own } = accepted[index] ?? assert.fail('more answers than questions')
    const fault = peerFault(own, reading)
    return fault === undefined ? [] : [`${what}: ${fault}`]
  })
  assert.deepEqual(faults, [])
  return accepted.length
}

/** Damage inside one block, which is then given the checksum that a header of its bytes has. */
function damagedWithChecksum(random: Random, bytes: Buffer): Buffer {
  const result = Buffer.from(bytes)
  const start = random.below(Math.ceil(bytes.length / block)) * block
  const header = result.subarray(start, start + block)
  const [name, size, typeAndLink, magic, prefix] = [
    [0, 100],
    [124, 12],
    [156, 101],
    [257, 8],
    [345, 155],
  ] as const
  const [field, length] = random.pick([name, size, typeAndLink, magic, prefix])
  const at = random.pick([field, field + random.below(length), field + length - 1])
  header.writeUInt8(random.pick([0, 0x20, 0x2f, 0x30, 0x31, 0x37, 0x61, 0x80, 0xff, random.below(256)]), at)
  header.fill(' ', 148, 156)
  const sum = header.reduce((total, byte) => total + byte, 0)
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  return result
}

test('archives of tools and of an engine are read as both others read them', {
  skip: skipWithoutTarPeers,
}, async (t) => {
  t.diagnostic(`${await compare(undamaged)} archives are the same to all`)
})

test('no damaged archive is accepted against one of the others, or read with another name, size or content', {
  skip: skipWithoutTarPeers,
}, async (t) => {
  const cases = Array.from({ length: rounds }, (_, round) => {
    const random = randomFrom(seed + round)
    const { what, bytes } = random.pick(undamaged)
    const damage = random.pick([damagedWithChecksum, damagedWithChecksum, damaged])
    return { what: `TAR_PEERS_SEED=${seed}, round ${round}, ${what}`, bytes: damage(random, bytes) }
  })
  const accepted = await compare(cases)
  t.diagnostic(`${rounds} damaged archives: ${rounds - accepted} refused, ${accepted} the same to all`)
  assert.ok(accepted > rounds / 20 && accepted < rounds, 'the damage is neither harmless nor hopeless')
})

const skipWithoutCorpus = skipWithoutTarPeers || (corpus === undefined && 'TAR_CORPUS is not set')

test('archives of the corpus are read as both others read them, or refused', { skip: skipWithoutCorpus }, async (t) => {
  const archives = tarsIn(resolve(corpus ?? '.')).map((path) => ({ what: path, bytes: readFileSync(path) }))
  t.diagnostic(`${await compare(archives)} of ${archives.length} archives are the same to all, the others refused`)
})
