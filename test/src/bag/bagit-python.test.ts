// An independent reader: the Library of Congress's bagit-python accepts the bags that the real code makes, and refuses damaged ones.

import assert from 'node:assert/strict'
import { appendFile, cp, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { things } from '../../support/bag-damages.ts'
import { libraryFaults, skipWithoutLibrary } from '../../support/bagit.ts'
import { stoppedSandbox } from '../../support/memory-sandbox.ts'

const notes = 'data/workspace/notes'
const manifest = 'manifest-sha256.txt'

const edit = async (file: string, change: (text: string) => string): Promise<void> =>
  writeFile(file, change(await readFile(file, 'latin1')), 'latin1')

/** What is done to the folder of a bag, and what bagit-python must say of it. */
const damages: readonly [string, (bag: string) => Promise<void>, RegExp][] = [
  ['a byte is flipped', (bag) => edit(join(bag, notes), (text) => text.replace('h', 'j')), /notes sha256 validation/],
  ['a file is cut', (bag) => edit(join(bag, notes), (text) => text.slice(1)), /Payload-Oxum validation failed/],
  ['a file is dropped', (bag) => rm(join(bag, notes)), /Payload-Oxum validation failed/],
  ['a file is renamed', (bag) => rename(join(bag, notes), join(bag, `${notes}2`)), /notes2 exists on filesystem/],
  ['a file is added', (bag) => writeFile(join(bag, 'data/extra'), ''), /Payload-Oxum validation failed/],
  ['a tag file is changed', (bag) => appendFile(join(bag, 'meta/submission.json'), ' '), /submission\.json sha256/],
  [
    'a line is lost',
    (bag) => edit(join(bag, manifest), (text) => text.replace(/^.*notes\n/m, '')),
    /not in the manifest/,
  ],
  ['a path leads out', (bag) => appendFile(join(bag, manifest), `${'0'.repeat(64)}  data/../../x\n`), /unsafe/],
  ['the manifest is lost', (bag) => rm(join(bag, manifest)), /No manifest files found/],
  ['the declaration is lost', (bag) => rm(join(bag, 'bagit.txt')), /bagit\.txt does not exist/],
  ['the sum is wrong', (bag) => edit(join(bag, 'bag-info.txt'), (text) => text.replace(/(Oxum: )\d+/, '$11')), /Oxum/],
]

test('bagit-python accepts a bag with every odd name, and refuses it after each damage', {
  skip: skipWithoutLibrary,
}, async (t) => {
  const sandbox = await stoppedSandbox(t, things)
  await sandbox.collect()
  const folder = join(sandbox.folder, 'final')
  assert.deepEqual(await libraryFaults(folder), [])
  const scratch = await mkdtemp(join(sandbox.ofClass.folder, 'damaged-'))
  const copies = damages.map(([name]) => join(scratch, name))
  for (const [at, copy] of copies.entries()) {
    await cp(folder, copy, { recursive: true })
    await damages[at]?.[1](copy)
  }
  const faults = await libraryFaults(...copies)
  for (const [name, , said] of damages) {
    await t.test(name, () => {
      const verdicts = faults.filter((line) => line.includes(`/${name} is invalid: `))
      assert.equal(verdicts.length, 1, faults.join('\n'))
      assert.match(verdicts.join(), said)
    })
  }
})
