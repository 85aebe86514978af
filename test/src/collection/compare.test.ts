// What a store holds against what it should hold, with stores that are wrong in every way.

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { compareBag, holds } from '../../../src/collection/compare.ts'
import { compileExclude } from '../../../src/collection/exclude.ts'
import { takeInventory } from '../../../src/collection/take-inventory.ts'
import { digestOf } from '../../../src/store/content.ts'
import type { Store } from '../../../src/store/port.ts'
import { archiveOf, file, root, type Thing } from '../../support/memory-archive.ts'
import { createMemoryStore, type MemoryStore } from '../../support/memory-store.ts'

const prefix = 'os101-a/session/SV001/final/'
const { signal } = new AbortController()
const logContent = digestOf(Buffer.from('log'))
const others = new Map([['data/logs/stdout.log', logContent]])

/** A store that holds exactly what is expected of it. */
async function filledStore(t: TestContext, things: readonly Thing[]) {
  const limits = { maxBytes: 1000, maxFiles: 1000, exclude: compileExclude(['*.o']) }
  const inventory = await takeInventory(archiveOf([root, ...things]), limits)
  t.after(() => inventory.close())
  const store = createMemoryStore()
  for (const { path, body } of things) {
    if (typeof body === 'string') store.objects.set(`${prefix}data/workspace/${path}`, Buffer.from(body))
  }
  store.objects.set(`${prefix}data/logs/stdout.log`, Buffer.from('log'))
  return { store, compare: (seen: Store = store) => compareBag(seen, prefix, { inventory, others }, signal) }
}

/** The same store, as one that computes no digest: only reading back proves anything. */
const withoutMd5 = (store: MemoryStore): Store => ({
  ...store,
  async stat(key) {
    const object = await store.stat(key)
    return object && { ...object, md5: undefined }
  },
  async *list(key) {
    for await (const object of store.list(key)) yield { ...object, md5: undefined }
  },
})

const things = [file('a', 'one'), file('b/c', 'two')]
const same = { missing: [], differing: [], extra: [], unlisted: 0 }

test('a store that holds exactly what was expected has no differences, with MD5 and without', async (t) => {
  const { store, compare } = await filledStore(t, things)
  assert.deepEqual(await compare(), same)
  assert.deepEqual(await compare(withoutMd5(store)), same)
})

test('what another bag of the same student holds does not matter', async (t) => {
  const { store, compare } = await filledStore(t, things)
  store.objects.set(prefix.replace('final/', 'final-2/data/workspace/x'), Buffer.from('x'))
  assert.deepEqual(await compare(), same)
})

test('a missing object is named, of the workspace and of the rest', async (t) => {
  const { store, compare } = await filledStore(t, things)
  store.objects.delete(`${prefix}data/workspace/b/c`)
  assert.deepEqual(await compare(), { ...same, missing: ['data/workspace/b/c'] })
  store.objects.delete(`${prefix}data/logs/stdout.log`)
  assert.deepEqual((await compare()).missing.sort(), ['data/logs/stdout.log', 'data/workspace/b/c'])
})

test('a flipped byte, a cut and an added byte are differences, with MD5 and without', async (t) => {
  const { store, compare } = await filledStore(t, things)
  for (const wrong of ['onE', 'on', 'onee', '']) {
    store.objects.set(`${prefix}data/workspace/a`, Buffer.from(wrong))
    assert.deepEqual(await compare(), { ...same, differing: ['data/workspace/a'] })
    assert.deepEqual(await compare(withoutMd5(store)), { ...same, differing: ['data/workspace/a'] })
  }
})

test('what nobody expects is extra, an excluded file too', async (t) => {
  const { store, compare } = await filledStore(t, [...things, file('x.o', 'object')])
  store.objects.set(`${prefix}meta/old.json`, Buffer.from('{}'))
  assert.deepEqual(await compare(), { ...same, extra: ['data/workspace/x.o', 'meta/old.json'] })
})

test('an object that the listing leaves out is a difference, even if it can be found', async (t) => {
  const { store, compare } = await filledStore(t, things)
  const forgetful: Store = {
    ...store,
    async *list(key) {
      for await (const object of store.list(key)) if (!object.key.endsWith('/a')) yield object
    },
  }
  assert.deepEqual(await compare(forgetful), { ...same, unlisted: 1 })
})

test('a listing that names one object twice does not hide that another is missing', async (t) => {
  const { store, compare } = await filledStore(t, things)
  store.objects.delete(`${prefix}data/workspace/b/c`)
  const stammering: Store = {
    ...store,
    async *list(key) {
      for await (const object of store.list(key)) {
        yield object
        if (object.key.endsWith('/a')) yield object
      }
    },
  }
  assert.deepEqual((await compare(stammering)).missing, ['data/workspace/b/c'])
})

test('at most a hundred missing keys are named', async (t) => {
  const many = Array.from({ length: 150 }, (_, index) => file(`file-${index}`, '1'))
  const { store, compare } = await filledStore(t, many)
  store.objects.clear()
  assert.equal((await compare()).missing.length, 100)
})

test('holds is true only for the very content', async () => {
  const store = createMemoryStore()
  store.objects.set('key', Buffer.from('one'))
  const content = digestOf(Buffer.from('one'))
  for (const seen of [store, withoutMd5(store)]) {
    assert.equal(await holds(seen, 'key', content, signal), true)
    assert.equal(await holds(seen, 'key', digestOf(Buffer.from('two')), signal), false)
    assert.equal(await holds(seen, 'key', digestOf(Buffer.from('longer')), signal), false)
    assert.equal(await holds(seen, 'absent', content, signal), false)
  }
})

test('an MD5 that the store tells wrong is checked by reading back', async () => {
  const store = createMemoryStore()
  store.objects.set('key', Buffer.from('one'))
  const confused: Store = { ...store, stat: async (key) => ({ key, size: 3, md5: 'f'.repeat(32) }) }
  assert.equal(await holds(confused, 'key', digestOf(Buffer.from('one')), signal), true)
})
