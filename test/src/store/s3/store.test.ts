// The S3 store against hand-made answers: what no good server can be asked for.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { objectKey } from '../../../../src/bag/object-key.ts'
import type { StoreErrorCode } from '../../../../src/store/port.ts'
import { createS3Store } from '../../../../src/store/s3/bucket.ts'
import { digestOf, gather, seededBytes, streamOf } from '../bodies.ts'
import { hostileNames, listed, rejectsWith } from '../conformance.ts'
import { errorXml, etagOf } from './hand-made-s3.ts'
import { first, hello, open, tight } from './open-hand-made.ts'

test('a PUT says length and MD5, and expects no interim answer', async (t) => {
  const { s3, store } = await open(t)
  await store.put('a', digestOf(hello), streamOf(hello))
  const { headers } = s3.requests[0] ?? assert.fail('nothing was sent')
  assert.equal(headers['content-length'], '5')
  assert.equal(headers['content-md5'], 'XUFAKrxLKna5cZ2REBfFkg==')
  assert.equal(headers.expect, undefined)
  assert.equal(headers['transfer-encoding'], undefined)
  assert.equal(headers['if-none-match'], undefined)
})

for (const status of [500, 502, 503, 504, 429]) {
  test(`bytes are sent again after ${status}, a stream is not`, async (t) => {
    const { s3, store } = await open(t)
    first(s3, { status, body: errorXml('SlowDown') })
    assert.equal(await store.put('a', digestOf(hello), hello), 'stored')
    assert.deepEqual(
      s3.requests.map(({ body }) => String(body)),
      ['hello', 'hello'],
    )

    first(s3, { status, body: errorXml('SlowDown') })
    await rejectsWith(store.put('b', digestOf(hello), streamOf(hello)), 'unreachable')
    assert.equal(s3.requests.length, 3)
  })
}

test('attempts end at their limit, with the last answer in the message', async (t) => {
  const { s3, store } = await open(t)
  s3.react = () => ({ status: 503, body: errorXml('SlowDown') })
  const error = await rejectsWith(store.put('a', digestOf(hello), hello), 'unreachable')
  assert.match(error.message, /503 SlowDown hand-made/)
  assert.equal(s3.requests.length, 3)
})

test('a lost answer is asked for again', async (t) => {
  const { s3, store } = await open(t)
  s3.react = (request) => {
    s3.react = () => undefined
    s3.plain(request)
    return 'break'
  }
  assert.equal(await store.put('a', digestOf(hello), hello), 'stored')
  assert.deepEqual(
    s3.requests.map(({ method }) => method),
    ['PUT', 'GET', 'PUT'],
  )
})

test('after a lost answer, a put where nothing was may find its own object', async (t) => {
  const { s3, store } = await open(t)
  s3.react = (request) => {
    s3.react = () => undefined
    s3.plain(request)
    return 'break'
  }
  assert.equal(await store.put('a', digestOf(hello), hello, { ifAbsent: true }), 'exists')
  assert.deepEqual(s3.objects.get('a'), hello)
})

test('a 200 whose ETag is the MD5 of something else is a mismatch, and the object is removed', async (t) => {
  const { s3, store } = await open(t)
  for (const body of [hello, streamOf(hello)]) {
    s3.react = (request) => (request.method === 'PUT' ? s3.plain({ ...request, body: Buffer.from('hell') }) : undefined)
    await rejectsWith(store.put('a', digestOf(hello), body), 'mismatch')
    assert.equal(s3.objects.size, 0)
  }
})

test('an ETag that turns out to be no MD5 costs no object: the bytes are read back, once', async (t) => {
  const { s3, store } = await open(t)
  s3.react = (request) => {
    const answer = s3.plain(request)
    return { ...answer, headers: { ...answer.headers, etag: '"00000000000000000000000000000000"' } }
  }
  for (const key of ['a', 'b']) assert.equal(await store.put(key, digestOf(hello), streamOf(hello)), 'stored')
  assert.deepEqual([...s3.objects.values()], [hello, hello])
  assert.deepEqual(
    s3.requests.map(({ method, key }) => `${method} ${key}`),
    ['PUT a', 'GET a', 'PUT b'],
  )
})

test('a copy whose ETag is no MD5 is kept too', async (t) => {
  const { s3, store } = await open(t)
  await store.put('a', digestOf(hello), hello)
  s3.react = (request) => {
    if (request.method === 'PUT') {
      s3.objects.set(request.key, hello)
      return { status: 200, body: `<CopyObjectResult><ETag>${etagOf(hello)}</ETag></CopyObjectResult>` }
    }
    const answer = s3.plain(request)
    return { ...answer, headers: { ...answer.headers, etag: '"00000000000000000000000000000000"' } }
  }
  await store.copy('a', 'b', digestOf(hello))
  assert.deepEqual(s3.objects.get('b'), hello)
})

test('a copy that does not hold what was meant is a mismatch, and is removed', async (t) => {
  const { s3, store } = await open(t)
  await store.put('a', digestOf(hello), hello)
  s3.react = ({ method, key, headers }) => {
    if (method !== 'PUT' || headers['x-amz-copy-source'] !== '/bucket/a') return undefined
    s3.objects.set(key, Buffer.from('hell'))
    return { status: 200, body: `<CopyObjectResult><ETag>${etagOf(hello)}</ETag></CopyObjectResult>` }
  }
  await rejectsWith(store.copy('a', 'b', digestOf(hello)), 'mismatch')
  assert.deepEqual([...s3.objects.keys()], ['a'])
})

test('a refusal that comes while a large stream is still sent is told as it is', async (t) => {
  const { s3, store } = await open(t)
  const bytes = seededBytes(30_000_000, 41)
  s3.reactEarly = () => ({ status: 403, body: errorXml('AccessDenied'), headers: { connection: 'close' } })
  const source = streamOf(bytes)
  await rejectsWith(store.put('a', digestOf(bytes), source), 'denied')
  assert.equal(source.ended, true)
})

test('a server that stops taking bytes is unreachable; a source that pauses longer than the stall limit is not', async (t) => {
  const { s3, store } = await open(t)
  const bytes = seededBytes(30_000_000, 43)
  s3.reactEarly = () => 'hang'
  await rejectsWith(store.put('a', digestOf(bytes), streamOf(bytes)), 'unreachable')
  s3.reactEarly = () => undefined
  async function* slow() {
    yield bytes.subarray(0, 1000)
    await pause(3 * tight.stallMilliseconds)
    yield bytes.subarray(1000)
  }
  assert.equal(await store.put('a', digestOf(bytes), slow()), 'stored')
})

test('a source that fails is told as it is, and nothing is stored', async (t) => {
  const { s3, store } = await open(t)
  const bytes = seededBytes(300_000, 7)
  async function* failing() {
    yield bytes.subarray(0, 100_000)
    yield bytes.subarray(100_000, 200_000)
    throw new Error('the sandbox is gone')
  }
  await assert.rejects(store.put('a', digestOf(bytes), failing()), /^Error: the sandbox is gone$/)
  assert.deepEqual([...s3.objects.keys()], [])
})

test('a put that fails while its source gives nothing does not wait for it, then ends it', async (t) => {
  const { s3, store } = await open(t)
  s3.reactEarly = () => 'break'
  const bytes = seededBytes(300_000, 1)
  let goOn = () => {}
  const source = streamOf(
    bytes,
    () =>
      new Promise<void>((resolve) => {
        goOn = resolve
      }),
  )
  await rejectsWith(store.put('a', { ...digestOf(bytes), size: bytes.length + 1 }, source), 'unreachable')
  assert.equal(source.ended, false)
  goOn()
  await until(() => source.ended)
})

const refusals: readonly [number, string, StoreErrorCode, RegExp][] = [
  [403, 'AccessDenied', 'denied', /check the access key/],
  [404, 'XAdminUserNotFound', 'denied', /check the access key/],
  [403, 'RequestTimeTooSkewed', 'clock', /clocks/],
  [400, 'AuthorizationHeaderMalformed', 'denied', /region/],
  [507, 'XMinioStorageFull', 'full', /make room/],
  [403, 'QuotaExceeded', 'full', /quota/],
  [400, 'XMinioAdminBucketQuotaExceeded', 'full', /quota/],
  [400, 'BadDigest', 'mismatch', /BadDigest/],
  [400, 'IncompleteBody', 'mismatch', /IncompleteBody/],
  [405, 'MethodNotAllowed', 'refused', /405 MethodNotAllowed hand-made/],
]
for (const [status, code, expected, message] of refusals) {
  test(`${status} ${code} is '${expected}', for bodies and for lists`, async (t) => {
    const { s3, store } = await open(t)
    s3.react = () => ({ status, body: errorXml(code) })
    const error = await rejectsWith(store.put('a', digestOf(hello), hello), expected)
    assert.match(error.message, message)
    assert.ok(error.message.includes('s3://bucket/a'))
    assert.ok(error.message.includes(new URL(s3.endpoint).host))
    await rejectsWith(listed(store, ''), expected)
    assert.equal(s3.requests.length, 2)
  })
}

test('an answer that is cut ends the reading with unreachable, never as a short object', async (t) => {
  const { s3, store } = await open(t)
  s3.react = () => ({ status: 200, headers: { 'content-length': '10' }, body: hello, thenBreak: true })
  const body = await store.read('a')
  await rejectsWith(gather(body), 'unreachable')
})

test('leaving a reader early closes its connection', async (t) => {
  const { s3, store } = await open(t)
  const bytes = seededBytes(20_000_000, 47)
  s3.objects.set('a', bytes)
  for await (const _ of await store.read('a')) break
  await until(() => s3.openConnections() === 0)
})

test('what a killed check has left is not shown', async (t) => {
  const { s3, store } = await open(t)
  const key = '<Key>.class-runtime/probe-1</Key><Size>5</Size><ETag>&quot;x&quot;</ETag>'
  const folder =
    '<CommonPrefixes><Prefix>.class-runtime/</Prefix></CommonPrefixes><CommonPrefixes><Prefix>a/</Prefix></CommonPrefixes>'
  s3.react = ({ query }) => ({
    status: 200,
    body: `<ListBucketResult><IsTruncated>false</IsTruncated>${query.get('delimiter') === '/' ? folder : `<Contents>${key}</Contents>`}</ListBucketResult>`,
  })
  assert.equal((await listed(store, '')).size, 0)
  assert.deepEqual(await store.folders(''), ['a'])
})

const listPage = (keys: readonly string[], more: string) =>
  `<?xml version="1.0"?><ListBucketResult>${keys
    .map((key) => `<Contents><Key>${key}</Key><Size>5</Size><ETag>&quot;${digestOf(hello).md5}&quot;</ETag></Contents>`)
    .join('')}${more}</ListBucketResult>`

for (const encoding of ['url', 'entities'] as const) {
  test(`names listed as ${encoding} are those that were stored, whatever was asked for`, async (t) => {
    const { s3, store } = await open(t)
    s3.listEncoding = encoding
    const names = hostileNames.map((raw) => `p/${objectKey(raw)}`).concat('p/%2B+ +%20', 'p/&amp;&#34;', 'p/f o+o/%')
    for (const key of names) await store.put(key, digestOf(hello), hello)
    assert.deepEqual([...(await listed(store, 'p/')).keys()].sort(), names.sort())
    assert.ok((await store.folders('p/')).includes('f o+o'))
  })
}

test('a list goes on page by page, again after a busy answer', async (t) => {
  const { s3, store } = await open(t)
  first(
    s3,
    { status: 503, body: errorXml('SlowDown') },
    {
      status: 200,
      body: listPage(['p/a'], '<IsTruncated>true</IsTruncated><NextContinuationToken>next</NextContinuationToken>'),
    },
    'break',
    { status: 200, body: listPage(['p/b'], '<IsTruncated>false</IsTruncated>') },
  )
  assert.deepEqual([...(await listed(store, 'p/')).keys()], ['p/a', 'p/b'])
  assert.deepEqual(
    s3.requests.map(({ query }) => query.get('continuation-token')),
    [null, null, 'next', 'next'],
  )
})

test('a list that the server cuts short is an error, not a short list', async (t) => {
  const { s3, store } = await open(t)
  first(
    s3,
    { status: 200, body: listPage(['p/a'], '<IsTruncated>true</IsTruncated>') },
    { status: 200, body: listPage([], '<IsTruncated>false</IsTruncated>') },
  )
  await rejectsWith(listed(store, 'p/'), 'unfit')
})

const oneObject = '<Contents><Key>p/a</Key><Size>5</Size></Contents>'
for (const [what, body] of [
  ['a page of a proxy', '<html>a proxy speaks</html>'],
  ['a page cut off', `<ListBucketResult><IsTruncated>false</IsTruncated>${oneObject}`],
  ['text', 'OK'],
  ['nothing', ''],
  ['no word on whether it goes on', `<ListBucketResult>${oneObject}</ListBucketResult>`],
  [
    'an encoding that nobody knows',
    listPage(['p/a'], '<IsTruncated>false</IsTruncated><EncodingType>rot13</EncodingType>'),
  ],
  ['a % that is no code', listPage(['p/%zz'], '<IsTruncated>false</IsTruncated><EncodingType>url</EncodingType>')],
  ['a key outside the prefix', listPage(['q/a'], '<IsTruncated>false</IsTruncated>')],
  ['an object without a size', listPage([], '<IsTruncated>false</IsTruncated><Contents><Key>p/a</Key></Contents>')],
  ['an error with status 200', errorXml('InternalError')],
  ['more than one document', `${listPage([], '<IsTruncated>false</IsTruncated>')}<a/>`],
  ['a doctype', `<!DOCTYPE a>${listPage([], '<IsTruncated>false</IsTruncated>')}`],
  ['an entity of its own', listPage(['p/&nbsp;'], '<IsTruncated>false</IsTruncated>')],
] as const) {
  test(`${what} instead of a list is an error, never a short list`, async (t) => {
    const { s3, store } = await open(t)
    s3.react = () => ({ status: 200, body })
    await rejectsWith(listed(store, 'p/'), 'unfit')
  })
}

test('a list that goes round in a circle is an error', async (t) => {
  const { s3, store } = await open(t)
  s3.react = () => ({
    status: 200,
    body: listPage([], '<IsTruncated>true</IsTruncated><NextContinuationToken>next</NextContinuationToken>'),
  })
  await rejectsWith(listed(store, 'p/'), 'unfit')
})

test('an upload in parts whose completion fails with a 200 is aborted', async (t) => {
  const { s3, store } = await open(t, { ...tight, onePutBytes: 10, partBytes: 8 })
  const bytes = seededBytes(20, 53)
  s3.react = ({ method, query, body }) => {
    if (method === 'POST' && query.has('uploads')) {
      return {
        status: 200,
        body: '<InitiateMultipartUploadResult><UploadId>id</UploadId></InitiateMultipartUploadResult>',
      }
    }
    if (method === 'PUT') return { status: 200, headers: { etag: etagOf(body) } }
    if (method === 'POST') return { status: 200, body: errorXml('InternalError') }
    return undefined
  }
  await rejectsWith(store.put('a', digestOf(bytes), streamOf(bytes)), 'refused')
  const sent = s3.requests.map(
    ({ method, query }) => `${method} ${query.get('partNumber') ?? query.get('uploadId') ?? ''}`,
  )
  assert.deepEqual(sent, ['POST ', 'PUT 1', 'PUT 2', 'PUT 3', 'POST id', 'DELETE id'])
})

test('a part that arrives as other bytes is a mismatch, and the upload is aborted', async (t) => {
  const { s3, store } = await open(t, { ...tight, onePutBytes: 10, partBytes: 8 })
  const bytes = seededBytes(20, 59)
  s3.react = ({ method, query, body }) => {
    if (method === 'POST') {
      return {
        status: 200,
        body: '<InitiateMultipartUploadResult><UploadId>id</UploadId></InitiateMultipartUploadResult>',
      }
    }
    const part = query.get('partNumber')
    return part === null ? undefined : { status: 200, headers: { etag: etagOf(part === '2' ? hello : body) } }
  }
  await rejectsWith(store.put('a', digestOf(bytes), streamOf(bytes)), 'mismatch')
  assert.equal(s3.requests.at(-1)?.method, 'DELETE')
})

test('close ends all connections', async (t) => {
  const { s3, store } = await open(t, { ...tight, idleMilliseconds: 600_000 })
  await store.put('a', digestOf(hello), hello)
  await listed(store, '').catch(() => undefined)
  assert.ok(s3.openConnections() > 0)
  await store.close()
  await until(() => s3.openConnections() === 0)
})

test('an endpoint that is none is refused without being repeated', () => {
  for (const endpoint of [
    'minio:9000',
    'ftp://minio',
    'http://key:secret@minio:9000',
    'http://minio:9000/bucket',
    'http://minio?x',
    '',
  ]) {
    const options = { endpoint, accessKey: 'a', secretKey: 'b', bucket: 'bucket', region: 'us-east-1' }
    assert.throws(
      () => createS3Store(options),
      (error) => error instanceof RangeError && !error.message.includes('secret'),
    )
  }
})

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await pause(5)
}
