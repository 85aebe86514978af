// The referee's reader of bags: a whole one is read, and one with any single thing wrong is refused.

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { committedBags, readBag } from './bags.ts'
import type { StoreView } from './store.ts'

const bag = 'C/20261123t000000000z-abcd/S01/final/'
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')
const base64 = (path: string): string => Buffer.from(path, 'latin1').toString('base64')

const payload = {
  'data/workspace/folder/a.txt': 'first',
  'data/workspace/=FF': 'second',
  'data/logs/stdout.log': 'welcome\n',
}

type Contents = Readonly<Record<string, string>>

const sumsOf = (files: Contents): string =>
  Object.entries(files)
    .map(([key, text]) => `${sha256(text)}  ${key}\n`)
    .join('')

/** The tag files of such a bag, with `changes` to them that the tag manifest agrees with; '' leaves one out. */
function bagOf(changes: Contents = {}): Map<string, string> {
  const submission = {
    files: [
      { path: 'folder/a.txt', key: 'data/workspace/folder/a.txt' },
      { path: '\ufffd', pathBase64: base64('\xff'), key: 'data/workspace/=FF' },
    ],
  }
  const tags: Contents = {
    'bagit.txt': 'BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n',
    'bag-info.txt': 'Bagging-Date: 2026-11-23\nPayload-Oxum: 19.3\n',
    'manifest-sha256.txt': sumsOf(payload),
    'meta/submission.json': JSON.stringify(submission),
    ...changes,
  }
  const left = Object.fromEntries(Object.entries(tags).filter(([, text]) => text !== ''))
  return new Map(Object.entries({ ...payload, ...left, 'tagmanifest-sha256.txt': sumsOf(left) }))
}

const viewOf = (objects: ReadonlyMap<string, string>): StoreView => ({
  list: async (prefix) => new Set([...objects.keys()].map((key) => bag + key).filter((key) => key.startsWith(prefix))),
  async *read(key) {
    const text = objects.get(key.slice(bag.length))
    if (text === undefined) throw new Error(`there is no ${key}`)
    yield Buffer.from(text)
  },
})

/** Lays another text at a key, behind the back of both manifests. */
const laid = (key: string, text: string) => bagOf().set(key, text)

function without(key: string): Map<string, string> {
  const objects = bagOf()
  objects.delete(key)
  return objects
}

const submissionOf = (files: readonly object[]) => bagOf({ 'meta/submission.json': JSON.stringify({ files }) })
const a = { path: 'folder/a.txt', key: 'data/workspace/folder/a.txt' }
const odd = { path: '\ufffd', pathBase64: base64('\xff'), key: 'data/workspace/=FF' }

test('a whole bag: its files by the bytes of their names, its objects, the digest of its manifest', async () => {
  const { files, payload: objects, manifestSha256 } = await readBag(viewOf(bagOf()), bag)
  assert.deepEqual(
    [...files],
    [
      [base64('folder/a.txt'), sha256('first')],
      [base64('\xff'), sha256('second')],
    ],
  )
  assert.deepEqual([...objects.keys()], Object.keys(payload))
  assert.equal(manifestSha256, sha256(sumsOf(payload)))
})

const firstLine = sumsOf(payload).split('\n')[0]

const damaged: readonly [what: string, objects: Map<string, string>, refused: RegExp][] = [
  ['no commit mark', without('bagit.txt'), /bagit\.txt/],
  ['another commit mark', bagOf({ 'bagit.txt': 'BagIt-Version: 0.97\n' }), /bagit\.txt holds/],
  ['no manifest', without('manifest-sha256.txt'), /manifest-sha256/],
  ['no tag manifest', without('tagmanifest-sha256.txt'), /there is no .*tagmanifest/],
  ['no submission.json', bagOf({ 'meta/submission.json': '' }), /submission\.json/],
  ['no bag-info.txt', bagOf({ 'bag-info.txt': '' }), /there is no .*bag-info/],
  ['a file is missing', without('data/workspace/=FF'), /=FF is in the manifest only/],
  ['a log is missing', without('data/logs/stdout.log'), /stdout\.log is in the manifest only/],
  ['a tag file is missing', without('bag-info.txt'), /bag-info\.txt is in a manifest only/],
  ['an object is extra', laid('data/workspace/extra', ''), /extra/],
  ['a log is extra', laid('data/logs/extra', ''), /extra/],
  ['a tag file is extra', laid('meta/extra', ''), /extra/],
  ['a file has other bytes', laid('data/workspace/=FF', 'Second'), /=FF: the store's/],
  ['a log has other bytes', laid('data/logs/stdout.log', 'welcomE\n'), /stdout\.log: the store's/],
  ['a tag file has other bytes', laid('bag-info.txt', 'Payload-Oxum: 19.3\n'), /bag-info\.txt: the store's/],
  ['a line of the manifest is lost', bagOf({ 'manifest-sha256.txt': `${firstLine}\n` }), /final\/data/],
  ['a line is there twice', bagOf({ 'manifest-sha256.txt': `${sumsOf(payload)}${firstLine}\n` }), /a\.txt/],
  ['a line is none', bagOf({ 'manifest-sha256.txt': `${sumsOf(payload)}0123  x\n` }), /0123/],
  ['the sum is wrong', bagOf({ 'bag-info.txt': 'Payload-Oxum: 18.3\n' }), /Payload-Oxum: 18\.3/],
  ['the sum is missing', bagOf({ 'bag-info.txt': 'Bagging-Date: 2026-11-23\n' }), /bag-info\.txt/],
  ['submission.json is none', bagOf({ 'meta/submission.json': '{"files": [' }), /JSON/],
  ['it leaves a file out', submissionOf([a]), /does not name data\/workspace\/=FF/],
  [
    'it names an object that is in no manifest',
    submissionOf([a, odd, { ...a, path: 'ế', key: 'data/workspace/x' }]),
    /workspace\/x/,
  ],
  ['it has a log as a file', submissionOf([a, odd, { path: 'ế', key: 'data/logs/stdout.log' }]), /logs/],
  ['it has a path twice', submissionOf([a, odd, { ...odd, key: 'data/workspace/=FE' }]), /twice/],
  ['it has a key twice', submissionOf([a, odd, { ...odd, pathBase64: base64('\xfe') }]), /twice/],
  ['it has a plain path elsewhere', submissionOf([odd, { ...a, path: 'b.txt' }]), /b\.txt/],
]

for (const [what, objects, refused] of damaged) {
  test(`refused: ${what}`, async () => {
    await assert.rejects(readBag(viewOf(objects), bag), { message: refused })
  })
}

test('committed bags are those with a mark, of one student or of a session; what students call so is none', async () => {
  const keys = ['final/bagit.txt', 'final-2/data/logs/stdout.log', 'snapshot-20261123t000000000z/bagit.txt']
  const work = ['final/data/workspace/bagit.txt', 'final/data/workspace/final/bagit.txt']
  const store: StoreView = {
    ...viewOf(new Map()),
    list: async (prefix) =>
      new Set(
        ['S01', 'S02']
          .flatMap((id) => [...keys, ...work].map((key) => `C/s/${id}/${key}`))
          .filter((key) => key.startsWith(prefix)),
      ),
  }
  const ofOne = ['C/s/S01/final/', 'C/s/S01/snapshot-20261123t000000000z/']
  assert.deepEqual(await committedBags(store, 'C/s/S01/'), ofOne)
  assert.deepEqual(await committedBags(store, 'C/s/'), [...ofOne, ...ofOne.map((bag) => bag.replace('S01', 'S02'))])
})
