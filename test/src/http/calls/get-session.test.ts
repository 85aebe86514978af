// Past sessions and their bags, and that no path leads out of a bag.
// Slightly over 250 lines, since all of it needs the same past session.

import assert from 'node:assert/strict'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { StoreError } from '../../../../src/store/port.ts'
import { file } from '../../../support/memory-archive.ts'
import { openService, problemOf } from '../../../support/memory-service.ts'

/** A class that went down; SV001 had written some files. */
async function pastSession(t: TestContext) {
  const service = await openService(t)
  const { ofClass } = service
  const { sessionId } = await ofClass.up({ students: ['SV001', 'SV002'] })
  const page = '<script>alert(1)</script>'
  ofClass.runtime.write(
    'SV001',
    file('a b/page.html', page),
    file('100%', 'x'),
    file(`${'deep/'.repeat(40)}file`, 'deep'),
  )
  await ofClass.down()
  const session = `/room/classes/os101-a/sessions/${sessionId}`
  return { ...service, sessionId, session, page, bag: `${session}/students/SV001/final` }
}

test('sessions are listed newest first, and each has its record', async (t) => {
  const { get, ofClass, sessionId, session } = await pastSession(t)
  const { sessionId: next, expiresAt } = await ofClass.up()
  const list = (await get('/room/classes/os101-a/sessions')).json()
  const [newest, oldest, ...more] = list.sessions
  assert.deepEqual(more, [])
  const { createdAt, ...facts } = newest
  assert.deepEqual(facts, { sessionId: next, state: 'open', lab: 'linux-shell', expiresAt, endedAt: null, students: 3 })
  assert.ok(Date.parse(createdAt) > 0)
  assert.deepEqual([oldest.sessionId, oldest.state, oldest.students], [sessionId, 'down', 2])
  assert.ok(oldest.endedAt > oldest.createdAt)
  const record = (await get(session)).json()
  assert.equal(record.sessionId, sessionId)
  assert.equal(record.ended.answer.state, 'down')
  assert.equal((await get(`/room/classes/os101-a/sessions/${next}`)).json().ended, undefined)
})

test('a session leads to each of its committed bags, snapshots too, and to no other', async (t) => {
  const { get, post, ofClass } = await openService(t)
  const { sessionId } = await ofClass.up({ students: ['SV001', 'SV002'] })
  const session = `/room/classes/os101-a/sessions/${sessionId}`
  assert.deepEqual((await get(session)).json().bags, [])
  assert.equal((await post('/room/collect-class', { classId: 'os101-a', students: ['SV001'] })).statusCode, 200)
  await ofClass.down()
  const unfinished = join(ofClass.folder, 'os101-a', sessionId, 'SV002', 'snapshot-20260102t030405678z')
  await mkdir(unfinished)
  await writeFile(join(unfinished, 'manifest-sha256.txt'), '')
  const { bags } = (await get(session)).json()
  const names = bags.map(({ studentId, collectionId }: Record<string, string>) => `${studentId} ${collectionId}`)
  assert.deepEqual(
    names.map((name: string) => name.replace(/\d{8}t\d{9}z/, 'time')),
    ['SV001 final', 'SV001 snapshot-time', 'SV002 final'],
  )
  for (const { studentId, collectionId } of bags) {
    assert.equal((await get(`${session}/students/${studentId}/${collectionId}`)).statusCode, 200)
  }
})

test('a bag is told by its submission record', async (t) => {
  const { get, bag } = await pastSession(t)
  const response = await get(bag)
  assert.match(response.headers['content-type']?.toString() ?? '', /^application\/json/)
  const { studentId, files } = response.json()
  assert.equal(studentId, 'SV001')
  assert.equal(files.length, 3)
})

test('a file is given as data that no browser shows or guesses about', async (t) => {
  const { get, bag, page } = await pastSession(t)
  const { files } = (await get(bag)).json()
  const keys: Record<string, string> = Object.fromEntries(
    files.map(({ path, key }: { path: string; key: string }) => [path, key]),
  )
  const response = await get(`${bag}/files/${encodeURI(keys['a b/page.html'] ?? '')}`)
  assert.equal(response.statusCode, 200)
  assert.equal(response.body, page)
  assert.equal(response.headers['content-type'], 'application/octet-stream')
  assert.equal(response.headers['content-disposition'], 'attachment')
  assert.equal(response.headers['x-content-type-options'], 'nosniff')
  for (const [path, body] of [
    ['100%', 'x'],
    [`${'deep/'.repeat(40)}file`, 'deep'],
  ] as const) {
    assert.equal((await get(`${bag}/files/${encodeURI(keys[path] ?? '')}`)).body, body)
  }
  assert.match((await get(`${bag}/files/manifest-sha256.txt`)).body, / {2}data\/workspace\//)
})

test('no path leads out of the bag', async (t) => {
  const { get, bag, ofClass, sessionId } = await pastSession(t)
  await writeFile(join(ofClass.folder, 'secret.txt'), 'secret')
  await mkdir(join(ofClass.folder, 'os101-a', sessionId, 'SV001', 'final', 'directory'))
  const tricks = [
    '../final/bagit.txt',
    '..%2Ffinal%2Fbagit.txt',
    '%2e%2e/%2e%2e/%2e%2e/%2e%2e/secret.txt',
    '..%2F..%2F..%2F..%2Fsecret.txt',
    'data%2F..%2Fbagit.txt',
    'data//workspace/a',
    '%2Fetc%2Fpasswd',
    '.%2Fbagit.txt',
    'data',
    'directory',
    'bagit.txt/',
    'bagit.txt/x',
    'bagit.txt%00',
    '%ff',
    '..%5Cbagit.txt',
    'gone.txt',
    `data/${'x'.repeat(2000)}`,
  ]
  for (const trick of tricks) {
    const response = await get(`${bag}/files/${trick}`)
    assert.ok(
      response.statusCode === 404 || response.statusCode === 400,
      `${trick}: ${response.statusCode} ${response.body}`,
    )
    problemOf(response)
    assert.ok(!response.body.includes(ofClass.folder), trick)
  }
})

test('what is not committed is not shown', async (t) => {
  const { get, bag, ofClass, sessionId } = await pastSession(t)
  await rm(join(ofClass.studentFolder(sessionId, 'SV001'), 'final/bagit.txt'))
  for (const path of [bag, `${bag}/files/manifest-sha256.txt`]) {
    const response = await get(path)
    assert.equal(response.statusCode, 404)
    assert.equal(problemOf(response).code, 'unknown-collection')
  }
})

test('what is not there, and what cannot be, are problems', async (t) => {
  const { get, session, bag } = await pastSession(t)
  const missing: [string, string][] = [
    ['/room/classes/os101-a/sessions/20260102t030405678z-00ff', 'unknown-session'],
    [`${session}/students/SV003/final`, 'unknown-collection'],
    [`${session}/students/SV001/final-2`, 'unknown-collection'],
    [`${bag}/files/data/workspace/gone`, 'unknown-file'],
  ]
  for (const [path, code] of missing) {
    const response = await get(path)
    assert.equal(response.statusCode, 404)
    assert.equal(problemOf(response).code, code)
  }
  const impossible = [
    '/room/classes/a--b/sessions',
    '/room/classes/os101-a/sessions/..',
    `${session}/students/SV001/other`,
  ]
  for (const path of impossible) {
    const response = await get(path)
    assert.ok([400, 404].includes(response.statusCode), path)
    problemOf(response)
  }
  assert.equal(problemOf(await get('/room/classes/never-heard-of/sessions')).code, 'unknown-class')
})

test('a class of the catalogue that was never up has no sessions', async (t) => {
  const { get } = await openService(t)
  assert.deepEqual((await get('/room/classes/os101-a/sessions')).json(), { classId: 'os101-a', sessions: [] })
})

test('class and student are found in any spelling, and answered in their own', async (t) => {
  const { get, session, bag } = await pastSession(t)
  const otherwise = (path: string) => path.replace('os101-a', 'OS101-A').replace('SV001', 'sv001')
  const list = (await get('/room/classes/OS101-A/sessions')).json()
  assert.equal(list.classId, 'os101-a')
  assert.equal(list.sessions.length, 1)
  for (const path of [session, bag, `${bag}/files/manifest-sha256.txt`]) {
    const [asked, spelled] = [await get(otherwise(path)), await get(path)]
    assert.equal(asked.statusCode, 200, path)
    assert.equal(asked.body, spelled.body)
  }
})

test('past sessions of a class that left the catalogue stay, in any spelling and without the engine', async (t) => {
  const { get, sessionId, editCatalogue, ofClass } = await pastSession(t)
  await editCatalogue('{"labs":{},"subjects":{},"classes":{}}')
  ofClass.runtime.before = () => assert.fail('the engine is asked')
  for (const classId of ['os101-a', 'OS101-A']) {
    const { sessions, ...rest } = (await get(`/room/classes/${classId}/sessions`)).json()
    assert.deepEqual(rest, { classId: 'os101-a' })
    assert.equal(sessions[0].sessionId, sessionId)
    assert.equal((await get(`/room/classes/${classId}/sessions/${sessionId}/students/SV001/final`)).statusCode, 200)
  }
})

test('a bag of a class that nobody knows is refused for its class', async (t) => {
  const { get, bag } = await pastSession(t)
  const refused = await get(bag.replace('os101-a', 'os999-z'))
  assert.deepEqual([refused.statusCode, refused.json().code], [404, 'unknown-class'])
})

test('a class that neither catalogue nor store knows is spelled as the engine holds it', async (t) => {
  const { get, post, editCatalogue, ofClass } = await openService(t)
  const { sessionId } = await ofClass.up()
  await rm(join(ofClass.folder, 'os101-a'), { recursive: true })
  await editCatalogue('{"labs":{},"subjects":{},"classes":{}}')
  assert.deepEqual((await get('/room/classes/OS101-A/sessions')).json(), { classId: 'os101-a', sessions: [] })
  const { classId, ...down } = (await post('/room/down-class', { classId: 'OS101-A' })).json()
  assert.deepEqual([classId, down.sessionId, down.state], ['os101-a', sessionId, 'down'])
})

test('a file is a redirect where the store serves it itself', async (t) => {
  const { get, bag, ofClass } = await pastSession(t)
  const asked: string[] = []
  Object.assign(ofClass.store, {
    temporaryUrl: async (key: string, name: string) => {
      asked.push(`${key} as ${name}`)
      return 'http://store.example/key?X-Amz-Signature=0123'
    },
  })
  const response = await get(`${bag}/files/manifest-sha256.txt`)
  assert.equal(response.statusCode, 302)
  assert.equal(response.headers.location, 'http://store.example/key?X-Amz-Signature=0123')
  assert.match(asked[0] ?? '', /SV001\/final\/manifest-sha256\.txt as manifest-sha256\.txt$/)
  assert.equal((await get(`${bag}/files/gone`)).statusCode, 404, 'no redirect to what is not there')
})

test('sessions stay readable while the engine is away; a store that is away is 503 and tells no address', async (t) => {
  const { get, session, bag, ofClass } = await pastSession(t)
  ofClass.runtime.before = () => assert.fail('the engine is asked')
  for (const path of [session, bag]) assert.equal((await get(path)).statusCode, 200)
  ofClass.storeHooks = {
    before() {
      throw new StoreError('unreachable', 'connect ECONNREFUSED 10.0.0.9:9000')
    },
  }
  for (const path of ['/room/classes/os101-a/sessions', session, bag, `${bag}/files/bagit.txt`]) {
    const response = await get(path)
    assert.equal(response.statusCode, 503)
    assert.equal(problemOf(response).code, 'store-unavailable')
    assert.doesNotMatch(response.body, /10\.0\.0\.9/)
  }
})

test('HEAD of a submission record says what GET would, and the object is let go at its first piece', async (t) => {
  const { app, ofClass, bag } = await pastSession(t)
  let pieces = 0
  let letGo = () => {}
  const gone = new Promise<void>((resolve) => {
    letGo = resolve
  })
  t.mock.method(ofClass.store, 'read', async () =>
    (async function* () {
      try {
        for (; pieces < 100; pieces++) yield Buffer.from('piece')
      } finally {
        letGo()
      }
    })(),
  )
  const { statusCode, headers, body } = await app.inject({ method: 'HEAD', url: bag })
  assert.equal(statusCode, 200)
  assert.equal(headers['cache-control'], 'private, no-store')
  assert.equal(body, '')
  await gone
  assert.equal(pieces, 0)
})

test('HEAD of a file tells its length and that it has ranges, and reads nothing, where the store has URLs too', async (t) => {
  const { app, ofClass, bag } = await pastSession(t)
  t.mock.method(ofClass.store, 'read', () => assert.fail('the object is read'))
  for (const url of [undefined, 'http://store.example/key']) {
    Object.assign(ofClass.store, { temporaryUrl: async () => url })
    const response = await app.inject({
      method: 'HEAD',
      url: `${bag}/files/bagit.txt`,
      headers: { range: 'bytes=1-2' },
    })
    assert.equal(response.statusCode, 200)
    assert.equal(response.headers['content-length'], '54')
    assert.equal(response.headers['accept-ranges'], 'bytes')
    assert.equal(response.body, '')
  }
})

test('what is of a student is kept by nobody, shown by no browser, and tells no other site where it came from', async (t) => {
  const { get, bag, ofClass } = await pastSession(t)
  const file = `${bag}/files/manifest-sha256.txt`
  const [submission, whole, part] = [await get(bag), await get(file), await get(file, { range: 'bytes=0-9' })]
  Object.assign(ofClass.store, { temporaryUrl: async () => 'http://store.example/key' })
  for (const { headers } of [submission, whole, part, await get(file), await get(`${bag}/files/gone`)]) {
    assert.equal(headers['cache-control'], 'private, no-store')
  }
  for (const { headers } of [submission, whole, part, await get(file)]) {
    assert.equal(headers['x-content-type-options'], 'nosniff')
    assert.equal(headers['referrer-policy'], 'no-referrer')
  }
})

test('a part of a file is given by its range; several ranges, and those that cannot be read, give the whole', async (t) => {
  const { get, bag } = await pastSession(t)
  const url = `${bag}/files/bagit.txt`
  const whole = await get(url)
  const text = whole.body
  assert.equal(whole.headers['content-length'], String(text.length))
  assert.equal(whole.headers['accept-ranges'], 'bytes')
  const last = text.length - 1
  const parts = [
    ['bytes=0-0', 0, 0],
    ['bytes=5-9', 5, 9],
    ['BYTES=5-', 5, last],
    ['bytes=-7', last - 6, last],
    ['bytes=-999', 0, last],
    ['bytes=3-999999', 3, last],
    [`bytes=${last}-`, last, last],
  ] as const
  for (const [range, from, to] of parts) {
    const response = await get(url, { range })
    assert.equal(response.statusCode, 206, range)
    assert.equal(response.body, text.slice(from, to + 1), range)
    assert.equal(response.headers['content-range'], `bytes ${from}-${to}/${text.length}`)
    assert.equal(response.headers['content-length'], String(to - from + 1))
    assert.equal(response.headers['content-disposition'], 'attachment')
  }
  for (const range of [`bytes=${text.length}-`, 'bytes=-0', 'bytes=999999-1000000']) {
    const response = await get(url, { range })
    assert.equal(response.headers['content-range'], `bytes */${text.length}`, range)
    assert.equal(problemOf(response).code, 'range-not-satisfiable')
    assert.equal(response.headers['content-disposition'], undefined, 'a problem is no file')
  }
  for (const range of ['bytes=0-1,3-4', 'bytes=9-5', 'bytes=-', 'lines=1-2', 'bytes=a-b', 'bytes=0x1-', '']) {
    const response = await get(url, { range })
    assert.equal(response.statusCode, 200, range)
    assert.equal(response.body, text)
  }
  assert.equal((await get(url, { range: 'bytes=0-1', 'if-range': '"of another time"' })).statusCode, 200)
})
