// The store's promises on a real S3 server, and what only such a one can show.

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import type { Store } from '../../src/store/port.ts'
import { createS3Store, type S3StoreOptions } from '../../src/store/s3/bucket.ts'
import { s3Limits } from '../../src/store/s3/limits.ts'
import { type S3Proxy, startS3Proxy } from '../faults/s3-proxy.ts'
import { digestOf, gather, seededBytes, streamOf, wrongContentOf } from '../src/store/bodies.ts'
import { conformance, listed, rejectsWith } from '../src/store/conformance.ts'

const { LIVE_S3, LIVE_S3_ACCESS_KEY, LIVE_S3_SECRET_KEY } = process.env
const skip = LIVE_S3 === undefined ? 'LIVE_S3 is not set: no S3 server to run against (scripts/s3 starts one)' : false

const real: S3StoreOptions = {
  endpoint: LIVE_S3 ?? 'http://127.0.0.1:9',
  accessKey: LIVE_S3_ACCESS_KEY ?? '',
  secretKey: LIVE_S3_SECRET_KEY ?? '',
  bucket: 'class-runtime-test',
  region: 'us-east-1',
}
const mebibyte = 1024 ** 2
/** So small that faults show at once and objects of some MiB go in parts (5 MiB is the least that S3 allows for a part). */
const tight = {
  ...s3Limits,
  onePutBytes: 6 * mebibyte,
  partBytes: 5 * mebibyte,
  serverCopyBytes: 6 * mebibyte,
  stallMilliseconds: 2_500,
  retry: { attempts: 2, firstPauseMilliseconds: 20, totalMilliseconds: 5_000 },
}

async function open(t: TestContext, options: Partial<S3StoreOptions> = {}, limits = s3Limits): Promise<Store> {
  const store = createS3Store({ ...real, ...options }, limits)
  t.after(() => store.close())
  return store
}

async function openChecked(t: TestContext): Promise<Store> {
  const store = await open(t)
  await store.check()
  return store
}

/** A store with tight limits behind a proxy, and a prefix that is emptied after the test. */
async function openBehindProxy(t: TestContext): Promise<{ store: Store; proxy: S3Proxy; prefix: string }> {
  const proxy = await startS3Proxy(real.endpoint)
  t.after(() => proxy.goDown())
  const store = await open(t, { endpoint: proxy.url }, tight)
  await store.check()
  proxy.seen.length = 0
  return { store, proxy, prefix: `${randomUUID()}/` }
}

conformance('S3', openChecked, skip)

/** The uploads in parts that were begun, and those that were completed or aborted with success. */
function partUploads(proxy: S3Proxy): { begun: number; completed: number; aborted: number } {
  const count = (method: string, query: RegExp, status: number) =>
    proxy.seen.filter((seen) => seen.method === method && query.test(seen.path) && seen.status === status).length
  return {
    begun: count('POST', /\?uploads/, 200),
    completed: count('POST', /[?&]uploadId=/, 200),
    aborted: count('DELETE', /[?&]uploadId=/, 204),
  }
}

test('S3: a large stream goes in parts and is the same when read', { skip }, async (t) => {
  const { store, proxy, prefix } = await openBehindProxy(t)
  const bytes = seededBytes(12 * mebibyte, 11)
  await store.put(`${prefix}a`, digestOf(bytes), streamOf(bytes))
  assert.deepEqual(partUploads(proxy), { begun: 1, completed: 1, aborted: 0 })
  assert.equal(proxy.seen.filter(({ path }) => path.includes('partNumber=')).length, 3)
  assert.ok(bytes.equals(await gather(await store.read(`${prefix}a`))))
  assert.deepEqual(await store.stat(`${prefix}a`), { key: `${prefix}a`, size: bytes.length, md5: undefined })
  await store.copy(`${prefix}a`, `${prefix}b`, digestOf(bytes))
  assert.equal(partUploads(proxy).completed, 2)
  assert.ok(bytes.equals(await gather(await store.read(`${prefix}b`))))
  await store.remove(`${prefix}a`)
  await store.remove(`${prefix}b`)
})

const partFaults: readonly [
  string,
  'unreachable' | 'mismatch',
  (proxy: S3Proxy, bytes: Buffer) => ReturnType<typeof streamOf>,
][] = [
  [
    'a connection that breaks in the second part',
    'unreachable',
    (proxy, bytes) => {
      proxy.plan.set({ fault: 'broken-off', url: /partNumber=2/, nth: 1, standing: true })
      return streamOf(bytes)
    },
  ],
  [
    'a server that hangs in the second part',
    'unreachable',
    (proxy, bytes) => {
      proxy.plan.set({ fault: 'hang', url: /partNumber=2/, nth: 1, standing: true })
      return streamOf(bytes)
    },
  ],
  ['a stream that ends in the second part', 'mismatch', (_, bytes) => streamOf(bytes.subarray(0, 8 * mebibyte))],
  [
    'a stream that goes on after the last part',
    'mismatch',
    (_, bytes) => streamOf(Buffer.concat([bytes, Buffer.from('x')])),
  ],
]
for (const [what, code, source] of partFaults) {
  test(`S3: ${what} leaves neither object nor upload behind`, { skip }, async (t) => {
    const { store, proxy, prefix } = await openBehindProxy(t)
    const bytes = seededBytes(12 * mebibyte, 13)
    const body = source(proxy, bytes)
    await rejectsWith(store.put(`${prefix}a`, digestOf(bytes), body), code)
    assert.deepEqual(partUploads(proxy), { begun: 1, completed: 0, aborted: 1 })
    assert.equal(body.ended, true)
    assert.equal(await store.stat(`${prefix}a`), undefined)
  })
}

test('S3: an abort while a large stream hangs leaves neither object nor upload behind', { skip }, async (t) => {
  const { store, proxy, prefix } = await openBehindProxy(t)
  const bytes = seededBytes(12 * mebibyte, 13)
  const abort = new AbortController()
  const body = streamOf(bytes.subarray(0, 8 * mebibyte), () => {
    abort.abort(new Error('enough'))
    return new Promise(() => undefined)
  })
  await assert.rejects(store.put(`${prefix}a`, digestOf(bytes), body, { signal: abort.signal }), /enough/)
  assert.deepEqual(partUploads(proxy), { begun: 1, completed: 0, aborted: 1 })
  assert.equal(await store.stat(`${prefix}a`), undefined)
})

test('S3: a large stream with another MD5 is never completed', { skip }, async (t) => {
  const { store, proxy, prefix } = await openBehindProxy(t)
  const bytes = seededBytes(12 * mebibyte, 17)
  await rejectsWith(store.put(`${prefix}a`, wrongContentOf(bytes), streamOf(bytes)), 'mismatch')
  assert.deepEqual(partUploads(proxy), { begun: 1, completed: 0, aborted: 1 })
})

test('S3: large bytes are sent again after a broken part, and nothing is left of the first attempt', {
  skip,
}, async (t) => {
  const { store, proxy, prefix } = await openBehindProxy(t)
  const bytes = seededBytes(12 * mebibyte, 19)
  proxy.plan.set({ fault: 'broken-off', url: /partNumber=2/, nth: 1 })
  assert.equal(await store.put(`${prefix}a`, digestOf(bytes), bytes), 'stored')
  assert.deepEqual(partUploads(proxy), { begun: 2, completed: 1, aborted: 1 })
  assert.ok(bytes.equals(await gather(await store.read(`${prefix}a`))))
  await store.remove(`${prefix}a`)
})

test('S3: check makes a missing bucket, also when two services start at once', { skip }, async (t) => {
  const bucket = `class-runtime-${randomUUID()}`
  const stores = [await open(t, { bucket }), await open(t, { bucket })]
  await Promise.all(stores.map((store) => store.check()))
  await Promise.all(stores.map((store) => store.check()))
  for (const store of stores) assert.deepEqual([...(await listed(store, '')).keys()], [])
})

test('S3: wrong keys are said to be denied by every call, and no message holds a secret or a signature', {
  skip,
}, async (t) => {
  const secretKey = 'not-the-secret-of-this-server'
  const bytes = seededBytes(5_000_000, 23)
  for (const wrong of [{ secretKey }, { accessKey: 'nobody', secretKey }]) {
    const store = await open(t, wrong)
    for (const call of [
      () => store.check(),
      () => store.put('a', digestOf(bytes), bytes),
      () => store.put('a', digestOf(bytes), streamOf(bytes)),
      () => store.read('a'),
      () => store.stat('a'),
      () => store.remove('a'),
      () => store.folders(''),
      () => store.copy('a', 'b', digestOf(bytes)),
    ]) {
      const error = await rejectsWith(call(), 'denied')
      const told = `${error.message} ${error.stack} ${JSON.stringify(error)} ${error.cause}`
      assert.doesNotMatch(told, /X-Amz|Signature=|not-the-secret/)
      assert.match(error.message, /check the access key/)
    }
  }
})

test('S3: a server that is down is unreachable, named, and used again when it is back', { skip }, async (t) => {
  const { store, proxy, prefix } = await openBehindProxy(t)
  const bytes = seededBytes(1_000_000, 29)
  await proxy.goDown()
  for (const call of [
    () => store.check(),
    () => store.put(`${prefix}a`, digestOf(bytes), bytes),
    () => store.put(`${prefix}a`, digestOf(bytes), streamOf(bytes)),
    () => store.read(`${prefix}a`),
    () => store.stat(`${prefix}a`),
    () => store.remove(`${prefix}a`),
    () => store.copy(`${prefix}a`, `${prefix}b`, digestOf(bytes)),
    () => store.folders(''),
    () => listed(store, ''),
  ]) {
    const error = await rejectsWith(call(), 'unreachable')
    assert.ok(error.message.includes(new URL(proxy.url).host), error.message)
  }
  await proxy.comeBack()
  await store.check()
  assert.equal(await store.put(`${prefix}a`, digestOf(bytes), streamOf(bytes)), 'stored')
  await store.remove(`${prefix}a`)
})

test('S3: a server that hangs is unreachable to every call, within the stall limit', { skip }, async (t) => {
  const { store, proxy, prefix } = await openBehindProxy(t)
  const bytes = seededBytes(5_000_000, 31)
  proxy.plan.set({ fault: 'hang', url: /^/, nth: 1, standing: true })
  await Promise.all(
    [
      store.check(),
      store.put(`${prefix}a`, digestOf(bytes), bytes),
      store.put(`${prefix}a`, digestOf(bytes), streamOf(bytes)),
      store.read(`${prefix}a`),
      store.stat(`${prefix}a`),
      store.remove(`${prefix}a`),
      store.copy(`${prefix}a`, `${prefix}b`, digestOf(bytes)),
      store.folders(''),
      listed(store, ''),
    ].map((call) => rejectsWith(call, 'unreachable')),
  )
  proxy.plan.set(undefined)
  assert.equal(await store.stat(`${prefix}a`), undefined)
})

test('S3: bytes survive a connection that breaks once; a stream does not and leaves nothing', { skip }, async (t) => {
  const { store, proxy, prefix } = await openBehindProxy(t)
  const bytes = seededBytes(1_000_000, 37)
  const breakOnce = () => proxy.plan.set({ fault: 'broken-off', url: /^/, nth: 1 })
  breakOnce()
  assert.equal(await store.put(`${prefix}bytes`, digestOf(bytes), bytes), 'stored')
  breakOnce()
  await rejectsWith(store.put(`${prefix}stream`, digestOf(bytes), streamOf(bytes)), 'unreachable')
  assert.deepEqual([...(await listed(store, prefix)).keys()], [`${prefix}bytes`])
  await store.remove(`${prefix}bytes`)
})

test('S3: a temporary URL serves the bytes to be saved under the given name, without credentials', {
  skip,
}, async (t) => {
  const store = await openChecked(t)
  const key = `${randomUUID()}/Bài tập +%=1.html`
  const bytes = Buffer.from('<script>alert(1)</script>')
  await store.put(key, digestOf(bytes), bytes)
  const url = await store.temporaryUrl(key, 'Bài "tập"\r\n.html')
  assert.ok(url !== undefined)
  const answer = await fetch(url)
  assert.equal(answer.status, 200)
  assert.equal(
    answer.headers.get('content-disposition'),
    `attachment; filename="B_i _t_p___.html"; filename*=UTF-8''B%C3%A0i%20%22t%E1%BA%ADp%22%0D%0A.html`,
  )
  assert.equal(answer.headers.get('content-type'), 'application/octet-stream')
  assert.equal(answer.headers.get('cache-control'), 'private, no-store')
  assert.deepEqual(Buffer.from(await answer.arrayBuffer()), bytes)
  const part = await fetch(url, { headers: { range: 'bytes=1-6' } })
  assert.equal(part.status, 206)
  assert.equal(await part.text(), 'script')
  assert.equal((await fetch(url.replace(/%2B|B%C3/, 'x'))).status, 403)
  await store.remove(key)
})
