// How a prefix of the store becomes a bag, or does not: leftovers, lies and faults of the store, order of the commit.

import assert from 'node:assert/strict'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { CollectError } from '../../../src/collection/errors.ts'
import { type Store, StoreError } from '../../../src/store/port.ts'
import { file } from '../../support/memory-archive.ts'
import { checkBag, filesBelow } from '../../support/memory-referee.ts'
import { exists, refuses, stoppedSandbox, work } from '../../support/memory-sandbox.ts'
import { hookedStore, unreachable } from '../../support/memory-store.ts'

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

test('what an earlier attempt left is used where it is right, and removed or replaced where it is not', async (t) => {
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

test('a store that does not keep what it took gets no commit mark; the next attempt makes it right', async (t) => {
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

test('a store whose list leaves out what it holds gets no commit mark, and is named instead of a repetition', async (t) => {
  const sandbox = await stoppedSandbox(t, work)
  const { store } = sandbox.ofClass
  const forgetful: Store = {
    ...store,
    async *list(prefix, signal) {
      for await (const object of store.list(prefix, signal)) if (!object.key.endsWith('/notes.txt')) yield object
    },
  }
  await assert.rejects(sandbox.collect({}, undefined, forgetful), (error: unknown) => {
    assert.ok(error instanceof CollectError && error.code === 'store-mismatch')
    assert.match(error.message, /leaves out 1 of the files .* The sandbox is kept\. Ask the operator/)
    assert.doesNotMatch(error.message, /again/)
    return true
  })
  assert.equal(await exists(join(sandbox.folder, 'final/bagit.txt')), false)
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

test('the commit replaces nothing: a mark that another process has just written stays as it is', async (t) => {
  const sandbox = await stoppedSandbox(t, work)
  const mark = 'BagIt-Version: 0.97\nTag-File-Character-Encoding: UTF-8\n'
  const path = join(sandbox.folder, 'final/bagit.txt')
  sandbox.ofClass.storeHooks = {
    async before(method, key) {
      if (method === 'put' && key.endsWith('/bagit.txt')) await writeFile(path, mark)
    },
  }
  await assert.rejects(sandbox.collect(), { name: 'CollectError', code: 'store-mismatch' })
  assert.equal(await readFile(path, 'utf8'), mark)
})

test('a fault of the store that passes is met by trying again, whichever write it hits', async (t) => {
  for (let failing = 1; ; failing++) {
    const sandbox = await stoppedSandbox(t, work)
    let writes = 0
    const stored: string[] = []
    sandbox.ofClass.storeHooks = {
      before(method) {
        if (method === 'put' || method === 'copy') writes++
        if (writes === failing) {
          writes++
          throw unreachable()
        }
      },
      after(method, key) {
        if (method === 'put' || method === 'copy') stored.push(key)
      },
    }
    await sandbox.collect()
    await checkBag(join(sandbox.folder, 'final'))
    assert.equal(sandbox.progress.files, 3, 'what was repeated is not counted twice')
    assert.deepEqual(stored, [...new Set(stored)], 'what is safe is not sent again')
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

test('of two processes that collect one sandbox neither takes the other’s commit apart', async (t) => {
  for (let overtakenAt = 1; ; overtakenAt++) {
    const sandbox = await stoppedSandbox(t, work)
    const bag = join(sandbox.folder, 'final')
    let calls = 0
    const slower = hookedStore(sandbox.ofClass.store, {
      async before(method, key) {
        calls++
        if (calls === overtakenAt) {
          await sandbox.collect()
          await checkBag(bag)
        }
        assert.ok(method !== 'remove' || calls < overtakenAt, `${key} is removed after the other has committed`)
      },
    })
    const outcome = await sandbox.collect({}, undefined, slower).catch((error: unknown) => error)
    if (calls < overtakenAt) break
    if (outcome instanceof CollectError) assert.match(outcome.code, /^(changed|store-mismatch)$/, `${outcome.cause}`)
    else await checkBag(bag)
    const files = await filesBelow(bag)
    assert.ok(files.has('bagit.txt'))
    assert.equal(files.get('data/workspace/notes.txt')?.toString(), 'hello')
    assert.equal(files.get('data/workspace/copy.c')?.toString(), 'int main;')
  }
})
