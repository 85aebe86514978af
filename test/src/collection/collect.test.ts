import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { access, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { CollectionTarget } from '../../../src/collection/bag-work.ts'
import { collect } from '../../../src/collection/collect.ts'
import { CollectError, type CollectErrorCode } from '../../../src/collection/errors.ts'
import { parseFrozenCollect } from '../../../src/lab.ts'
import { RuntimeError } from '../../../src/runtime/port.ts'
import { StoreError } from '../../../src/store/port.ts'
import { directory, file, hardLink, symbolicLink, type Thing } from '../../support/memory-archive.ts'
import { type MemoryClass, openClass } from '../../support/memory-class.ts'
import { checkBag, filesBelow } from '../../support/memory-referee.ts'
import { type StoreHook, unreachable } from '../../support/memory-store.ts'

interface Sandbox {
  readonly ofClass: MemoryClass
  /** Where the student's bags lie. */
  readonly folder: string
  collect(change?: Partial<CollectionTarget>, signal?: AbortSignal): ReturnType<typeof collect>
  /** As reported while collecting. */
  readonly progress: { expected: string[]; files: number; bytes: number }
}

/** One student's sandbox with these files in it, up and then stopped. */
async function stoppedSandbox(t: TestContext, things: readonly Thing[], lab: object = {}): Promise<Sandbox> {
  const ofClass = await openClass(t, lab)
  const { runtime, store } = ofClass
  const { sessionId } = await ofClass.up({ students: ['SV001'] })
  runtime.write('SV001', ...things)
  const [session] = await runtime.survey()
  const frozen = parseFrozenCollect(session?.sandboxes[0]?.collect ?? '')
  assert.ok(session && frozen)
  const container = await runtime.stop(runtime.container('SV001').id)
  const progress: Sandbox['progress'] = { expected: [], files: 0, bytes: 0 }
  const target = {
    session,
    studentId: 'SV001',
    container,
    collect: frozen,
    unarchived: [],
    logsLost: false,
    notes: ['a note'],
  }
  return {
    ofClass,
    folder: ofClass.studentFolder(sessionId, 'SV001'),
    progress,
    collect: (change = {}, signal = new AbortController().signal) =>
      collect(
        runtime,
        store,
        { ...target, imageDigest: 'busybox@sha256:digest', actor: 't-lan', ...change },
        {
          onInventory: (files, bytes) => void progress.expected.push(`${files} files, ${bytes} bytes`),
          onStored(files, bytes) {
            progress.files += files
            progress.bytes += bytes
          },
        },
        signal,
      ),
  }
}

const work = [
  directory('src'),
  file('src/main.c', 'int main;'),
  file('notes.txt', 'hello'),
  hardLink('copy.c', 'src/main.c'),
]
const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  )

/** Rejects with that code, and no bag is committed. */
async function refuses(sandbox: Sandbox, code: CollectErrorCode): Promise<CollectError> {
  let caught: unknown
  await sandbox.collect().catch((error: unknown) => {
    caught = error
  })
  assert.ok(caught instanceof CollectError, `it ended with ${caught}`)
  assert.equal(caught.code, code, caught.message)
  assert.equal(await exists(join(sandbox.folder, 'final/bagit.txt')), false, 'no bag is committed')
  return caught
}

test('a sandbox becomes a whole bag that holds every byte, and the answer is its receipt', async (t) => {
  const sandbox = await stoppedSandbox(t, [...work, symbolicLink('link', 'src'), { path: 'pipe', type: 'fifo' }])
  const bag = await sandbox.collect({ unarchived: [{ path: 'socket', type: 'socket' }] })
  const files = await checkBag(join(sandbox.folder, 'final'))
  assert.deepEqual(
    [...files.keys()],
    [
      ...['bag-info.txt', 'bagit.txt', 'data/logs/stderr.log', 'data/logs/stdout.log', 'data/workspace/copy.c'],
      ...['data/workspace/notes.txt', 'data/workspace/src/main.c', 'manifest-sha256.txt', 'meta/submission.json'],
      'tagmanifest-sha256.txt',
    ],
  )
  assert.equal(files.get('data/workspace/src/main.c')?.toString(), 'int main;')
  assert.equal(files.get('data/workspace/copy.c')?.toString(), 'int main;')
  assert.match(files.get('data/logs/stdout.log')?.toString() ?? '', /^started /)
  const manifestSha256 = createHash('sha256')
    .update(files.get('manifest-sha256.txt') ?? '')
    .digest('hex')
  const { prefix, ...receipt } = bag
  assert.deepEqual(receipt, { collectionId: 'final', files: 3, bytes: 23, skipped: 2, manifestSha256 })
  assert.equal(join(sandbox.ofClass.folder, prefix), join(sandbox.folder, 'final/'))
  assert.deepEqual(sandbox.progress, { expected: ['3 files, 23 bytes'], files: 3, bytes: 23 })
})

test('submission.json says whose bag it is and how the sandbox ended', async (t) => {
  const sandbox = await stoppedSandbox(t, work)
  await sandbox.collect()
  const files = await filesBelow(join(sandbox.folder, 'final'))
  const {
    sessionId,
    containerId,
    startedAt,
    stoppedAt,
    collectedAt,
    manifest,
    files: listed,
    links,
    directories,
    ...rest
  } = JSON.parse(files.get('meta/submission.json')?.toString() ?? '')
  assert.equal(containerId, sandbox.ofClass.runtime.container('SV001').id)
  assert.ok(sandbox.folder.includes(sessionId))
  assert.ok(startedAt < stoppedAt && Date.parse(collectedAt) > 0)
  assert.equal(manifest.key, 'manifest-sha256.txt')
  assert.deepEqual([listed.length, links.length, directories.length], [3, 1, 2])
  assert.deepEqual(rest, {
    schemaVersion: 1,
    classId: 'os101-a',
    subject: 'os101',
    studentId: 'SV001',
    collectionId: 'final',
    lab: 'linux-shell',
    imageId: 'sha256:image',
    imageDigest: 'busybox@sha256:digest',
    actor: 't-lan',
    exitCode: 143,
    oomKilled: false,
    roots: { workspace: '/home/student' },
    totals: { files: 3, bytes: 23, skipped: 0 },
    limits: { exclude: [], maxBytes: 1_073_741_824, maxFiles: 100_000 },
    notes: ['a note'],
    skipped: [],
  })
})

test('an empty workspace is a whole bag too', async (t) => {
  const sandbox = await stoppedSandbox(t, [])
  assert.equal((await sandbox.collect()).files, 0)
  await checkBag(join(sandbox.folder, 'final'))
})

test('bagit.txt is the last write, and everything was compared before it', async (t) => {
  const sandbox = await stoppedSandbox(t, work)
  const calls: string[] = []
  sandbox.ofClass.storeHooks = {
    before: (method, key) => void calls.push(`${method} ${key.slice(key.indexOf('final'))}`),
  }
  await sandbox.collect()
  const compared = calls.lastIndexOf('list final/')
  assert.ok(calls.slice(0, compared).filter((call) => call.startsWith('put')).length >= 8)
  const last = calls.slice(compared + 1).filter((call) => !call.startsWith('read') || call.endsWith('bagit.txt'))
  assert.deepEqual(last, ['put final/bagit.txt', 'read final/bagit.txt'])
})

test('a committed bag that the sandbox still equals is the answer, and nothing is written', async (t) => {
  const sandbox = await stoppedSandbox(t, work)
  const first = await sandbox.collect()
  const writes: string[] = []
  const before: StoreHook = (method, key) => {
    if (['put', 'copy', 'remove'].includes(method)) writes.push(key)
  }
  sandbox.ofClass.storeHooks = { before }
  assert.deepEqual(await sandbox.collect(), first)
  assert.deepEqual(writes, [])
  assert.equal(sandbox.progress.files, 2 * first.files, 'progress counts what was already safe')
})

test('work that changed since a bag was committed goes into final-2, then final-3; the earlier bags stay as they are', async (t) => {
  const sandbox = await stoppedSandbox(t, work)
  await sandbox.collect()
  const first = await filesBelow(join(sandbox.folder, 'final'))
  for (const collectionId of ['final-2', 'final-3']) {
    sandbox.ofClass.runtime.write('SV001', file(collectionId, 'more'))
    assert.equal((await sandbox.collect()).collectionId, collectionId)
    await checkBag(join(sandbox.folder, collectionId))
  }
  assert.deepEqual(await filesBelow(join(sandbox.folder, 'final')), first)
})

test('a committed bag that was damaged or lost a file is not taken for the answer', async (t) => {
  for (const [path, damage] of [
    ['data/workspace/notes.txt', (name: string) => writeFile(name, 'Hello')],
    ['data/workspace/notes.txt', (name: string) => rm(name)],
    ['manifest-sha256.txt', (name: string) => rm(name)],
    ['meta/submission.json', (name: string) => rm(name)],
    ['data/workspace/added', (name: string) => writeFile(name, 'added')],
  ] as const) {
    const sandbox = await stoppedSandbox(t, work)
    await sandbox.collect()
    await damage(join(sandbox.folder, 'final', path))
    const { collectionId } = await sandbox.collect()
    await checkBag(join(sandbox.folder, collectionId))
    assert.equal(collectionId, 'final-2', path)
  }
})

test('what an attempt that broke off left is used where it is right, and removed or replaced where it is not', async (t) => {
  const sandbox = await stoppedSandbox(t, work)
  const { storeHooks } = sandbox.ofClass
  sandbox.ofClass.storeHooks = {
    before(_method, key) {
      if (key.endsWith('tagmanifest-sha256.txt')) throw new StoreError('full', 'No space left.')
    },
  }
  await refuses(sandbox, 'store-unavailable')
  sandbox.ofClass.storeHooks = storeHooks
  await writeFile(join(sandbox.folder, 'final/data/workspace/notes.txt'), 'wrong')
  await writeFile(join(sandbox.folder, 'final/data/workspace/extra'), 'extra')
  await writeFile(join(sandbox.folder, 'final/meta/extra.json'), '{}')

  const written: string[] = []
  sandbox.ofClass.storeHooks = {
    before(method, key) {
      if (method === 'put' || method === 'copy') written.push(key.slice(key.indexOf('final/') + 'final/'.length))
    },
  }
  await sandbox.collect()
  const files = await checkBag(join(sandbox.folder, 'final'))
  assert.equal(files.get('data/workspace/notes.txt')?.toString(), 'hello')
  assert.ok(![...files.keys()].some((path) => path.includes('extra')))
  assert.deepEqual(
    written.filter((path) => path.startsWith('data/workspace/')),
    ['data/workspace/notes.txt'],
  )
})

test('a leftover that stands where a folder must be, or the reverse, does not block the next attempt', async (t) => {
  for (const [before, now] of [
    ['a', 'a/b'],
    ['a/b', 'a'],
  ] as const) {
    const sandbox = await stoppedSandbox(t, [file(before, 'earlier')])
    sandbox.ofClass.storeHooks = {
      before(_method, key) {
        if (key.endsWith('bag-info.txt')) throw new StoreError('full', 'No space left.')
      },
    }
    await refuses(sandbox, 'store-unavailable')
    sandbox.ofClass.storeHooks = {}
    sandbox.ofClass.runtime.volume('SV001').things.splice(1, 1, file(now, 'now'))
    await sandbox.collect()
    const files = await checkBag(join(sandbox.folder, 'final'))
    assert.equal(files.get(`data/workspace/${now}`)?.toString(), 'now')
    assert.ok(!files.has(`data/workspace/${before}`))
  }
})

/** Lies of a store, told right after it has taken an object. */
const lies: [string, string, (path: string) => Promise<void>][] = [
  ['a file of the workspace vanishes', 'data/workspace/notes.txt', (path) => rm(path)],
  ['a byte of it flips', 'data/workspace/notes.txt', (path) => writeFile(path, 'hellO')],
  ['it is cut', 'data/workspace/notes.txt', (path) => writeFile(path, 'hell')],
  ['it grows', 'data/workspace/notes.txt', (path) => writeFile(path, 'hello!')],
  ['the second name of a file is empty', 'data/workspace/copy.c', (path) => writeFile(path, '')],
  ['a log is cut', 'data/logs/stdout.log', (path) => writeFile(path, '')],
  ['the manifest vanishes', 'manifest-sha256.txt', (path) => rm(path)],
  ['the submission vanishes', 'meta/submission.json', (path) => rm(path)],
]

test('a store that does not keep what it took never gets a commit mark, and the next attempt makes it right', async (t) => {
  for (const [lie, name, damage] of lies) {
    const sandbox = await stoppedSandbox(t, work)
    sandbox.ofClass.storeHooks = {
      async after(method, key) {
        const written = method === 'put' || method === 'copy'
        if (written && key.endsWith(`/${name}`)) await damage(join(sandbox.ofClass.folder, key))
      },
    }
    const error = await refuses(sandbox, 'store-mismatch')
    assert.ok(error.message.includes(name), lie)
    sandbox.ofClass.storeHooks = {}
    await sandbox.collect()
    await checkBag(join(sandbox.folder, 'final'))
  }
})

test('a commit mark that reads back wrong is no commit', async (t) => {
  const sandbox = await stoppedSandbox(t, work)
  sandbox.ofClass.storeHooks = {
    async after(method, key) {
      if (method === 'put' && key.endsWith('/bagit.txt')) await writeFile(join(sandbox.ofClass.folder, key), 'BagIt')
    },
  }
  await assert.rejects(sandbox.collect(), { name: 'CollectError', code: 'store-mismatch' })
})

test('a fault of the store that passes is met by trying again, whichever write it hits', async (t) => {
  for (let failing = 1; ; failing++) {
    const sandbox = await stoppedSandbox(t, work)
    let writes = 0
    sandbox.ofClass.storeHooks = {
      before(method) {
        if (method === 'put' || method === 'copy') writes++
        if (writes === failing) {
          writes++
          throw unreachable()
        }
      },
    }
    await sandbox.collect()
    await checkBag(join(sandbox.folder, 'final'))
    assert.equal(sandbox.progress.files, 3, 'what was repeated is not counted twice')
    if (writes < failing) break
  }
})

test('a store that stays away is given up, with nothing committed', async (t) => {
  const sandbox = await stoppedSandbox(t, work)
  let asked = 0
  sandbox.ofClass.storeHooks = {
    before(method) {
      if (method !== 'put') return
      asked++
      throw unreachable()
    },
  }
  await refuses(sandbox, 'store-unavailable')
  assert.ok(asked > 1 && asked < 20, `${asked} attempts`)
  assert.equal(sandbox.progress.files, 0)
})

test('a sandbox that changes between the readings is not committed', async (t) => {
  const sandbox = await stoppedSandbox(t, work)
  const { runtime } = sandbox.ofClass
  const readings = () => runtime.events.filter((event) => event === 'archive SV001').length
  runtime.before = (event) => {
    if (event === 'archive SV001' && readings() === 1) runtime.write('SV001', file('late', 'late'))
  }
  await refuses(sandbox, 'changed')
})

test('logs that change between the readings are not committed', async (t) => {
  const sandbox = await stoppedSandbox(t, work)
  const { runtime } = sandbox.ofClass
  runtime.after = (event) => {
    if (event === 'logs SV001') runtime.container('SV001').logs.push({ stream: 'stderr', bytes: Buffer.from('late') })
  }
  await refuses(sandbox, 'changed')
})

test('a cut archive is not committed, in the first reading or the second', async (t) => {
  const cut = () => new RuntimeError('archive', 'The archive was cut short.')
  for (const reading of [1, 2]) {
    const sandbox = await stoppedSandbox(t, work)
    const { runtime } = sandbox.ofClass
    let begun = 0
    runtime.before = (event) => {
      if (event === 'archive SV001') begun++
    }
    const body = async function* () {
      yield Buffer.from('some')
      if (begun === reading) throw cut()
    }
    runtime.write('SV001', { ...file('long', body), size: 4 })
    await refuses(sandbox, 'archive-incomplete')
  }
})

test('limits of the lab are the student’s to keep, and nothing is sent where they are passed', async (t) => {
  const sandbox = await stoppedSandbox(t, work, { collect: { maxBytes: 22 } })
  await refuses(sandbox, 'over-limit')
  assert.equal((await filesBelow(sandbox.folder)).size, 0)
})

test('an abort ends the collection and commits nothing, at whatever write it comes', async (t) => {
  for (let at = 1; ; at++) {
    const sandbox = await stoppedSandbox(t, work)
    const stopping = new AbortController()
    let writes = 0
    sandbox.ofClass.storeHooks = {
      before(method, key) {
        if (method === 'put' || method === 'copy') writes++
        if (writes === at && !key.endsWith('/bagit.txt')) stopping.abort(new Error('the service is stopping'))
      },
    }
    const outcome = await sandbox.collect({}, stopping.signal).catch((error: unknown) => error)
    if (!stopping.signal.aborted) break
    assert.ok(outcome instanceof CollectError)
    assert.equal(outcome.cause, stopping.signal.reason)
    assert.equal(await exists(join(sandbox.folder, 'final/bagit.txt')), false)
  }
})
