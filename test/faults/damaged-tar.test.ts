// Each damage is what its name says, seen in the bytes.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { damageTar, type TarFault } from './damaged-tar.ts'

const block = 512

/** By GNU tar: a folder (one block), then `a` with 700 bytes (three blocks), then `b` with 10 (two blocks), then the end mark. */
function archive(t: { after(work: () => void): void }): Buffer {
  const folder = mkdtempSync(join(tmpdir(), 'damaged-tar-'))
  t.after(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, 'a'), 'a'.repeat(700))
  writeFileSync(join(folder, 'b'), 'b'.repeat(10))
  const args = ['--create', '--format=ustar', '--blocking-factor=1', '--sort=name', '--directory', folder, '.']
  const { stdout, status } = spawnSync('tar', args)
  assert.equal(status, 0)
  assert.equal(stdout.length, 8 * block)
  return stdout
}

const lengths: readonly (readonly [TarFault, number])[] = [
  ['cut-at-boundary', 4 * block],
  ['cut-mid-header', 4 * block + 200],
  ['cut-mid-file', 5 * block + 5],
  ['one-zero-block', 7 * block],
]

for (const [fault, length] of lengths) {
  test(`${fault}: what is left is as it was`, (t) => {
    const whole = archive(t)
    const damaged = damageTar(whole, fault)
    assert.equal(damaged.length, length)
    assert.deepEqual(damaged, whole.subarray(0, length))
  })
}

for (const [fault, at] of [
  ['bad-checksum', 4 * block + 110],
  ['flipped-bit', 5 * block],
] as const) {
  test(`${fault}: one byte is another`, (t) => {
    const whole = archive(t)
    const damaged = damageTar(whole, fault)
    const differing = [...whole.keys()].filter((index) => whole[index] !== damaged[index])
    assert.deepEqual([differing, damaged.length], [[at], whole.length])
  })
}

test('wrong-size: a sound extended header claims a block more for the first file, and nothing else is touched', (t) => {
  const whole = archive(t)
  const damaged = damageTar(whole, 'wrong-size')
  assert.deepEqual(Buffer.concat([damaged.subarray(0, block), damaged.subarray(3 * block)]), whole)
  assert.match(damaged.toString('latin1', 2 * block, 3 * block), /^13 size=1212\n\0+$/)
  const header = damaged.subarray(block, 2 * block)
  const sum = [...header].reduce((total, byte, at) => total + (at >= 148 && at < 156 ? 0x20 : byte), 0)
  assert.equal(Number.parseInt(header.toString('latin1', 148, 156), 8), sum)
})

test('an archive with nothing to damage is said to be one', () => {
  assert.throws(() => damageTar(Buffer.alloc(2 * block), 'cut-mid-file'), /too few files/)
})
