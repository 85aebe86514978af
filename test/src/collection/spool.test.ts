// The temporary file without a name.

import assert from 'node:assert/strict'
import { readdir, readlink } from 'node:fs/promises'
import { test } from 'node:test'
import { Spool } from '../../../src/collection/spool.ts'

const bytes = (length: number, seed: number) =>
  Buffer.from(Array.from({ length }, (_, index) => (index * 31 + seed) % 251))

async function spoolOf(t: { after(close: () => Promise<void>): void }, pieces: readonly Buffer[] = []): Promise<Spool> {
  const spool = await Spool.open()
  t.after(() => spool.close())
  for (const piece of pieces) await spool.append(piece)
  return spool
}

test('what is appended is read back, in any part and whether or not it is on disk yet', async (t) => {
  const pieces = [bytes(10, 1), bytes(200_000, 2), bytes(0, 0), bytes(65_536, 3), bytes(7, 4)]
  const whole = Buffer.concat(pieces)
  const spool = await spoolOf(t, pieces)
  assert.equal(spool.size, whole.length)
  for (const [offset, length] of [
    [0, 10],
    [5, 100],
    [9, 200_002],
    [whole.length - 3, 3],
  ] as const) {
    assert.deepEqual(await spool.read(offset, length), whole.subarray(offset, offset + length))
  }
  const streamed: Uint8Array[] = []
  for await (const chunk of spool.stream()) streamed.push(chunk)
  assert.ok(Buffer.concat(streamed).equals(whole))
})

test('a read ends where the spool ends', async (t) => {
  const spool = await spoolOf(t, [bytes(10, 1)])
  assert.equal((await spool.read(4, 100)).length, 6)
  assert.equal((await spool.read(10, 1)).length, 0)
  assert.equal((await spool.read(1000, 1)).length, 0)
})

test('size is the offset of what comes next, so that what was appended can be found again', async (t) => {
  const spool = await spoolOf(t)
  const places: { offset: number; piece: Buffer }[] = []
  for (let count = 0; count < 300; count++) {
    const piece = bytes(count * 7, count)
    places.push({ offset: spool.size, piece })
    await spool.append(piece)
    if (count % 50 === 0) await spool.read(0, 1)
  }
  for (const { offset, piece } of places) assert.deepEqual(await spool.read(offset, piece.length), piece)
})

test('two readers at once both see everything that was appended', async (t) => {
  const piece = bytes(1000, 1)
  const spool = await spoolOf(t, [piece])
  const [first, second] = await Promise.all([spool.read(0, 1000), spool.read(0, 1000)])
  assert.ok(first.equals(piece))
  assert.ok(second.equals(piece))
})

test('a spool has no name, so that even a killed process leaves nothing', {
  skip: process.platform !== 'linux',
}, async (t) => {
  await spoolOf(t)
  const open: string[] = []
  for (const name of await readdir('/proc/self/fd')) {
    open.push(await readlink(`/proc/self/fd/${name}`).catch(() => ''))
  }
  const spools = open.filter((path) => path.includes('class-runtime-'))
  assert.equal(spools.length, 1)
  for (const path of spools) assert.match(path, / \(deleted\)$/)
})
