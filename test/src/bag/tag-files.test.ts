// The files of a bag that describe its payload, whatever the names in it hold.

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import { bagDeclaration, bagInfo, manifest, type TagFile, tagManifest } from '../../../src/bag/tag-files.ts'
import { submission } from '../../../src/bag/write-submission.ts'
import { compileExclude } from '../../../src/collection/exclude.ts'
import type { Inventory } from '../../../src/collection/inventory.ts'
import { takeInventory } from '../../../src/collection/take-inventory.ts'
import { digestOf } from '../../../src/store/content.ts'
import { archiveOf, directory, file, hardLink, root, symbolicLink, type Thing } from '../../support/memory-archive.ts'

async function inventoryOf(t: TestContext, things: readonly Thing[]): Promise<Inventory> {
  const limits = { maxBytes: 1000, maxFiles: 1000, exclude: compileExclude(['*.o']) }
  const inventory = await takeInventory(archiveOf(things), limits)
  t.after(() => inventory.close())
  return inventory
}

/** The text of a tag file, whose announced content must be that of its bytes. */
async function textOf({ content, stream }: TagFile): Promise<string> {
  const chunks: Uint8Array[] = []
  for await (const chunk of stream()) chunks.push(chunk)
  const bytes = Buffer.concat(chunks)
  assert.deepEqual(content, digestOf(bytes))
  return bytes.toString()
}

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')
const badName = Buffer.from('bad\xff', 'latin1')
const modified = { mtimeMs: Date.UTC(2026, 0, 2, 3, 4, 5, 678) }
const facts = { mode: '0644', mtime: '2026-01-02T03:04:05.678Z', uid: 1000, gid: 1000 }

const workspace = [
  { ...root, ...modified },
  file('a "quoted"\nname', 'one', modified),
  file(badName, 'two', modified),
  hardLink('second', 'a "quoted"\nname'),
  { ...symbolicLink('link', badName), ...modified },
  { ...directory('empty'), ...modified },
  file('x.o', 'excluded', modified),
  { path: 'pipe', type: 'fifo', ...modified } as const,
]

test('submission.json is JSON with one entry for each thing, whatever its name holds', async (t) => {
  const inventory = await inventoryOf(t, workspace)
  const text = await textOf(
    await submission({ schemaVersion: 1, nested: { a: [] } }, inventory, [{ path: 'bad\xfe', type: 'socket' }]),
  )
  const base64 = badName.toString('base64')
  assert.deepEqual(JSON.parse(text), {
    schemaVersion: 1,
    nested: { a: [] },
    files: [
      { path: 'a "quoted"\nname', key: 'data/workspace/a "quoted"=0Aname', size: 3, sha256: sha256('one'), ...facts },
      { path: 'bad\ufffd', pathBase64: base64, key: 'data/workspace/bad=FF', size: 3, sha256: sha256('two'), ...facts },
      {
        path: 'second',
        key: 'data/workspace/second',
        size: 3,
        sha256: sha256('one'),
        ...facts,
        mtime: '2026-01-02T03:04:05.000Z',
      },
    ],
    links: [
      { path: 'second', type: 'hard-link', target: 'a "quoted"\nname', ...facts, mtime: '2026-01-02T03:04:05.000Z' },
      { path: 'link', type: 'symbolic-link', target: 'bad\ufffd', targetBase64: base64, ...facts, mode: '0777' },
    ],
    directories: [
      { path: '', ...facts, mode: '0755' },
      { path: 'empty', ...facts, mode: '0755' },
    ],
    skipped: [
      { path: 'x.o', type: 'file', size: 8, reason: "excluded by the lab's rule *.o", ...facts },
      { path: 'pipe', type: 'fifo', reason: 'has no content that could be stored', ...facts },
      {
        path: 'bad\ufffd',
        pathBase64: Buffer.from('bad\xfe', 'latin1').toString('base64'),
        type: 'socket',
        reason: 'has no content that could be stored',
      },
    ],
  })
})

test('extended attributes that the archive has are with their file, whatever their names', async (t) => {
  const xattrs = new Map([
    ['security.capability', Buffer.from('\x01\xff', 'latin1')],
    ['__proto__', Buffer.from('x')],
  ])
  const inventory = await inventoryOf(t, [{ ...file('tool', 'one'), xattrs }, file('plain', 'two')])
  const { files } = JSON.parse(await textOf(await submission({ schemaVersion: 1 }, inventory, [])))
  assert.deepEqual(Object.entries(files[0].xattrs), [
    ['security.capability', 'Af8='],
    ['__proto__', 'eA=='],
  ])
  assert.equal('xattrs' in files[1], false)
})

test('submission.json of an empty workspace is JSON too', async (t) => {
  const inventory = await inventoryOf(t, [])
  const text = await textOf(await submission({ schemaVersion: 1 }, inventory, []))
  assert.deepEqual(JSON.parse(text), { schemaVersion: 1, files: [], links: [], directories: [], skipped: [] })
})

test('a time that no Date can hold does not stop the collection', async (t) => {
  for (const mtimeMs of [8.64e15 + 1, -8.64e15 - 1, Number.MAX_SAFE_INTEGER]) {
    const inventory = await inventoryOf(t, [file('far', '1', { mtimeMs })])
    JSON.parse(await textOf(await submission({ schemaVersion: 1 }, inventory, [])))
  }
})

test('a second name of a symbolic link or fifo is a link, and is skipped only as its first name is', async (t) => {
  const inventory = await inventoryOf(t, [
    symbolicLink('a', 'nowhere'),
    hardLink('b', 'a'),
    { path: 'p', type: 'fifo' },
    hardLink('q', 'p'),
  ])
  const { links, skipped, files } = JSON.parse(await textOf(await submission({ v: 1 }, inventory, [])))
  const paths = (things: { path: string }[]) => things.map(({ path }) => path)
  assert.deepEqual(paths(links), ['a', 'b', 'q'])
  assert.deepEqual(paths(skipped), ['p', 'q'])
  assert.deepEqual(files, [])
  assert.equal(inventory.skipped, skipped.length)
})

test('the manifest has one line a payload file, and no name breaks a line', async (t) => {
  const inventory = await inventoryOf(t, [...workspace, file('nothing in it')])
  const log = { key: 'data/logs/stdout.log', content: digestOf(Buffer.from('log')) }
  const lines = (await textOf(await manifest(inventory, [log]))).split('\n')
  assert.equal(lines.pop(), '')
  assert.deepEqual(lines, [
    `${sha256('one')}  data/workspace/a "quoted"=0Aname`,
    `${sha256('two')}  data/workspace/bad=FF`,
    `${sha256('one')}  data/workspace/second`,
    `${sha256('')}  data/workspace/nothing in it`,
    `${sha256('log')}  data/logs/stdout.log`,
  ])
})

test('the tag manifest names the declaration and every other tag file', async () => {
  const info = await bagInfo([['Payload-Oxum', '3.1']])
  assert.deepEqual((await textOf(await tagManifest([info]))).trimEnd().split('\n'), [
    `${sha256('BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n')}  bagit.txt`,
    `${sha256('Payload-Oxum: 3.1\n')}  bag-info.txt`,
  ])
  assert.equal(bagDeclaration.toString(), 'BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n')
})

test('a value in bag-info.txt stays on its line', async () => {
  const text = await textOf(
    await bagInfo([
      ['One', 'a\r\nb\nc'],
      ['Two', 'ế: đ'],
    ]),
  )
  assert.equal(text, 'One: a b c\nTwo: ế: đ\n')
})
