// Collections as a whole, over an engine in memory and a real directory store: what becomes a bag, what becomes none.

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { CollectError } from '../../../src/collection/errors.ts'
import { RuntimeError } from '../../../src/runtime/errors.ts'
import { file, symbolicLink } from '../../support/memory-archive.ts'
import { checkBag, filesBelow } from '../../support/memory-referee.ts'
import { exists, refuses, stoppedSandbox, work } from '../../support/memory-sandbox.ts'
import type { StoreHook } from '../../support/memory-store.ts'

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
    notes: [
      'a note',
      'Extended attributes of files (user.*) are not kept: the engine leaves them out. Those that it gives are with their files.',
    ],
    skipped: [],
  })
})

test('an empty workspace is a whole bag too', async (t) => {
  const sandbox = await stoppedSandbox(t, [])
  assert.equal((await sandbox.collect()).files, 0)
  await checkBag(join(sandbox.folder, 'final'))
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

test('work that changed since a commit goes into final-2, then final-3; earlier bags stay as they are', async (t) => {
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

test('snapshots within one instant of a clock that stands still are bags of their own, and the first stays as it was', async (t) => {
  const sandbox = await stoppedSandbox(t, work)
  const { runtime } = sandbox.ofClass
  t.mock.timers.enable({ apis: ['Date'], now: Date.UTC(2026, 10, 23, 14, 17, 45, 999) })
  const first = await sandbox.collect({ kind: 'snapshot' })
  const before = await filesBelow(join(sandbox.ofClass.folder, first.prefix))
  runtime.volume('SV001').things.splice(1, runtime.volume('SV001').things.length, file('notes.txt', 'rewritten'))
  const second = await sandbox.collect({ kind: 'snapshot' })
  assert.deepEqual(
    [first.collectionId, second.collectionId],
    ['snapshot-20261123t141745999z', 'snapshot-20261123t141746000z'],
  )
  assert.deepEqual(await filesBelow(join(sandbox.ofClass.folder, first.prefix)), before)
  await checkBag(join(sandbox.ofClass.folder, second.prefix))
})

test('a snapshot is of a later time than every other of its student, though the clock was put back or one has no end', async (t) => {
  const sandbox = await stoppedSandbox(t, work)
  for (const [id, name] of [
    ['snapshot-29991231t235959998z', 'bagit.txt'],
    ['snapshot-29991231t235959999z', 'data/workspace/half'],
    ['snapshot-99', 'other'],
  ] as const) {
    await mkdir(join(sandbox.folder, id, dirname(name)), { recursive: true })
    await writeFile(join(sandbox.folder, id, name), '')
  }
  const { collectionId } = await sandbox.collect({ kind: 'snapshot' })
  assert.equal(collectionId, 'snapshot-30000101t000000000z')
})

test('a bag that another process committed is looked for before the first byte is put beside it', async (t) => {
  const sandbox = await stoppedSandbox(t, work)
  // What an earlier attempt left: only when it is out of the way are files sent.
  await mkdir(join(sandbox.folder, 'final/data/workspace'), { recursive: true })
  await writeFile(join(sandbox.folder, 'final/data/workspace/old'), 'old')
  const mark = join(sandbox.folder, 'final/bagit.txt')
  const written: string[] = []
  let looks = 0
  const before: StoreHook = async (method, key) => {
    if (method === 'put' || method === 'copy') written.push(key)
    if (method === 'list' && looks++ === 1) {
      await mkdir(dirname(mark), { recursive: true })
      await writeFile(mark, 'committed')
    }
  }
  sandbox.ofClass.storeHooks = { before }
  await assert.rejects(sandbox.collect(), { name: 'CollectError', code: 'changed' })
  assert.deepEqual(written, [])
})

test('nor is it written into where nothing else was there a moment before', async (t) => {
  const sandbox = await stoppedSandbox(t, work)
  const mark = join(sandbox.folder, 'final/bagit.txt')
  const written: string[] = []
  sandbox.ofClass.storeHooks = {
    before: (method, key) => {
      if (method === 'put') written.push(key)
    },
    async after(method) {
      if (method !== 'list' || (await exists(mark))) return
      await mkdir(dirname(mark), { recursive: true })
      await writeFile(mark, 'committed')
    },
  }
  assert.equal((await sandbox.collect()).collectionId, 'final-2')
  assert.deepEqual(
    written.filter((key) => key.includes('/final/')),
    [],
  )
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
