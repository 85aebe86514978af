// What the check of an S3 store notices before a class begins, on hand-made servers that each do one thing wrong, as real ones were seen to.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { digestOf, streamOf } from '../bodies.ts'
import { rejectsWith } from '../conformance.ts'
import { errorXml, type HandMadeRequest, type HandMadeS3 } from './hand-made-s3.ts'
import { first, hello, open } from './open-hand-made.ts'

type React = (s3: HandMadeS3, request: HandMadeRequest) => ReturnType<HandMadeS3['react']>

const denied = { status: 403, body: errorXml('AccessDenied') }
const html = { status: 200, headers: { 'content-type': 'text/html' }, body: '<!doctype html><html></html>' }
const isList = ({ query }: HandMadeRequest) => query.has('list-type')

test('a check passes on a good server, leaves nothing, and is small from then on', async (t) => {
  const { s3, store } = await open(t)
  await store.check()
  assert.equal(s3.objects.size, 0)
  const whole = s3.requests.length
  assert.ok(whole < 50, `${whole} requests`)
  await store.check()
  assert.deepEqual(
    s3.requests.slice(whole).map(({ method }) => method),
    ['PUT', 'GET', 'DELETE'],
  )
  assert.equal(s3.objects.size, 0)
})

test('a check that failed asks for the whole again; who calls meanwhile gets the same outcome', async (t) => {
  const { s3, store } = await open(t)
  await store.check()
  s3.react = () => denied
  await rejectsWith(store.check(), 'denied')
  s3.react = () => undefined
  s3.requests.length = 0
  await Promise.all([store.check(), store.check()])
  assert.equal(s3.requests.filter(({ query }) => query.has('versioning')).length, 1)
})

const withoutCondition: React = (s3, request) => {
  const { 'if-none-match': condition, ...headers } = request.headers
  return condition === undefined ? undefined : s3.plain({ ...request, headers })
}

const faults: readonly [string, RegExp, React][] = [
  ['ignores If-None-Match', /not exactly one succeeds/, withoutCondition],
  [
    'does not know If-None-Match',
    /not exactly one succeeds/,
    (_, { headers }) => (headers['if-none-match'] ? { status: 501, body: errorXml('NotImplemented') } : undefined),
  ],
  [
    'lets two win',
    /not exactly one succeeds/,
    (s3, request) => (String(request.body) === '5' ? withoutCondition(s3, request) : undefined),
  ],
  [
    'tells the wrong one that it won',
    /wrong one is kept/,
    (s3, request) => {
      const { method, headers, body } = request
      return method === 'PUT' && headers['if-none-match'] === '*'
        ? s3.plain({ ...request, headers: { 'if-none-match': '*' }, body: Buffer.concat([body, hello]) })
        : undefined
    },
  ],
  [
    'looks at no Content-MD5',
    /Content-MD5/,
    (s3, request) => s3.plain({ ...request, headers: { ...request.headers, 'content-md5': undefined } }),
  ],
  [
    'claims URL encoding and leaves + as it is',
    /does not name .*plus/,
    (s3, request) => {
      if (!isList(request)) return undefined
      const answer = s3.plain(request)
      return { ...answer, body: String(answer.body).replaceAll('%2B', '+') }
    },
  ],
  [
    'leaves an object out of its lists',
    /=3D=~/,
    (s3, request) => {
      if (!isList(request)) return undefined
      const answer = s3.plain(request)
      return { ...answer, body: String(answer.body).replace(/<Contents><Key>[^<]*%3D3D.*?<\/Contents>/, '') }
    },
  ],
  [
    'gives back other bytes',
    /what was written is not what is read/,
    ({ objects }, { method, key }) => (method === 'GET' && objects.has(key) ? html : undefined),
  ],
  [
    'lists what was removed',
    /that were removed/,
    (_, { method, key }) => (method === 'DELETE' && key.includes('/names/') ? { status: 204 } : undefined),
  ],
  ['answers a page to everything', /no S3 server/, () => html],
  ['knows nothing', /no S3 server/, () => ({ status: 404, body: '<html>not here</html>' })],
  [
    'answers a page to what only an S3 server knows',
    /no S3 server/,
    (_, { query }) => (query.has('versioning') ? html : undefined),
  ],
  ...['Enabled', 'Suspended'].map((status): [string, RegExp, React] => [
    `has versions ${status}`,
    /versions/,
    (_, { query }) =>
      query.has('versioning')
        ? { status: 200, body: `<VersioningConfiguration><Status>${status}</Status></VersioningConfiguration>` }
        : undefined,
  ]),
  [
    'gives each object a version and does not let its settings be asked for',
    /versions/,
    (s3, request) => {
      if (request.query.has('versioning')) return denied
      const answer = s3.plain(request)
      return { ...answer, headers: { ...answer.headers, 'x-amz-version-id': '1' } }
    },
  ],
  [
    'leaves a mark where an object was removed',
    /versions/,
    (s3, request) =>
      request.method === 'DELETE'
        ? { ...s3.plain(request), headers: { 'x-amz-delete-marker': 'true', 'x-amz-version-id': 'null' } }
        : undefined,
  ],
]
for (const [what, told, react] of faults) {
  test(`a server that ${what} is unfit, and told to be by every check`, async (t) => {
    const { s3, store } = await open(t)
    s3.react = (request) => react(s3, request)
    for (let round = 0; round < 2; round += 1) {
      const error = await rejectsWith(store.check(), 'unfit')
      assert.match(error.advice, told)
      assert.ok(error.message.includes(s3.endpoint))
      assert.ok(!error.advice.includes(s3.endpoint))
    }
    s3.react = () => undefined
    await store.check()
  })
}

test('a server that keeps what came of a broken upload is unfit', async (t) => {
  const { s3, store } = await open(t)
  s3.keepsCutUploads = true
  const error = await rejectsWith(store.check(), 'unfit')
  assert.match(error.advice, /broken off/)
})

test('a server that answers 500 to a wrong Content-MD5 is fit, and is asked once', async (t) => {
  const { s3, store } = await open(t)
  s3.react = (request) => {
    if (request.method !== 'PUT' || !request.key.endsWith('/damaged')) return undefined
    return s3.plain(request).status === 400 ? { status: 500, body: errorXml('InternalError') } : undefined
  }
  await store.check()
  assert.equal(s3.requests.filter(({ method, key }) => method === 'PUT' && key.endsWith('/damaged')).length, 1)
})

test('a server that lets nobody win is asked again, then unreachable', async (t) => {
  const { s3, store } = await open(t)
  s3.react = ({ headers }) =>
    headers['if-none-match'] === '*' ? { status: 409, body: errorXml('ConditionalRequestConflict') } : undefined
  await rejectsWith(store.check(), 'unreachable')
  assert.equal(s3.requests.filter(({ headers }) => headers['if-none-match'] === '*').length, 3 * 8)
})

const permissions: readonly [string, (s3: HandMadeS3, request: HandMadeRequest) => boolean][] = [
  ['s3:ListBucket', (_, request) => isList(request)],
  ['s3:PutObject', (_, { method }) => method === 'PUT'],
  ['s3:GetObject', ({ objects }, { method, key }) => method === 'GET' && objects.has(key)],
  ['s3:DeleteObject', (_, { method }) => method === 'DELETE'],
]
for (const [permission, lacks] of permissions) {
  test(`keys without ${permission} are denied, and it is named`, async (t) => {
    const { s3, store } = await open(t)
    s3.react = (request) => (lacks(s3, request) ? denied : undefined)
    const error = await rejectsWith(store.check(), 'denied')
    assert.ok(error.advice.includes(permission), error.advice)
  })
}

test('a check whose keys are refused halfway says so', async (t) => {
  const { s3, store } = await open(t)
  s3.react = ({ headers }) => (headers['if-none-match'] === '*' ? denied : undefined)
  await rejectsWith(store.check(), 'denied')
})

test('where check sees that ETags are no MD5, none is compared and none is given', async (t) => {
  const { s3, store } = await open(t)
  s3.react = (request) => {
    const answer = s3.plain(request)
    return { ...answer, headers: { ...answer.headers, etag: '"00000000000000000000000000000000"' } }
  }
  await store.check()
  assert.equal(await store.put('a', digestOf(hello), streamOf(hello)), 'stored')
  assert.deepEqual(await store.stat('a'), { key: 'a', size: 5, md5: undefined })
})

test('a bucket that may not be made is said to be missing', async (t) => {
  const { s3, store } = await open(t)
  s3.react = ({ method }) => (method === 'GET' ? { status: 404, body: errorXml('NoSuchBucket') } : denied)
  const error = await rejectsWith(store.check(), 'no-bucket')
  assert.match(error.message, /s3:\/\/bucket is absent/)
})

test('a bucket that another process has just made is as good', async (t) => {
  const { s3, store } = await open(t)
  first(s3, { status: 404, body: errorXml('NoSuchBucket') }, { status: 409, body: errorXml('BucketAlreadyOwnedByYou') })
  await store.check()
})

const minutes = 60_000
for (const [difference, told] of [
  [-16, /16 minutes behind/],
  [16, /16 minutes ahead of/],
  [-90, /90 minutes behind/],
] as const) {
  for (const [what, status, body] of [
    ['refused', 403, errorXml('RequestTimeTooSkewed')],
    ['called expired', 403, errorXml('AccessDenied')],
    ['answered', 200, undefined],
  ] as const) {
    test(`a request that is ${what} where the clocks differ by ${difference} minutes tells the clocks, not the keys`, async (t) => {
      const { s3, store } = await open(t)
      s3.now = () => new Date(Date.now() + difference * minutes)
      s3.react = () => (body === undefined ? undefined : { status, body })
      const error = await rejectsWith(store.check(), 'clock')
      assert.match(error.message, told)
      assert.match(error.advice, told)
      assert.doesNotMatch(error.message + error.advice, /key/)
    })
  }
}

for (const difference of [-6, 0, 6]) {
  test(`a download URL lives five minutes by the server's clock, which is ${difference} minutes ahead`, async (t) => {
    const { s3, store } = await open(t)
    s3.now = () => new Date(Date.now() + difference * minutes)
    await store.check()
    const query = new URL((await store.temporaryUrl('a', 'a')) ?? '').searchParams
    const [, ...parts] = /^(.{4})(.{2})(.{2}T.{2})(.{2})(.{2}Z)$/.exec(query.get('X-Amz-Date') ?? '') ?? []
    const born = Date.parse(`${parts[0]}-${parts[1]}-${parts[2]}:${parts[3]}:${parts[4]}`)
    assert.ok(Math.abs(born - s3.now().getTime()) < 30_000, `${born}`)
    assert.equal(query.get('X-Amz-Expires'), '300')
  })
}
