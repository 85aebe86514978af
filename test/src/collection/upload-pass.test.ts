// The second reading: what is sent, what is refused as changed, how much is in memory, and what a failure ends.
// Slightly over 250 lines, since all of it needs the same workspace.

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { CollectError } from '../../../src/collection/errors.ts'
import { compileExclude } from '../../../src/collection/exclude.ts'
import type { Inventory } from '../../../src/collection/inventory.ts'
import { takeInventory } from '../../../src/collection/take-inventory.ts'
import { uploadPass } from '../../../src/collection/upload-pass.ts'
import { CutTransfer, type Store, StoreError } from '../../../src/store/port.ts'
import { archiveOf, directory, file, hardLink, root, symbolicLink, type Thing } from '../../support/memory-archive.ts'
import { createMemoryStore, hookedStore, type StoreHooks, unreachable } from '../../support/memory-store.ts'

const prefix = 'os101-a/session/SV001/final/'
const mebibyte = 2 ** 20

interface Upload {
  /** What the second reading gives, if not the same. */
  again?: Iterable<Thing>
  exclude?: readonly string[]
  resuming?: boolean
  hooks?: StoreHooks
  signal?: AbortSignal
  onEntry?: () => void
}

/** A workspace, inventoried, and its uploads into one store. */
async function workspaceOf(t: TestContext, things: readonly Thing[], exclude: readonly string[] = []) {
  const store = createMemoryStore()
  const limits = { maxBytes: 100 * mebibyte, maxFiles: 1000, exclude: compileExclude(exclude) }
  const inventory: Inventory = await takeInventory(archiveOf(things), limits)
  t.after(() => inventory.close())
  return {
    store,
    stored: () => {
      const entries = [...store.objects].map(([key, bytes]): [string, string] => [
        key.replace(prefix, ''),
        Buffer.from(bytes).toString(),
      ])
      return new Map(entries.sort())
    },
    async upload({ again = things, resuming = false, hooks = {}, signal, onEntry }: Upload = {}) {
      const counted = { files: 0, bytes: 0 }
      await uploadPass({
        entries: archiveOf(again, onEntry),
        inventory,
        store: hookedStore(store, hooks) satisfies Store,
        prefix,
        resuming,
        isSent: () => false,
        signal: signal ?? new AbortController().signal,
        onStored(bytes) {
          counted.files++
          counted.bytes += bytes
        },
      })
      return counted
    },
  }
}

/** The keys of the writes that a store sees. */
function recordWrites(): StoreHooks & { writes: string[] } {
  const writes: string[] = []
  return {
    writes,
    before(method, key) {
      if (method === 'put' || method === 'copy') writes.push(`${method} ${key.replace(prefix, '')}`)
    },
  }
}

const workspace = [
  root,
  directory('src'),
  file('src/main.c', 'int main;'),
  file('empty'),
  file('large', Buffer.alloc(mebibyte + 1, 'x')),
  hardLink('main2.c', 'src/main.c'),
  symbolicLink('link', 'src'),
  { path: 'pipe', type: 'fifo' } as const,
]

test('every regular file and hard link becomes one object, and nothing else does', async (t) => {
  const { upload, stored } = await workspaceOf(t, workspace)
  assert.deepEqual(await upload(), { files: 4, bytes: mebibyte + 1 + 18 })
  assert.deepEqual(
    stored(),
    new Map([
      ['data/workspace/empty', ''],
      ['data/workspace/large', 'x'.repeat(mebibyte + 1)],
      ['data/workspace/main2.c', 'int main;'],
      ['data/workspace/src/main.c', 'int main;'],
    ]),
  )
})

test('a hard link is copied inside the store, not sent again', async (t) => {
  const { upload } = await workspaceOf(t, [file('a', '1'), hardLink('b', 'a'), hardLink('c', 'a')])
  const hooks = recordWrites()
  await upload({ hooks })
  assert.deepEqual(hooks.writes, ['put data/workspace/a', 'copy data/workspace/b', 'copy data/workspace/c'])
})

test('the bytes of an excluded file are stored under its first link that is not excluded', async (t) => {
  const things = [file('a.o', 'content'), hardLink('b', 'a.o'), hardLink('c', 'a.o'), hardLink('d.o', 'a.o')]
  const { upload, stored } = await workspaceOf(t, things, ['*.o'])
  assert.deepEqual(await upload(), { files: 2, bytes: 14 })
  assert.deepEqual(
    [...stored()],
    [
      ['data/workspace/b', 'content'],
      ['data/workspace/c', 'content'],
    ],
  )
})

const refusesAsChanged = (upload: Promise<unknown>, message: string) =>
  assert.rejects(upload, (error) => error instanceof CollectError && error.code === 'changed', message)

test('a second reading whose header differs in anything is refused', async (t) => {
  const original = file('a', '12345')
  const link = symbolicLink('s', 'target')
  const { upload } = await workspaceOf(t, [root, original, link])
  const changes: Partial<Thing>[] = [
    { path: 'b' },
    { path: Buffer.from('\xff', 'latin1') },
    { body: '123456' },
    { mode: 0o600 },
    { uid: 1001 },
    { gid: 1001 },
    { mtimeMs: 1 },
    { linkTarget: 'x' },
    { xattrs: new Map([['security.capability', Buffer.from('1')]]) },
  ]
  for (const change of changes) {
    await refusesAsChanged(upload({ again: [root, { ...original, ...change }, link] }), JSON.stringify(change))
  }
  await refusesAsChanged(upload({ again: [root, original, symbolicLink('s', 'Target')] }), 'target of a link')
  await refusesAsChanged(upload({ again: [{ ...root, type: 'fifo' }, original, link] }), 'type')
})

test('an entry that is missing, added or in another place is refused', async (t) => {
  const [a, b] = [file('a', '1'), file('b', '2')]
  const { upload } = await workspaceOf(t, [a, b])
  for (const again of [[], [a], [b], [b, a], [a, b, file('c')], [a, directory('d'), b]]) {
    await refusesAsChanged(upload({ again }), JSON.stringify(again))
  }
})

test('content that differs between the passes is refused and never stored, small or large, sent or held', async (t) => {
  for (const length of [5, mebibyte + 1]) {
    const { upload, stored } = await workspaceOf(t, [file('a', Buffer.alloc(length, 'x'))])
    const again = [file('a', Buffer.alloc(length, 'x').fill('y', length - 1))]
    await refusesAsChanged(upload({ again }), `${length} bytes, sent`)
    assert.equal(stored().size, 0)
    await upload()
    await refusesAsChanged(upload({ again, resuming: true }), `${length} bytes, already held`)
  }
})

test('an excluded file whose content differs is refused too', async (t) => {
  const { upload } = await workspaceOf(t, [file('a.o', 'one')], ['*.o'])
  await refusesAsChanged(upload({ again: [file('a.o', 'two')] }), 'excluded')
})

test('a resumed pass sends only what the store does not hold, and counts everything', async (t) => {
  const { upload, store } = await workspaceOf(t, workspace)
  const whole = await upload()
  store.objects.delete(`${prefix}data/workspace/empty`)
  store.objects.set(`${prefix}data/workspace/src/main.c`, Buffer.from('int main!'))
  const hooks = recordWrites()
  assert.deepEqual(await upload({ resuming: true, hooks }), whole)
  assert.deepEqual(hooks.writes.sort(), ['put data/workspace/empty', 'put data/workspace/src/main.c'])
})

test('a first pass asks the store for nothing', async (t) => {
  const { upload } = await workspaceOf(t, workspace)
  const methods = new Set<string>()
  await upload({ hooks: { before: (method) => void methods.add(method) } })
  assert.deepEqual(methods, new Set(['put', 'copy']))
})

/** Lets everything happen that is ready to, so many times. */
async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise(setImmediate)
}

const small = (count: number) => Array.from({ length: count }, (_, index) => file(`file-${index}`, `${index}`))

test('small files go in parallel, at most sixteen at once, and no more than one is read ahead', async (t) => {
  const { upload, stored } = await workspaceOf(t, small(100))
  const seen = { entries: 0, running: 0, most: 0, sent: 0 }
  let release = () => {}
  const full = new Promise<void>((resolve) => {
    release = resolve
  })
  const before = async () => {
    seen.running++
    seen.most = Math.max(seen.most, seen.running)
    assert.ok(seen.entries <= seen.sent + 17, 'what is read and not yet sent stays within the bound')
    if (seen.running === 16) await turns(20).then(release)
    await full
    seen.running--
    seen.sent++
  }
  await upload({ onEntry: () => void seen.entries++, hooks: { before } })
  assert.equal(seen.most, 16)
  assert.equal(stored().size, 100)
})

test('the failure of one small file cancels those beside it, and is what comes out', async (t) => {
  const { upload, store } = await workspaceOf(t, small(100))
  let asked = 0
  let cancelled = 0
  const failing: Store['put'] = async (_key, _content, _body, options) => {
    asked++
    if (asked === 5) throw unreachable()
    await new Promise((_resolve, reject) => {
      options?.signal?.addEventListener('abort', () => {
        cancelled++
        reject(options.signal?.reason)
      })
    })
    return 'stored'
  }
  Object.assign(store, { put: failing })
  await assert.rejects(upload(), { name: 'StoreError', code: 'unreachable' })
  assert.equal(cancelled, asked - 1)
  assert.ok(asked <= 16)
})

test('the failure of one small file cancels a large one that is being sent', async (t) => {
  const { upload, store } = await workspaceOf(t, [file('small', '1'), file('large', Buffer.alloc(mebibyte + 1))])
  let failSmall = () => {}
  let largeWasCancelled = false
  const failing: Store['put'] = async (key, _content, _body, options) => {
    if (key.endsWith('small')) await new Promise((_resolve, reject) => (failSmall = () => reject(unreachable())))
    failSmall()
    await turns(20)
    largeWasCancelled = options?.signal?.aborted === true
    return 'stored'
  }
  Object.assign(store, { put: failing })
  await assert.rejects(upload(), { name: 'StoreError', code: 'unreachable' })
  assert.ok(largeWasCancelled)
})

test('whatever ends the pass, no sending goes on behind it', async (t) => {
  const { upload, store } = await workspaceOf(t, [file('a', '1'), file('b', '2')])
  let ended = 0
  const waiting: Store['put'] = async (_key, _content, _body, options) => {
    await new Promise<void>((resolve) => options?.signal?.addEventListener('abort', () => resolve()))
    await turns(5)
    ended++
    return 'stored'
  }
  Object.assign(store, { put: waiting })
  await refusesAsChanged(upload({ again: [file('a', '1'), file('c', '2')] }), 'another name')
  assert.equal(ended, 1)
})

test('an abort from outside ends the pass with its reason', async (t) => {
  const { upload } = await workspaceOf(t, small(50))
  const stopping = new AbortController()
  let puts = 0
  const hooks: StoreHooks = {
    before() {
      puts++
      if (puts === 3) stopping.abort(new Error('the service is stopping'))
    },
  }
  await assert.rejects(upload({ hooks, signal: stopping.signal }), /the service is stopping/)
  assert.ok(puts < 50)
})

test('a file that the store refuses, or whose transfer is cut, is named: small or large, when it is sent and when it is asked for', async (t) => {
  const { upload } = await workspaceOf(t, [root, file('small.txt', 'x'), file('Bài tập#1', 'y'.repeat(9 * mebibyte))])
  const faults = [
    new StoreError('refused', 'host answered 413', undefined, 'It answered so.'),
    new CutTransfer('unreachable', 'host answered 504', undefined, 'It answered so.'),
  ]
  const cases = faults.flatMap((fault) =>
    ['small.txt', 'Bài tập#1'].flatMap((name) => [
      { fault, name, refuses: 'put' },
      { fault, name, refuses: 'stat' },
    ]),
  )
  for (const { fault, name, refuses } of cases) {
    const hooks: StoreHooks = {
      before(method, key) {
        if (method === refuses && key.endsWith(name)) throw fault
      },
    }
    const isNamed = (error: unknown) =>
      error instanceof StoreError &&
      error.code === fault.code &&
      error.advice === `It answered so. The file is '${name}'.`
    await assert.rejects(upload({ hooks, resuming: refuses === 'stat' }), isNamed)
  }
})
