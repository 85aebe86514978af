// The referee of unit tests: whether a directory store's bags are whole and hold what a student wrote, by the reader of the
// referee of live tests (test/referee).

import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { committedBags, readBag } from '../referee/bags.ts'
import { openStoreView } from '../referee/store.ts'
import { bytesOf, type Thing } from './memory-archive.ts'

/** Every file below `folder` by its path from there, sorted; none where the folder is absent. */
export async function filesBelow(folder: string): Promise<Map<string, Buffer>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [])
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  const files = new Map<string, Buffer>()
  for (const path of paths.sort()) files.set(relative(folder, path), await readFile(path))
  return files
}

/** Fails unless `folder` is a whole bag. Returns its files. */
export async function checkBag(folder: string): Promise<Map<string, Buffer>> {
  await readBag(openStoreView(folder), '')
  return await filesBelow(folder)
}

/** Whether one whole, committed bag of the student's holds each file of `things`, byte for byte. Fails at one that is not whole. */
export async function isCollected(studentFolder: string, things: readonly Thing[]): Promise<boolean> {
  const store = openStoreView(studentFolder)
  const written = things.filter(({ type = 'file' }) => type === 'file')
  for (const prefix of await committedBags(store, '')) {
    const { files } = await readBag(store, prefix)
    const isHeld = (thing: Thing) => files.get(Buffer.from(thing.path).toString('base64')) === sha256Of(bytesOf(thing))
    if (written.every(isHeld)) return true
  }
  return false
}

const sha256Of = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
