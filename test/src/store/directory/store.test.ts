import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { lstat, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { pruneEmptyFolders } from '../../../../src/store/directory/files.ts'
import { createDirectoryStore } from '../../../../src/store/directory/store.ts'
import { digestOf, seededBytes, streamOf } from '../bodies.ts'
import { conformance, listed, rejectsWith } from '../conformance.ts'

/** What a folder holds that has no object in it. */
const nothingLeft = ['.class-runtime', '.class-runtime/incoming']
const hello = Buffer.from('hello')

async function newFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'directory-store-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  return folder
}

conformance(
  'directory store',
  async (t) => {
    const store = createDirectoryStore(join(await newFolder(t), 'made', 'by check'))
    await store.check()
    return store
  },
  false,
)

test('an object is a file with its key as path, and nothing else is left in the folder', async (t) => {
  const folder = await newFolder(t)
  const store = createDirectoryStore(folder)
  await store.check()
  await store.put('a/b/c', digestOf(hello), hello)
  assert.deepEqual((await readdir(folder, { recursive: true })).sort(), [
    '.class-runtime',
    '.class-runtime/incoming',
    'a',
    'a/b',
    'a/b/c',
  ])
  await store.remove('a/b/c')
  assert.deepEqual((await readdir(folder, { recursive: true })).sort(), nothingLeft)
})

test('a failed put leaves no file behind', async (t) => {
  const folder = await newFolder(t)
  const store = createDirectoryStore(folder)
  await rejectsWith(store.put('a/b', digestOf(seededBytes(100_000, 1)), streamOf(hello)), 'mismatch')
  await rejectsWith(store.put('a/b', digestOf(hello), Buffer.from('HELLO')), 'mismatch')
  assert.deepEqual((await readdir(folder, { recursive: true })).sort(), nothingLeft)
})

test('a copy is a file of its own, so damage to one leaves the other whole', async (t) => {
  const folder = await newFolder(t)
  const store = createDirectoryStore(folder)
  await store.put('a', digestOf(hello), hello)
  await store.copy('a', 'b', digestOf(hello))
  assert.notEqual((await lstat(join(folder, 'a'))).ino, (await lstat(join(folder, 'b'))).ino)
})

test('a damaged source is noticed by the copy', async (t) => {
  const folder = await newFolder(t)
  const store = createDirectoryStore(folder)
  await store.put('a', digestOf(hello), hello)
  await writeFile(join(folder, 'a'), 'hellO')
  await rejectsWith(store.copy('a', 'b', digestOf(hello)), 'mismatch')
})

test('a put wins over whoever prunes its folder meanwhile', async (t) => {
  const folder = await newFolder(t)
  const store = createDirectoryStore(folder)
  let done = false
  t.after(() => {
    done = true
  })
  const prune = async () => {
    while (!done) await pruneEmptyFolders(join(folder, 'a', 'b', 'c'), folder)
  }
  const pruners = [prune(), prune()]
  for (let round = 0; round < 100; round += 1) {
    assert.equal(await store.put('a/b/c/d', digestOf(hello), hello, { ifAbsent: round % 2 === 0 }), 'stored')
    await store.remove('a/b/c/d')
  }
  done = true
  await Promise.all(pruners)
})

test('two stores on one folder cannot both be first', async (t) => {
  const folder = await newFolder(t)
  const stores = [createDirectoryStore(folder), createDirectoryStore(folder)]
  for (let round = 0; round < 50; round += 1) {
    const outcomes = await Promise.all(
      stores.map((store) => store.put(`${round}/bagit.txt`, digestOf(hello), hello, { ifAbsent: true })),
    )
    assert.deepEqual(outcomes.sort(), ['exists', 'stored'])
  }
})

test('check removes what a killed process left more than an hour ago, and only that', async (t) => {
  const folder = await newFolder(t)
  const store = createDirectoryStore(folder)
  await store.check()
  await writeFile(join(folder, '.class-runtime', 'incoming', 'old'), 'x')
  await writeFile(join(folder, '.class-runtime', 'incoming', 'young'), 'x')
  const twoHoursAgo = Date.now() / 1000 - 7200
  await utimes(join(folder, '.class-runtime', 'incoming', 'old'), twoHoursAgo, twoHoursAgo)
  await store.check()
  assert.deepEqual(await readdir(join(folder, '.class-runtime', 'incoming')), ['young'])
})

test('the folder of unfinished files is out of reach of every call', async (t) => {
  const folder = await newFolder(t)
  const store = createDirectoryStore(folder)
  await store.check()
  await writeFile(join(folder, '.class-runtime', 'incoming', 'x'), 'x')
  await rejectsWith(store.put('.class-runtime/incoming/x', digestOf(hello), hello), 'refused')
  await rejectsWith(store.read('.class-runtime/incoming/x'), 'refused')
  await rejectsWith(store.remove('.class-runtime/incoming/x'), 'refused')
  await rejectsWith(store.folders('.class-runtime/incoming/'), 'refused')
  await rejectsWith(listed(store, '.class-runtime/incoming/'), 'refused')
  assert.deepEqual(await store.folders(''), [])
  assert.deepEqual([...(await listed(store, '')).keys()], [])
})

test('a key below another object, or above one, is refused and harms neither', async (t) => {
  const store = createDirectoryStore(await newFolder(t))
  await store.put('a/file', digestOf(hello), hello)
  for (const ifAbsent of [false, true]) {
    await rejectsWith(store.put('a/file/below', digestOf(hello), hello, { ifAbsent }), 'refused')
    await rejectsWith(store.put('a', digestOf(hello), hello, { ifAbsent }), 'refused')
  }
  assert.equal((await store.stat('a/file'))?.size, 5)
})

test('a place that cannot be a folder is told by check', async (t) => {
  const folder = await newFolder(t)
  await writeFile(join(folder, 'file'), '')
  const error = await rejectsWith(createDirectoryStore(join(folder, 'file', 'store')).check(), 'refused')
  assert.match(error.message, /file\/store/)
})

test('it gives no URL', async (t) => {
  const store = createDirectoryStore(await newFolder(t))
  await store.put('a', digestOf(hello), hello)
  assert.equal(await store.temporaryUrl('a', 'a.txt'), undefined)
})

const noMount = process.getuid?.() === 0 ? false : 'only root can mount the small file system that this needs'

async function mountTmpfs(t: TestContext, options: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'directory-store-'))
  execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', folder])
  t.after(async () => {
    execFileSync('umount', [folder])
    await rm(folder, { recursive: true })
  })
  return folder
}

test('a full disk is said to be full, leaves nothing, and works again when there is room', {
  skip: noMount,
}, async (t) => {
  const folder = await mountTmpfs(t, 'size=1m')
  const store = createDirectoryStore(folder)
  const large = seededBytes(2_000_000, 5)
  for (const body of [large, streamOf(large)]) {
    const error = await rejectsWith(store.put('a/large', digestOf(large), body), 'full')
    assert.ok(error.message.includes(folder))
    assert.deepEqual((await readdir(folder, { recursive: true })).sort(), nothingLeft)
  }
  assert.equal(await store.put('a/small', digestOf(hello), hello), 'stored')
})

test('a read-only disk is said to be denied', { skip: noMount }, async (t) => {
  const folder = await mountTmpfs(t, 'size=1m')
  const store = createDirectoryStore(folder)
  await store.check()
  await store.put('a', digestOf(hello), hello)
  execFileSync('mount', ['-o', 'remount,ro', folder])
  await rejectsWith(store.check(), 'denied')
  await rejectsWith(store.put('b', digestOf(hello), hello), 'denied')
  await rejectsWith(store.remove('a'), 'denied')
  assert.equal((await store.stat('a'))?.size, 5)
})
