// The referee itself: what is safe passes, and each way to lose work is refused and recorded under its own rule.

import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { appendFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { type IncomingMessage, request } from 'node:http'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type FakeEngine, startFakeEngine } from './fake-engine.ts'
import { wholeBody } from './forward.ts'
import { type Referee, startReferee } from './referee.ts'
import { tellTruth } from './truth.ts'

const id = 'a'.repeat(64)
const otherId = 'b'.repeat(64)
const volume = 'class-c--s01--20261123t000000000z-abcd'
const student = 'C/20261123t000000000z-abcd/S01'
const session = {
  'class-runtime.installation': 'test',
  'class-runtime.class': 'C',
  'class-runtime.session': '20261123t000000000z-abcd',
}
const Labels = { ...session, 'class-runtime.student': 'S01' }
const stopped = { Running: false, Paused: false, Restarting: false, StartedAt: '2026-11-23T00:00:00Z' }
const neverStarted = { ...stopped, StartedAt: '0001-01-01T00:00:00Z' }

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')
const base64 = (path: string): string => Buffer.from(path).toString('base64')

const work = { 'a.txt': 'first', 'folder/b.txt': 'second' }
const truthOf = (files: Readonly<Record<string, string>>) =>
  new Map(Object.entries(files).map(([path, text]) => [base64(path), sha256(text)]))

/** A bag by hand, of these files. */
function bagOf(files: Readonly<Record<string, string>>): Map<string, string> {
  const entries = Object.entries(files).map(([path, text]) => ({ path, text, key: `data/workspace/${path}` }))
  const listed = entries.map(({ path, key }, index) =>
    index === 0 ? { path: '?', pathBase64: base64(path), key } : { path, key },
  )
  return new Map([
    ...entries.map(({ key, text }): [string, string] => [key, text]),
    ['manifest-sha256.txt', entries.map(({ key, text }) => `${sha256(text)}  ${key}\n`).join('')],
    ['meta/submission.json', JSON.stringify({ files: listed })],
    ['bagit.txt', 'BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n'],
  ])
}

interface Field {
  readonly engine: FakeEngine
  readonly referee: Referee
  readonly listenSocket: string
  readonly truthFile: string
  /** Lays a bag into the store; null leaves a file of it out. */
  lay(
    collection: string,
    files?: Readonly<Record<string, string>>,
    changes?: Readonly<Record<string, string | null>>,
  ): Promise<void>
  /** The status of the answer. */
  send(method: string, url: string, body?: Buffer): Promise<number | undefined>
}

/** A stopped sandbox that ran, its volume and its network on the engine, the truth told, and no bag. */
async function openField(t: TestContext): Promise<Field> {
  const folder = await mkdtemp(join(tmpdir(), 'referee-'))
  const engine = await startFakeEngine(t, folder)
  engine.containers.set(id, { Labels, State: stopped, volumes: [volume] })
  engine.volumes.set(volume, { Labels })
  engine.networks.set(otherId, { Labels: session })
  const store = join(folder, 'store')
  const [listenSocket, truthFile] = [join(folder, 'referee.sock'), join(folder, 'truth')]
  await tellTruth(truthFile, student, truthOf(work))
  const files = { listenSocket, truthFile, violationsFile: join(folder, 'violations') }
  const referee = await startReferee({ engineSocket: engine.socket, store, ...files })
  t.after(async () => {
    await referee.close()
    await rm(folder, { recursive: true })
  })
  return {
    engine,
    referee,
    listenSocket,
    truthFile,
    async lay(collection, bag = work, changes = {}) {
      for (const [key, text] of new Map([...bagOf(bag), ...Object.entries(changes)])) {
        if (text === null) continue
        const path = join(store, student, collection, key)
        await mkdir(dirname(path), { recursive: true })
        await writeFile(path, text)
      }
    },
    send: (method, url, body) => statusOf(listenSocket, method, url, body),
  }
}

async function statusOf(socketPath: string, method: string, path: string, body?: Buffer): Promise<number | undefined> {
  const answer = await new Promise<IncomingMessage>((done, fail) => {
    request({ socketPath, method, path, agent: false }, done).once('error', fail).end(body)
  })
  for await (const _ of answer) {
    // Read to its end.
  }
  return answer.statusCode
}

test('what is safe may go: container, volume, network, in this order', async (t) => {
  const { engine, referee, lay, send } = await openField(t)
  await lay('final')
  const removals = [`/v1.41/containers/${id}`, `/volumes/${volume}`, `/v1.41/networks/${otherId}`]
  for (const url of removals) assert.equal(await send('DELETE', url), 204, url)
  assert.deepEqual([referee.violations, referee.removals], [[], 3])
  assert.equal(engine.passed.length, 3)
})

const losses: readonly [what: string, rule: string, url: string, arrange: (field: Field) => void | Promise<void>][] = [
  ['a sandbox without a bag', 'no-bag', `/containers/${id}`, () => {}],
  [
    'a bag that is not committed',
    'no-bag',
    `/containers/${id}`,
    ({ lay }) => lay('final', work, { 'bagit.txt': null }),
  ],
  ['a commit mark cut short', 'no-bag', `/containers/${id}`, ({ lay }) => lay('final', work, { 'bagit.txt': 'BagIt' })],
  ['a file that no bag has', 'file-missing', `/containers/${id}`, ({ lay }) => lay('final', { 'a.txt': 'first' })],
  [
    'an object that only the manifest has',
    'file-missing',
    `/containers/${id}`,
    ({ lay }) => lay('final', work, { 'data/workspace/a.txt': null }),
  ],
  [
    'a bag without manifest',
    'file-missing',
    `/containers/${id}`,
    ({ lay }) => lay('final', work, { 'manifest-sha256.txt': null }),
  ],
  [
    'a file that the manifest does not list',
    'not-in-manifest',
    `/containers/${id}`,
    ({ lay }) => lay('final', work, { 'manifest-sha256.txt': `${sha256('first')}  data/workspace/a.txt\n` }),
  ],
  [
    'an object with other bytes',
    'file-differs',
    `/containers/${id}`,
    ({ lay }) => lay('final', work, { 'data/workspace/a.txt': 'First' }),
  ],
  [
    'a whole bag of older work',
    'file-differs',
    `/containers/${id}`,
    ({ lay }) => lay('final', { ...work, 'a.txt': 'older' }),
  ],
  [
    'two bags that hold all only together',
    'file-missing',
    `/containers/${id}`,
    async ({ lay }) => {
      await lay('final', { 'a.txt': 'first' })
      await lay('final-2', { 'folder/b.txt': 'second' })
    },
  ],
  ['force', 'force', `/containers/${id}?force=1`, ({ lay }) => lay('final')],
  ['link', 'force', `/containers/${id}?link=true`, ({ lay }) => lay('final')],
  ['unnamed volumes taken along', 'force', `/containers/${id}?v=1`, ({ lay }) => lay('final')],
  ['a container by its name', 'by-name', '/containers/class-c--s01', ({ lay }) => lay('final')],
  ['a container by the beginning of its id', 'by-name', `/containers/${id.slice(0, 12)}`, ({ lay }) => lay('final')],
  ['a network by its name', 'by-name', '/networks/class-c', () => {}],
  ...(['Running', 'Paused', 'Restarting'] as const).map((state): (typeof losses)[number] => [
    `a container that is ${state}`,
    'running',
    `/containers/${id}`,
    async ({ lay, engine }) => {
      await lay('final')
      engine.containers.set(id, { Labels, State: { ...stopped, [state]: true }, volumes: [volume] })
    },
  ]),
  ['a volume before its container', 'container-left', `/volumes/${volume}`, ({ lay }) => lay('final')],
  ['a volume by force', 'force', `/volumes/${volume}?force=true`, ({ lay }) => lay('final')],
  [
    'a volume whose work is in no bag, its container gone',
    'no-bag',
    `/volumes/${volume}`,
    ({ engine }) => void engine.containers.delete(id),
  ],
  ['a network before its sandboxes', 'sandboxes-left', `/networks/${otherId}`, ({ lay }) => lay('final')],
  [
    'a network before a volume',
    'sandboxes-left',
    `/networks/${otherId}`,
    async ({ engine, lay }) => {
      await lay('final')
      engine.containers.delete(id)
    },
  ],
  [
    'a container of somebody else',
    'not-ours',
    `/containers/${otherId}`,
    ({ engine }) => void engine.containers.set(otherId, { Labels: {}, State: stopped, volumes: [] }),
  ],
  [
    'a truth that cannot be read',
    'undecided',
    `/containers/${id}`,
    async ({ lay, truthFile }) => {
      await lay('final')
      await appendFile(truthFile, 'no JSON\n')
    },
  ],
]

for (const [what, rule, url, arrange] of losses) {
  test(`${what}: refused, recorded as ${rule}, and still on the engine`, async (t) => {
    const field = await openField(t)
    await arrange(field)
    assert.equal(await field.send('DELETE', url), 599)
    const [violation, ...more] = field.referee.violations
    assert.deepEqual([violation?.rule, violation?.request, more], [rule, `DELETE ${url}`, []])
    assert.deepEqual(field.engine.passed, [])
    const file = await readFile(join(dirname(field.listenSocket), 'violations'), 'utf8')
    assert.deepEqual(JSON.parse(file), violation)
  })
}

for (const url of ['/containers/prune', '/v1.41/volumes/prune', '/networks/prune?filters=%7B%7D', '/build/prune']) {
  test(`POST ${url}: refused`, async (t) => {
    const { engine, referee, send } = await openField(t)
    assert.equal(await send('POST', url), 599)
    assert.equal(referee.violations[0]?.rule, 'prune')
    assert.deepEqual(engine.passed, [])
  })
}

test('what never ran, and of which no truth is told, may be taken back; once it was started it may not', async (t) => {
  const { engine, referee, truthFile, send } = await openField(t)
  await writeFile(truthFile, '')
  engine.containers.set(id, { Labels, State: neverStarted, volumes: [volume] })
  assert.equal(await send('POST', `/containers/${id}/start`), 204)
  assert.equal(await send('DELETE', `/containers/${id}`), 599)
  engine.containers.delete(id)
  assert.equal(await send('DELETE', `/volumes/${volume}`), 599)
  assert.deepEqual(
    referee.violations.map(({ rule }) => rule),
    ['no-bag', 'no-bag'],
  )

  const untouched = await openField(t)
  await writeFile(untouched.truthFile, '')
  untouched.engine.containers.set(id, { Labels, State: neverStarted, volumes: [volume] })
  assert.equal(await untouched.send('DELETE', `/containers/${id}`), 204)
  assert.equal(await untouched.send('DELETE', `/volumes/${volume}`), 204)
  assert.deepEqual(untouched.referee.violations, [])
})

test('what an up proved with that work can be collected may go, its container first and when it has ended', async (t) => {
  const { engine, referee, send } = await openField(t)
  const proof = { ...session, 'class-runtime.proof': 'true' }
  engine.containers.set(otherId, { Labels: proof, State: { ...stopped, Running: true }, volumes: ['class-c.proof'] })
  engine.volumes.set('class-c.proof', { Labels: proof })
  assert.equal(await send('DELETE', '/volumes/class-c.proof'), 599)
  assert.equal(await send('DELETE', `/containers/${otherId}`), 599)
  engine.containers.set(otherId, { Labels: proof, State: stopped, volumes: ['class-c.proof'] })
  assert.equal(await send('DELETE', `/containers/${otherId}`), 204)
  assert.equal(await send('DELETE', '/volumes/class-c.proof'), 204)
  assert.deepEqual(
    referee.violations.map(({ rule }) => rule),
    ['container-left', 'running'],
  )
  engine.containers.set(id, { Labels: { ...Labels, ...proof }, State: stopped, volumes: [volume] })
  assert.equal(await send('DELETE', `/containers/${id}`), 599, 'a student is in it')
})

test('a container that was never started, with work in its volume, may not go', async (t) => {
  const { engine, referee, send } = await openField(t)
  engine.containers.set(id, { Labels, State: neverStarted, volumes: [volume] })
  assert.equal(await send('DELETE', `/containers/${id}`), 599)
  assert.equal(referee.violations[0]?.rule, 'no-bag')
})

test('one whole bag is enough, whichever it is, and a snapshot counts', async (t) => {
  for (const collection of ['final-2', 'snapshot-20261123t000000000z']) {
    const { referee, lay, send } = await openField(t)
    await lay('final', { 'a.txt': 'older' })
    await lay(collection)
    assert.equal(await send('DELETE', `/containers/${id}`), 204)
    assert.deepEqual(referee.violations, [])
  }
})

test('the truth is read anew at each removal, and the last word counts', async (t) => {
  const { lay, send, truthFile } = await openField(t)
  await lay('final')
  await tellTruth(truthFile, student, truthOf({ ...work, 'a.txt': 'newer' }))
  assert.equal(await send('DELETE', `/containers/${id}`), 599)
  await tellTruth(truthFile, student, truthOf({ 'a.txt': 'first' }))
  assert.equal(await send('DELETE', `/containers/${id}`), 204)
})

const running = { ...stopped, Running: true }
const tarOf = (name: string, type = '5'): Buffer => {
  const head = Buffer.alloc(1024)
  head.write(name)
  head.write(type, 156)
  head.write('ustar', 257)
  return head
}

test('an archive is read of what stands still alone, and nothing is let run while it is read', async (t) => {
  const { engine, referee, send, listenSocket } = await openField(t)
  const archive = `/v1.41/containers/${id}/archive?path=%2Fhome%2Fstudent`
  for (const [State, mayPass] of [
    [stopped, true],
    [neverStarted, true],
    [{ ...running, Paused: true }, true],
    [running, false],
    [{ ...stopped, Restarting: true }, false],
  ] as const) {
    engine.containers.set(id, { Labels, State, volumes: [volume] })
    for (const method of ['GET', 'HEAD']) {
      assert.equal((await send(method, archive)) !== 599, mayPass, `${method} ${JSON.stringify(State)}`)
    }
  }
  engine.containers.set(id, { Labels, State: stopped, volumes: [volume] })
  let end = (): void => undefined
  engine.archivesEnd = new Promise<void>((resolve) => {
    end = resolve
  })
  const reading = await new Promise<IncomingMessage>((done) => {
    request({ socketPath: listenSocket, path: archive, agent: false }, done).end()
  })
  for (const call of ['start', 'unpause', 'restart']) {
    assert.equal(await send('POST', `/v1.41/containers/${id}/${call}`), 599, call)
  }
  end()
  await wholeBody(reading)
  assert.equal(await send('POST', `/containers/${id}/start`), 204)
  assert.deepEqual(new Set(referee.violations.map(({ rule }) => rule)), new Set(['moving']))
})

test('what is written is a plain tar that begins with the workspace, into what stands still', async (t) => {
  const { engine, referee, send } = await openField(t)
  const collect = { 'class-runtime.collect': '{"workspace":"/home/student"}' }
  const put = (body: Buffer) => send('PUT', `/v1.41/containers/${id}/archive?path=%2Fhome`, body)
  engine.containers.set(id, { Labels: { ...Labels, ...collect }, State: stopped, volumes: [volume] })
  assert.equal(await put(tarOf('student/')), 204)
  const passed = `PUT /v1.41/containers/${id}/archive?path=%2Fhome ${tarOf('student/').toString('latin1')}`
  assert.deepEqual(engine.passed, [passed], 'every byte, the first ones too')
  for (const refused of [
    Buffer.from('BZh91AY'),
    Buffer.concat([Buffer.from([0x1f, 0x8b]), tarOf('x')]),
    tarOf('BZh9'),
    tarOf('student/', '2'),
    tarOf('other/'),
    tarOf('../student/'),
    Buffer.alloc(0),
  ]) {
    assert.equal(await put(refused), 599, refused.toString('latin1', 0, 20))
  }
  assert.deepEqual(new Set(referee.violations.map(({ rule }) => rule)), new Set(['not-plain']))
  engine.containers.set(id, { Labels: { ...Labels, ...collect }, State: running, volumes: [volume] })
  assert.equal(await put(tarOf('student/')), 599)
  assert.equal(engine.passed.length, 1)
})

test('what is gone already is the engine’s to answer', async (t) => {
  const { engine, referee, send } = await openField(t)
  await send('DELETE', `/containers/${otherId}`)
  assert.deepEqual(engine.passed, [`DELETE /containers/${otherId}`])
  assert.deepEqual(referee.violations, [])
})

/** Sends bytes as they are, ends its half, and gives all that comes back. */
async function converse(socketPath: string, head: string, ...more: string[]): Promise<string> {
  const socket = connect({ path: socketPath, allowHalfOpen: true })
  socket.setEncoding('utf8').write(head)
  let said = ''
  socket.on('data', (text: string) => (said += text))
  for (const text of more) {
    await once(socket, 'data')
    socket.write(text)
  }
  if (more.length > 0) await once(socket, 'data')
  socket.end()
  await once(socket, 'close')
  return said
}

const upgradeHead = (path: string): string =>
  `POST ${path} HTTP/1.1\r\nhost: engine\r\nconnection: Upgrade\r\nupgrade: tcp\r\ncontent-length: 2\r\n\r\n{}`

test('an upgraded connection carries bytes both ways, and each half ends by itself', async (t) => {
  const { listenSocket } = await openField(t)
  const said = await converse(listenSocket, upgradeHead('/exec/some/start'), 'hello')
  assert.match(said, /^HTTP\/1\.1 101 UPGRADED\r\n\r\n/)
  assert.match(said, /HELLOthe end$/)
})

test('after a refused upgrade nothing more passes on that connection: no removal can hide there', async (t) => {
  const { engine, listenSocket } = await openField(t)
  const socket = connect(listenSocket)
  socket.write(upgradeHead('/exec/absent/start'))
  const [answer] = await once(socket, 'data')
  assert.match(String(answer), /^HTTP\/1\.1 404/)
  socket.write(`DELETE /containers/${id}?force=1 HTTP/1.1\r\nhost: engine\r\n\r\n`)
  await once(socket.resume(), 'close')
  assert.ok(engine.containers.has(id))
  assert.doesNotMatch(engine.passed.join(), /DELETE/)
})

test('an answer that breaks off breaks off for the client too', async (t) => {
  const { engine, listenSocket } = await openField(t)
  // An engine that is gone: nothing listens any more at its socket.
  await rm(engine.socket)
  await assert.rejects(statusOf(listenSocket, 'GET', '/info'), /socket hang up|ECONNRESET/)
})

test('the command: listens, judges, records, and ends with 1 where a rule was broken', async (t) => {
  const { engine, lay, truthFile } = await openField(t)
  await lay('final')
  const folder = dirname(truthFile)
  const [listenSocket, violations] = [join(folder, 'command.sock'), join(folder, 'of-command')]
  const main = resolve(import.meta.dirname, 'main.ts')
  const args = [engine.socket, listenSocket, join(folder, 'store'), truthFile, violations]
  const command: ChildProcess = spawn(process.execPath, ['--import', 'tsx', main, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.after(() => void command.kill('SIGKILL'))
  assert.ok(command.stdout)
  await once(command.stdout, 'data')
  assert.equal(await statusOf(listenSocket, 'DELETE', '/containers/by-name'), 599)
  assert.equal(await statusOf(listenSocket, 'DELETE', `/containers/${id}`), 204)
  const exited = once(command, 'exit')
  command.kill('SIGTERM')
  assert.deepEqual(await exited, [1, null])
  assert.equal(JSON.parse(await readFile(violations, 'utf8')).rule, 'by-name')
})
