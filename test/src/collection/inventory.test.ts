// What one reading of an archive finds: records, limits, hard links and the heirs of excluded files, memory.
// How much at most: inventory-bounds.proof.ts.

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { type InventoryRecord, recordKey } from '../../../src/bag/contents.ts'
import type { Inventory } from '../../../src/collection/inventory.ts'
import { describe } from '../../../src/collection/take-inventory.ts'
import { digestOf } from '../../../src/store/content.ts'
import { archiveOf, directory, file, hardLink, root, symbolicLink, type Thing } from '../../support/memory-archive.ts'
import { deepFolder, deepLinks, inventoryOf, refuses } from '../../support/memory-inventory.ts'

async function recordsOf(inventory: Inventory): Promise<InventoryRecord[]> {
  const records: InventoryRecord[] = []
  for await (const record of inventory.records()) records.push(record)
  return records
}

async function storedKeysOf(inventory: Inventory): Promise<string[]> {
  const keys: string[] = []
  for await (const { key } of inventory.stored()) keys.push(key)
  return keys
}

test('every thing is recorded in order, with its header and the digests of its bytes', async (t) => {
  const things = [
    root,
    directory('src'),
    file('src/main.c', 'int main;', { mode: 0o4755, uid: 7, gid: 8, mtimeMs: -1000 }),
    file('empty'),
    symbolicLink('link', '/etc/passwd'),
    { path: 'pipe', type: 'fifo' as const },
  ]
  const inventory = await inventoryOf(t, things)
  const headers: InventoryRecord[] = []
  for await (const entry of archiveOf(things)) headers.push(describe(entry))
  const contents = [undefined, undefined, 'int main;', '', undefined, undefined]
  assert.deepEqual(
    await recordsOf(inventory),
    headers.map((header, index) => {
      const content = contents[index]
      return content === undefined ? header : { ...header, content: digestOf(Buffer.from(content)) }
    }),
  )
  assert.equal(headers[2]?.mode, 0o4755)
  assert.equal(headers[4]?.target, '/etc/passwd')
})

test('files and bytes are what is stored; fifos and devices are skipped, directories and links are not', async (t) => {
  const inventory = await inventoryOf(
    t,
    [
      root,
      directory('d'),
      file('a', '12345'),
      file('b', '678'),
      hardLink('b2', 'b'),
      symbolicLink('s', 'a'),
      { path: 'f', type: 'fifo' },
      { path: 'c', type: 'character-device' },
      { path: 'e', type: 'block-device' },
      file('x.o', 'excluded'),
    ],
    { exclude: ['*.o'] },
  )
  const { entries, files, bytes, skipped } = inventory
  assert.deepEqual({ entries, files, bytes, skipped }, { entries: 10, files: 3, bytes: 11, skipped: 4 })
  assert.deepEqual(await storedKeysOf(inventory), ['data/workspace/a', 'data/workspace/b', 'data/workspace/b2'])
})

test('names that are not UTF-8 stay apart and are found again', async (t) => {
  const names = [Buffer.from('bad\xff', 'latin1'), Buffer.from('bad\xfe', 'latin1'), Buffer.from('badÿ'), 'plain']
  const inventory = await inventoryOf(
    t,
    names.map((name, index) => file(name, String(index))),
  )
  assert.equal(new Set(await storedKeysOf(inventory)).size, names.length)
  for (const [index, name] of names.entries()) {
    const found = await inventory.find(recordKey(Buffer.from(name).toString('latin1')))
    assert.deepEqual(found?.record.content, digestOf(Buffer.from(String(index))))
  }
  assert.equal(await inventory.find('data/workspace/other'), undefined)
})

test('a record longer than one look-ahead is read back whole', async (t) => {
  const path = `${'directory/'.repeat(380)}file`
  const inventory = await inventoryOf(t, [file(path, 'deep'), file('next', 'one')])
  assert.deepEqual(
    (await recordsOf(inventory)).map((record) => record.path),
    [path, 'next'],
  )
})

test('an excluded or too large file is recorded with the reason and its digests, and is not stored', async (t) => {
  const inventory = await inventoryOf(t, [file('a.o', 'object'), file('big', '12345'), file('fits', '1234')], {
    exclude: ['*.o'],
    maxFileBytes: 4,
  })
  const [excluded, big, fits] = await recordsOf(inventory)
  assert.match(excluded?.skipped ?? '', /rule \*\.o/)
  assert.deepEqual(excluded?.content, digestOf(Buffer.from('object')))
  assert.match(big?.skipped ?? '', /limit of 4 bytes/)
  assert.equal(fits?.skipped, undefined)
  assert.deepEqual(await storedKeysOf(inventory), ['data/workspace/fits'])
})

test('a hard link has the content of the file that it names', async (t) => {
  const inventory = await inventoryOf(t, [file('a', 'content'), hardLink('b', 'a'), hardLink('c', 'a')])
  const records = await recordsOf(inventory)
  assert.deepEqual(
    records.map(({ content }) => content?.sha256),
    Array(3).fill(digestOf(Buffer.from('content')).sha256),
  )
  assert.equal(inventory.files, 3)
  assert.equal(inventory.bytes, 21)
})

test('a hard link to an excluded file inherits its bytes, the first one that is stored', async (t) => {
  const things = [file('a.o', 'content'), hardLink('b.o', 'a.o'), hardLink('kept', 'a.o'), hardLink('kept2', 'a.o')]
  const inventory = await inventoryOf(t, things, { exclude: ['*.o'] })
  const [first, second, kept, kept2] = await recordsOf(inventory)
  assert.ok(first && second && kept && kept2)
  assert.equal(await inventory.keyForBytes(first), 'data/workspace/kept')
  assert.equal(await inventory.keyForBytes(kept), 'data/workspace/kept')
  assert.equal(await inventory.keyForBytes(kept2), 'data/workspace/kept2')
  assert.ok(second.skipped)
  assert.deepEqual(await storedKeysOf(inventory), ['data/workspace/kept', 'data/workspace/kept2'])
  assert.equal(inventory.skipped, 2)
})

test('a skipped file without a stored link has no key for its bytes', async (t) => {
  const inventory = await inventoryOf(t, [file('a.o', 'content')], { exclude: ['*.o'] })
  const [record] = await recordsOf(inventory)
  assert.ok(record)
  assert.equal(await inventory.keyForBytes(record), undefined)
})

test('a hard link to a symbolic link, a fifo or a device is recorded as a link, and stores nothing', async (t) => {
  const inventory = await inventoryOf(t, [
    symbolicLink('a', 'nowhere'),
    hardLink('b', 'a'),
    { path: 'p', type: 'fifo' },
    hardLink('q', 'p'),
    file('f', 'content'),
  ])
  const records = await recordsOf(inventory)
  assert.deepEqual(
    records.map(({ path }) => path),
    ['a', 'b', 'p', 'q', 'f'],
  )
  assert.equal(inventory.files, 1)
  assert.equal(inventory.skipped, 2, 'the fifo and its second name')
  assert.deepEqual(await storedKeysOf(inventory), ['data/workspace/f'])
})

test('a hard link to what the archive does not have means that the archive is not whole', async (t) => {
  await refuses(t, [hardLink('b', 'a'), file('a', 'later')], {}, 'archive-incomplete')
  await refuses(t, [directory('a'), hardLink('b', 'a')], {}, 'archive-incomplete')
})

test('exactly the limits are allowed, one more is not', async (t) => {
  const five = file('a', '12345')
  await inventoryOf(t, [five, file('b', '67890')], { maxBytes: 10, maxFiles: 2 })
  await refuses(t, [five, file('b', '678901')], { maxBytes: 10, maxFiles: 2 })
  await refuses(t, [five, file('b'), file('c')], { maxBytes: 10, maxFiles: 2 })
  await refuses(t, [five, hardLink('b', 'a'), hardLink('c', 'a')], { maxBytes: 10 })
})

test('what is excluded does not count against the limits of what is stored', async (t) => {
  const things = [file('a.o', '1'.repeat(30)), file('b.o', '1'), file('c.o', '1'), file('d', '1')]
  const inventory = await inventoryOf(t, things, { exclude: ['*.o'], maxBytes: 10, maxFiles: 1 })
  assert.equal(inventory.files, 1)
})

test('a sparse giant is refused before its first byte is read, stored or excluded', async (t) => {
  const giant = (path: string) => ({
    ...file(path, () => assert.fail('its bytes are read')),
    size: 8 * 2 ** 60,
  })
  await refuses(t, [giant('a')], {})
  await refuses(t, [giant('a.o')], { exclude: ['*.o'] })
  await refuses(t, [giant('a')], { maxFileBytes: 1 })
})

test('excluded files may be read far beyond a small limit, but not without end', async (t) => {
  const things = Array.from({ length: 100 }, (_, index) => file(`${index}.o`, '1234567890'))
  await inventoryOf(t, things, { exclude: ['*.o'], maxBytes: 10 })
  const large = { ...file('large.o', () => assert.fail('its bytes are read')), size: 16 * 1024 ** 3 - 999 }
  await refuses(t, [...things, large], { exclude: ['*.o'], maxBytes: 10 })
})

test('an archive that breaks is the inventory’s own error', async (t) => {
  const broken = file(
    'a',
    async function* () {
      yield Buffer.from('1')
      throw new RangeError('cut')
    },
    { size: 2 },
  )
  await assert.rejects(inventoryOf(t, [broken]), RangeError)
})

test('a key is made for what is stored alone, and once for the folders that files share', async (t) => {
  const others = [root, directory(deepFolder), ...deepLinks(50), { path: `${deepFolder}/pipe`, type: 'fifo' as const }]
  const excluded = [file(`${deepFolder}/a.o`, 'object')]
  const without = await inventoryOf(t, [...others, ...excluded], { exclude: ['**/*.o'] })
  assert.equal(without.keys.segments, 0)
  const files = Array.from({ length: 100 }, (_, index) => file(`${deepFolder}/file-${index}`, '1'))
  const inventory = await inventoryOf(t, [...others, ...files])
  assert.equal(inventory.keys.segments, 34 + 100)
})

test('a link and its target with every byte that a name can have come back as they are', async (t) => {
  const everyByte = Buffer.from(Array.from({ length: 255 }, (_, index) => index + 1))
  const inventory = await inventoryOf(t, [symbolicLink('a', everyByte), file(everyByte, 'content')])
  const [link, stored] = await recordsOf(inventory)
  assert.equal(link?.target, everyByte.toString('latin1'))
  assert.equal(stored?.path, everyByte.toString('latin1'))
})

const collectGarbage: () => void = (() => {
  setFlagsFromString('--expose-gc')
  return runInNewContext('gc')
})()

async function heapBytesAnEntry(t: TestContext, things: Iterable<Thing>, count: number): Promise<number> {
  collectGarbage()
  const before = process.memoryUsage().heapUsed
  const inventory = await inventoryOf(t, things, { maxFiles: count })
  collectGarbage()
  const perEntry = (process.memoryUsage().heapUsed - before) / count
  assert.equal(inventory.entries, count)
  return perEntry
}

test('a file costs at most 400 bytes of heap', async (t) => {
  function* many(count: number): Generator<Thing> {
    for (let index = 0; index < count; index++) yield file(`directory-${index % 100}/file-number-${index}`)
  }
  const perFile = await heapBytesAnEntry(t, many(20_000), 20_000)
  assert.ok(perFile < 400, `${Math.round(perFile)} bytes`)
})

test('what a thing costs in memory does not grow with its path', async (t) => {
  const perLink = await heapBytesAnEntry(t, deepLinks(5000), 5000)
  assert.ok(perLink < 400, `${Math.round(perLink)} bytes`)
})

test('a large file that comes without any waiting holds nobody else up', async (t) => {
  let turns = 0
  let last = setImmediate(function count() {
    turns++
    last = setImmediate(count)
  })
  t.after(() => clearImmediate(last))
  const chunk = Buffer.alloc(2 ** 20)
  const size = 200 * chunk.length
  let meanwhile = 0
  async function* body() {
    const before = turns
    for (let sent = 0; sent < size; sent += chunk.length) yield chunk
    meanwhile = turns - before
  }
  await inventoryOf(t, [{ ...file('large', body), size }], { maxBytes: size })
  assert.ok(meanwhile > 0, 'others had their turns')
})
