// Size and digests of bytes, against published values.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Digest, digestAll, digestOf, sameContent } from '../../../src/store/content.ts'

/** Published test values: RFC 1321 and FIPS 180-2. */
const abc = {
  size: 3,
  md5: '900150983cd24fb0d6963f7d28e17f72',
  sha256: 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
}

test('size, MD5 and SHA-256 are those of the bytes, however they come', async () => {
  assert.deepEqual(digestOf(Buffer.from('abc')), abc)
  assert.deepEqual(new Digest().update(Buffer.from('a')).update(Buffer.from('bc')).end(), abc)
  async function* chunks() {
    yield Buffer.from('ab')
    yield Buffer.alloc(0)
    yield Buffer.from('c')
  }
  assert.deepEqual(await digestAll(chunks()), abc)
})

test('two contents are the same only if all three are', () => {
  assert.ok(sameContent(abc, { ...abc }))
  for (const change of [{ size: 4 }, { md5: '0' }, { sha256: '0' }]) assert.ok(!sameContent(abc, { ...abc, ...change }))
})
