// Compares a bag in a folder with what was in the workspace before: both ways, so that nothing is missing and nothing is made up.
// The referee's reader (test/referee/bags.ts) says what the bag holds.

import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Bag, readBag } from '../referee/bags.ts'
import { openStoreView } from '../referee/store.ts'
import { type DownStudent, Submission } from './answers.ts'
import { shaped } from './shape.ts'
import type { Thing } from './workspace.ts'

type Truth = ReadonlyMap<string, Thing>

const rawPath = ({ path, pathBase64 }: { path: string; pathBase64?: string }): string =>
  Buffer.from(pathBase64 ?? path, pathBase64 === undefined ? 'utf8' : 'base64').toString('latin1')

const rawTarget = ({ target, targetBase64 }: { target: string; targetBase64?: string }): string =>
  rawPath({ path: target, ...(targetBase64 === undefined ? {} : { pathBase64: targetBase64 }) })

/** Fails unless the lists hold the same texts, whatever their order; says which differ. */
function assertSame(what: string, found: Iterable<string>, expected: Iterable<string>): void {
  const [left, right] = [[...found], [...expected]]
  const [inLeft, inRight] = [new Set(left), new Set(right)]
  const differing = {
    missing: right.filter((each) => !inLeft.has(each)),
    extra: left.filter((each) => !inRight.has(each)),
  }
  assert.deepEqual(differing, { missing: [], extra: [] }, what)
  assert.equal(left.length, right.length, `${what}: something is named twice`)
}

/** `isExcluded` is the lab's rule in the test's own words. Returns the submission record for further looks. */
export async function assertBagHolds(
  folder: string,
  truth: Truth,
  student: DownStudent,
  isExcluded: (path: string) => boolean = () => false,
): Promise<Submission> {
  const bag = await readBag(openStoreView(folder), '')
  const submission = shaped(Submission, JSON.parse(await readFile(join(folder, 'meta/submission.json'), 'utf8')))
  const things = [...truth.values()]
  const stored = things.filter(({ type, path }) => type === 'file' && !isExcluded(path))
  assertSame(
    'files',
    submission.files.map(rawPath),
    stored.map(({ path }) => path),
  )
  assertContents(bag, submission, truth)
  assertLinks(submission, truth)
  const directories = things.filter(({ type }) => type === 'directory')
  assertSame(
    'directories',
    submission.directories.map(rawPath),
    directories.map(({ path }) => path),
  )
  const skipped = things.filter(
    ({ type, path }) => /^(fifo|socket)$/.test(type) || (type === 'file' && isExcluded(path)),
  )
  assertSame(
    'skipped',
    submission.skipped.map(rawPath),
    skipped.map(({ path }) => path),
  )
  for (const { reason } of submission.skipped) assert.notEqual(reason, '')
  for (const entry of [...submission.files, ...submission.directories]) assertFacts(entry, truth)

  const counts = {
    files: stored.length,
    bytes: stored.reduce((sum, { size }) => sum + size, 0),
    skipped: skipped.length,
  }
  assert.deepEqual(submission.totals, counts)
  assert.deepEqual({ files: student.files, bytes: student.bytes, skipped: student.skipped }, counts)
  assert.deepEqual(submission.manifest, { key: 'manifest-sha256.txt', sha256: student.manifestSha256 })
  assert.equal(bag.manifestSha256, student.manifestSha256)
  return submission
}

/** Every file's object has the bytes that the student wrote, and data/ holds no other but the two logs. */
function assertContents(bag: Bag, { files }: Submission, truth: Truth): void {
  for (const file of files) {
    const path = rawPath(file)
    const original = truth.get(path)
    assert.deepEqual([file.size, file.sha256], [original?.size, original?.sha256], file.path)
    const held = bag.files.get(Buffer.from(path, 'latin1').toString('base64'))
    assert.equal(held, original?.sha256, `the object of ${JSON.stringify(file.path)}`)
  }
  const logs = ['data/logs/stdout.log', 'data/logs/stderr.log']
  assertSame('objects', bag.payload.keys(), [...files.map(({ key }) => key), ...logs])
}

/** Each symbolic link with its text; of each file with several names all but one as a hard link to another of them. */
function assertLinks({ links }: Submission, truth: Truth): void {
  const named = new Map(links.map((link) => [rawPath(link), link]))
  const firstNames = new Set<string>()
  for (const { path, type, target, inode } of truth.values()) {
    const link = named.get(path)
    if (link?.type === 'hard-link') {
      assert.equal(truth.get(rawTarget(link))?.inode, inode, `${path}: a hard link to another file`)
      continue
    }
    if (type === 'symbolic-link') {
      assert.ok(link, `the link ${path} is missing`)
      assert.deepEqual([link.type, rawTarget(link)], [type, target], path)
    } else {
      assert.equal(link, undefined, `${path} is no link`)
    }
    if (type !== 'directory')
      assert.ok(!firstNames.has(inode), `${path} is a further name of a file and not said to be`)
    firstNames.add(inode)
  }
  assert.deepEqual(
    [...named.keys()].filter((path) => !truth.has(path)),
    [],
    'links that never were',
  )
}

function assertFacts(entry: Submission['files'][number] | Submission['directories'][number], truth: Truth): void {
  const original = truth.get(rawPath(entry))
  assert.deepEqual(
    [entry.mode, entry.uid, entry.gid, Math.floor(Date.parse(entry.mtime) / 1000)],
    [original?.mode, original?.uid, original?.gid, original?.mtimeSeconds],
    entry.path,
  )
}
