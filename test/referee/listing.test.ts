import assert from 'node:assert/strict'
import { test } from 'node:test'
import { objectsOf, textOf } from './listing.ts'

const page = (encoding: string, ...keys: string[]): string =>
  `<ListBucketResult>${encoding}${keys.map((key) => `<Contents>\n<Key>${key}</Key><Size>3</Size></Contents>`).join('')}</ListBucketResult>`

const keysOf = (text: string): string[] => objectsOf(text).map(({ key }) => key)

test('an encoded listing is decoded, whether a blank is a plus sign (AWS, MinIO) or %20 (radosgw)', () => {
  const encoded = page('<EncodingType>url</EncodingType>', 'a+b', 'a%20b', 'a%2Bb', 't%E1%BA%ADp')
  assert.deepEqual(keysOf(encoded), ['a b', 'a b', 'a+b', 'tập'])
})

test('a listing that does not say that it is encoded is taken as it is, entities aside (VersityGW)', () => {
  for (const encoding of ['', '<EncodingType></EncodingType>']) {
    const plain = page(encoding, 'a+b', 'a%2Bb', '&#34;a&#x27;&#38;&amp;&lt;', '+plus+')
    assert.deepEqual(keysOf(plain), ['a+b', 'a%2Bb', '"a\'&&<', '+plus+'])
  }
})

test('sizes and other elements are read, and what is not there is undefined', () => {
  assert.deepEqual(objectsOf(page('', 'a')), [{ key: 'a', size: 3 }])
  assert.equal(textOf('<A><Token>x&amp;y</Token></A>', 'Token'), 'x&y')
  assert.equal(textOf('<A/>', 'Token'), undefined)
})
