// The referee of unit tests: looks at a directory store by the file system alone, and says whether a bag is whole and
// holds what a student wrote. It shares no code with the service: both cannot be wrong in the same way.

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { access, readdir, readFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { bytesOf, type Thing } from './memory-archive.ts'

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

/** Every file below `folder` by its path from there, sorted; none where the folder is absent. */
export async function filesBelow(folder: string): Promise<Map<string, Buffer>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [])
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  const files = new Map<string, Buffer>()
  for (const path of paths.sort()) files.set(relative(folder, path), await readFile(path))
  return files
}

/** Fails unless `folder` is a whole BagIt 1.0 bag. Returns its files. */
export async function checkBag(folder: string): Promise<Map<string, Buffer>> {
  const files = await filesBelow(folder)
  const text = (path: string): string => files.get(path)?.toString() ?? assert.fail(`${folder} has no ${path}`)
  assert.equal(text('bagit.txt'), 'BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n')

  const isPayload = (path: string) => path.startsWith('data/')
  const payload = [...files].filter(([path]) => isPayload(path))
  const tags = [...files].filter(([path]) => !isPayload(path) && path !== 'tagmanifest-sha256.txt')
  const lines = (listed: typeof payload) => listed.map(([path, bytes]) => `${sha256(bytes)}  ${path}`).sort()
  assert.deepEqual(text('manifest-sha256.txt').trimEnd().split('\n').sort(), lines(payload))
  assert.deepEqual(text('tagmanifest-sha256.txt').trimEnd().split('\n').sort(), lines(tags))

  const octets = payload.reduce((sum, [, bytes]) => sum + bytes.length, 0)
  assert.match(text('bag-info.txt'), new RegExp(`^Payload-Oxum: ${octets}\\.${payload.length}$`, 'm'))
  JSON.parse(text('meta/submission.json'))
  return files
}

/** Where a bag says that the file lies which the student saw as `path`. */
function keysByPath(files: ReadonlyMap<string, Buffer>): Map<string, string> {
  const listed: unknown = JSON.parse(files.get('meta/submission.json')?.toString() ?? '').files
  assert.ok(Array.isArray(listed))
  return new Map(listed.map(({ path, pathBase64, key }) => [pathBase64 ?? Buffer.from(path).toString('base64'), key]))
}

/** Whether one whole, committed bag of the student's holds each file of `things`, byte for byte. */
export async function isCollected(studentFolder: string, things: readonly Thing[]): Promise<boolean> {
  for (const collection of await readdir(studentFolder).catch(() => [])) {
    const folder = join(studentFolder, collection)
    const committed = await access(join(folder, 'bagit.txt')).then(
      () => true,
      () => false,
    )
    if (!committed) continue
    const files = await checkBag(folder)
    const keys = keysByPath(files)
    const written = things.filter(({ type = 'file' }) => type === 'file')
    const keyOf = (thing: Thing) => keys.get(Buffer.from(thing.path).toString('base64')) ?? ''
    if (written.every((thing) => files.get(keyOf(thing))?.equals(bytesOf(thing)) === true)) return true
  }
  return false
}
