// The S3 store where the way to the server is unlike the plain one: certificates, proxies, another address, a shared bucket, a lost bucket.

import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { openStore } from '../../../../src/store/open-store.ts'
import { CutTransfer, type Store } from '../../../../src/store/port.ts'
import { createS3Store } from '../../../../src/store/s3/bucket.ts'
import { makeAuthority, skipWithoutOpenssl } from '../../../support/certificates.ts'
import { digestOf, gather, seededBytes, streamOf } from '../bodies.ts'
import { listed, rejectsWith } from '../conformance.ts'
import { errorXml, startHandMadeS3 } from './hand-made-s3.ts'
import { first, handMadeOptions, hello, open, tight } from './open-hand-made.ts'

const skip = skipWithoutOpenssl

function folderFor(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'store-tls-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return folder
}

/** A store on a server that shows this certificate. */
async function openTls(t: TestContext, key: string, cert: string, ca?: string): Promise<Store> {
  const s3 = await startHandMadeS3(t, { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') })
  const store = createS3Store({ ...handMadeOptions, endpoint: s3.endpoint, ca: ca && readFileSync(ca, 'utf8') }, tight)
  t.after(() => store.close())
  return store
}

for (const [what, wish, ca, told] of [
  [
    'of a CA that nobody knows',
    { addresses: ['127.0.0.1'] },
    false,
    /CA that this machine does not know; set MINIO_CA_FILE/,
  ],
  ['that has expired', { addresses: ['127.0.0.1'], isExpired: true }, true, /has expired; renew it/],
  ['for another name', { addresses: ['127.0.0.2'] }, true, /for another name; use a name of the certificate/],
] as const) {
  test(`a certificate ${what} is told as what it is, at once`, { skip }, async (t) => {
    const authority = makeAuthority(join(folderFor(t), 'authority'))
    const issued = authority.issue(join(authority.certificate, '..', 'server'), wish)
    const store = await openTls(
      t,
      join(issued, 'key.pem'),
      join(issued, 'cert.pem'),
      ca ? authority.certificate : undefined,
    )
    for (const call of [
      () => store.check(),
      () => store.put('a', digestOf(hello), streamOf(hello)),
      () => store.copy('a', 'b', digestOf(hello)),
    ]) {
      const error = await rejectsWith(call(), 'tls')
      assert.match(error.message, told)
      assert.doesNotMatch(error.message, /check that the server runs/)
      assert.match(error.advice, /certificate/)
    }
  })
}

test('a self-signed certificate is told as that', { skip }, async (t) => {
  const { certificate } = makeAuthority(join(folderFor(t), 'authority'))
  const key = join(certificate, '..', 'ca-key.pem')
  const error = await rejectsWith((await openTls(t, key, certificate)).check(), 'tls')
  assert.match(error.message, /self-signed; set MINIO_CA_FILE/)
})

test('a store whose certificate is of the CA of MINIO_CA_FILE is used, for objects and for all else', {
  skip,
}, async (t) => {
  const authority = makeAuthority(join(folderFor(t), 'authority'))
  const issued = authority.issue(join(authority.certificate, '..', 'server'), { addresses: ['127.0.0.1'] })
  const store = await openTls(t, join(issued, 'key.pem'), join(issued, 'cert.pem'), authority.certificate)
  await store.check()
  await store.put('a', digestOf(hello), hello)
  assert.deepEqual(await gather(await store.read('a')), hello)
  // The hand-made server has no copy: what counts is that it was asked.
  await rejectsWith(store.copy('b', 'c', digestOf(hello)), 'refused')
})

test('MINIO_CA_FILE without a certificate stops the start', (t) => {
  const file = join(folderFor(t), 'ca.pem')
  writeFileSync(file, 'no certificate')
  const config = { ...handMadeOptions, kind: 's3', endpoint: 'https://127.0.0.1:9' } as const
  assert.throws(() => openStore({ ...config, caFile: file }), /^Error: MINIO_CA_FILE must be a file with a certificate/)
  assert.throws(() => openStore({ ...config, caFile: `${file}.no` }), /^Error: MINIO_CA_FILE .*ENOENT/)
})

test('https to a server of http, and http to one of https, are told as that', async (t) => {
  const { s3, store } = await open(t)
  s3.react = () => ({ status: 400, body: 'Client sent an HTTP request to an HTTPS server.\n' })
  const told = await rejectsWith(store.check(), 'tls')
  assert.match(told.message, /begin MINIO_ENDPOINT with https/)
  const secure = createS3Store({ ...handMadeOptions, endpoint: s3.endpoint.replace('http:', 'https:') }, tight)
  t.after(() => secure.close())
  const error = await rejectsWith(secure.check(), 'tls')
  assert.match(error.message, /begin MINIO_ENDPOINT with http:/)
})

test('keys that are refused by hanging up in the middle of the body are denied', async (t) => {
  const { s3, store } = await open(t)
  const bytes = seededBytes(5_000_000, 3)
  s3.reactEarly = ({ method }) =>
    method === 'PUT' ? 'break' : { status: 403, body: errorXml('SignatureDoesNotMatch') }
  for (const body of [bytes, streamOf(bytes), hello]) {
    const content = body === hello ? digestOf(hello) : digestOf(bytes)
    const error = await rejectsWith(store.put('a', content, body), 'denied')
    assert.match(error.message, /SignatureDoesNotMatch/)
  }
})

test('a server that hangs up on good keys is unreachable', async (t) => {
  const { s3, store } = await open(t)
  s3.reactEarly = ({ method }) => (method === 'PUT' ? 'break' : undefined)
  await rejectsWith(store.put('a', digestOf(hello), streamOf(hello)), 'unreachable')
})

for (const [status, code] of [
  [400, 'refused'],
  [413, 'refused'],
  [499, 'unreachable'],
  [504, 'unreachable'],
] as const) {
  test(`${status} of a proxy before the store names the status, what it says, and the object`, async (t) => {
    const { s3, store } = await open(t)
    s3.react = () => ({ status, body: 'Says The Proxy' })
    const error = await rejectsWith(store.put('a/b', digestOf(hello), streamOf(hello)), code)
    assert.match(error.message, new RegExp(`s3://bucket/a/b: .* answered ${status} Says The Proxy`))
    assert.match(error.advice, new RegExp(`The store, or what stands before it, answered ${status}`))
    assert.equal(error instanceof CutTransfer, code === 'unreachable')
  })
}

test('what a proxy repeats of a URL is not told: it is signed', async (t) => {
  const { s3, store } = await open(t)
  s3.react = () => ({ status: 400, body: 'Bad URL /bucket/a?X-Amz-Signature=0123' })
  const error = await rejectsWith(store.put('a', digestOf(hello), hello), 'refused')
  assert.doesNotMatch(error.message + error.advice, /X-Amz|0123/)
})

test('a download is signed for the address that browsers use, all else goes to the other', async (t) => {
  const { s3, store } = await open(t, tight, { publicEndpoint: 'https://files.example.org' })
  await store.put('a', digestOf(hello), hello)
  const url = new URL((await store.temporaryUrl('a', 'a')) ?? '')
  assert.equal(url.origin, 'https://files.example.org')
  assert.equal(url.pathname, '/bucket/a')
  assert.equal(s3.requests.length, 1)
})

test('with a prefix nothing is written, read or listed beside it', async (t) => {
  const { s3, store } = await open(t, tight, { prefix: 'labs/hanoi' })
  s3.objects.set('others', hello).set('labs/other', hello).set('labs/hanoi-2/a', hello)
  await store.check()
  await store.put('c/a', digestOf(hello), hello)
  assert.equal(store.location, 's3://bucket/labs/hanoi')
  assert.deepEqual([...(await listed(store, '')).keys()], ['c/a'])
  assert.deepEqual(await store.folders(''), ['c'])
  assert.deepEqual(await gather(await store.read('c/a')), hello)
  assert.equal((await store.stat('c/a'))?.key, 'c/a')
  assert.match((await store.temporaryUrl('c/a', 'a')) ?? '', /\/bucket\/labs\/hanoi\/c\/a\?/)
  s3.react = ({ method, key, headers }) => {
    if (method !== 'PUT' || key !== 'labs/hanoi/d/a') return undefined
    assert.equal(headers['x-amz-copy-source'], '/bucket/labs/hanoi/c/a')
    s3.objects.set(key, hello)
    return { status: 200, body: '<CopyObjectResult><ETag>"x"</ETag></CopyObjectResult>' }
  }
  await store.copy('c/a', 'd/a', digestOf(hello))
  const written = s3.requests.filter(({ method }) => method === 'PUT' || method === 'DELETE').map(({ key }) => key)
  assert.deepEqual(
    written.filter((key) => !key.startsWith('labs/hanoi/')),
    [],
  )
  await store.remove('c/a')
  assert.deepEqual([...s3.objects.keys()].sort(), ['labs/hanoi-2/a', 'labs/hanoi/d/a', 'labs/other', 'others'])
})

const noBucket = { status: 404, body: errorXml('NoSuchBucket') }

test('a bucket that was lost is made again by whatever call meets that first', async (t) => {
  const { s3, store } = await open(t)
  for (const call of [
    () => store.put('a', digestOf(hello), hello),
    () => listed(store, 'p/'),
    () => rejectsWith(store.read('b'), 'not-found'),
    () => store.folders(''),
  ]) {
    s3.requests.length = 0
    first(s3, noBucket, { status: 200 })
    await call()
    assert.deepEqual(
      s3.requests.map(({ method, key }) => `${method} ${key === '' ? 'bucket' : 'object'}`).slice(1, 2),
      ['PUT bucket'],
    )
  }
})

test('a stream that meets a lost bucket is to be sent again, to the bucket that was made', async (t) => {
  const { s3, store } = await open(t)
  first(s3, noBucket, { status: 200 })
  await rejectsWith(store.put('a', digestOf(hello), streamOf(hello)), 'unreachable')
  assert.equal(await store.put('a', digestOf(hello), streamOf(hello)), 'stored')
  assert.equal(s3.requests.filter(({ method, key }) => method === 'PUT' && key === '').length, 1)
})

test('a bucket that was lost and may not be made is said to be that', async (t) => {
  const { s3, store } = await open(t)
  s3.react = ({ method, key }) =>
    method === 'PUT' && key === '' ? { status: 403, body: errorXml('AccessDenied') } : noBucket
  const error = await rejectsWith(store.put('a', digestOf(hello), hello), 'no-bucket')
  assert.match(error.message, /is absent and may not be made by these keys/)
})
