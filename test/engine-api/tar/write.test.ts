// The tar writer. That engines understand it is proven by the live tests, which put and import its archives.

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { isEngineError, packTar, readTar, type TarInput } from '../../../engine-api/index.ts'
import { chunksOf, collected } from '../cut.ts'

const owner = { mode: 0o640, uid: 1000, gid: 1001, mtimeMs: 1_700_000_000_999 }
const refused = (error: unknown): boolean => isEngineError(error, 'invalid-argument')

test('what is packed is read again: names, owners, modes, times, contents of every padding', async () => {
  const inputs: TarInput[] = [
    { name: 'home', type: 'directory', ...owner, mode: 0o1755 },
    { name: 'home/đà', type: 'file', ...owner, body: Buffer.from('x') },
    ...[0, 1, 511, 512, 513, 100_000].map(
      (size): TarInput => ({ name: `home/${size}`, type: 'file', ...owner, body: Buffer.alloc(size, 'y') }),
    ),
    { name: 'n'.repeat(100), type: 'file', ...owner },
    { name: 'd'.repeat(100), type: 'directory', ...owner },
    { name: `${'long/'.repeat(200)}x`, type: 'file', ...owner, body: Buffer.from('deep') },
    { name: Buffer.from([0x2e, 0x2f, 0xff, 0xfe]), type: 'file', ...owner },
    { name: Buffer.concat([Buffer.from('n'.repeat(120)), Buffer.from([0xff])]), type: 'file', ...owner },
    { name: 'link', type: 'symbolic-link', ...owner, linkName: Buffer.from('../a') },
    { name: 'far', type: 'symbolic-link', ...owner, linkName: Buffer.from('t'.repeat(300)) },
    { name: 'both'.repeat(50), type: 'symbolic-link', ...owner, linkName: Buffer.from('t'.repeat(512)) },
    { name: 'late', type: 'file', ...owner, uid: 2 ** 31, gid: 2 ** 21, mtimeMs: 2 ** 40 * 1000 },
    {
      name: 'streamed',
      type: 'file',
      ...owner,
      body: { size: 5, bytes: chunksOf(Buffer.from('he'), Buffer.from('llo')) },
    },
  ]
  const contents = new Map([['streamed', 'hello']])
  const expected = inputs.map(({ name, body = Buffer.alloc(0), mtimeMs, linkName = Buffer.alloc(0), ...rest }) => ({
    ...rest,
    name: Buffer.from(name),
    linkName: Buffer.from(linkName),
    mtimeMs: Math.floor(mtimeMs / 1000) * 1000,
    content: Buffer.from(body instanceof Uint8Array ? body : (contents.get(name.toString()) ?? '')),
  }))
  const seen = []
  for await (const { name, linkName, type, mode, uid, gid, mtimeMs, body } of readTar(packTar(inputs))) {
    seen.push({ type, mode, uid, gid, name, linkName, mtimeMs, content: Buffer.concat(await collected(body)) })
  }
  assert.deepEqual(seen, expected)
})

test('a body of another length than was promised ends the archive with an error', async () => {
  for (const size of [0, 4, 6]) {
    const body = { size, bytes: chunksOf(Buffer.from('he'), Buffer.from('llo')) }
    await assert.rejects(collected(packTar([{ name: 'a', type: 'file', ...owner, body }])), refused, `${size}`)
  }
})

test('the bytes are those that GNU tar makes of the same file', async () => {
  // tar --format=ustar --blocking-factor=1 --mtime=@1700000000 --owner=:1000 --group=:1001 --numeric-owner --mode=640 -c a | sha256sum,
  // where a holds "content" and a line feed.
  const packed = await collected(packTar([{ name: 'a', type: 'file', ...owner, body: Buffer.from('content\n') }]))
  const digest = createHash('sha256').update(Buffer.concat(packed)).digest('hex')
  assert.equal(digest, '81b2d8791874a7d3b4740112a67079eef18fb8040c64d3463d16fd1c83059174')
})

test('what no archive can hold is refused, not cut', async () => {
  const bad: Partial<TarInput>[] = [
    { name: '' },
    { name: '/absolute' },
    { name: 'a\0b' },
    { gid: -1 },
    { mode: 0.5 },
    { mtimeMs: -1 },
    { type: 'directory', body: Buffer.from('x') },
    { type: 'symbolic-link' },
  ]
  for (const fields of bad) {
    const entry: TarInput = { name: 'a', type: 'file', ...owner, ...fields }
    await assert.rejects(collected(packTar([entry])), refused, JSON.stringify(fields))
  }
})

test('entries may come one by one, and an empty archive is an end mark', async () => {
  async function* entries(): AsyncGenerator<TarInput> {
    yield { name: 'a', type: 'file', ...owner }
  }
  assert.equal((await collected(readTar(packTar(entries())))).length, 1)
  assert.deepEqual(Buffer.concat(await collected(packTar([]))), Buffer.alloc(1024))
  assert.deepEqual(await collected(readTar(chunksOf(Buffer.alloc(1024)))), [])
})
