// A bag read back as a workspace: only what is committed, and only bytes that are the ones that were collected.

import assert from 'node:assert/strict'
import { readFile, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { requireBag, restoredContents } from '../../../src/collection/restore.ts'
import { openWorkedClass } from '../../support/memory-class.ts'

const signal = new AbortController().signal

async function openBag(t: Parameters<typeof openWorkedClass>[0]) {
  const { ofClass, store, folder } = await openWorkedClass(t)
  const { students } = await ofClass.down()
  const prefix = students[0]?.bag ?? assert.fail('no bag')
  const read = async (): Promise<string[]> => {
    const seen: string[] = []
    for await (const { path, body } of restoredContents(store, prefix, signal)) {
      const chunks: Uint8Array[] = []
      for await (const chunk of body) chunks.push(chunk)
      seen.push(`${path.toString()}: ${Buffer.concat(chunks).toString()}`)
    }
    return seen
  }
  return { store, prefix, bag: join(folder, prefix), read }
}

test('every file comes back with its bytes', async (t) => {
  const { read } = await openBag(t)
  assert.deepEqual(await read(), ['SV001.txt: work of SV001', 'a/b: deeper'])
})

test('a file of other bytes, or cut, is not given out whole', async (t) => {
  for (const damage of [
    (path: string) => writeFile(path, 'WORK of SV001'),
    (path: string) => truncate(path, 3),
    (path: string) => writeFile(path, 'work of SV001 and more'),
  ]) {
    const { read, bag } = await openBag(t)
    await damage(join(bag, 'data/workspace/SV001.txt'))
    await assert.rejects(read(), { code: 'store-mismatch' })
  }
})

test('a submission record that is cut or not ours is refused, never taken for an empty workspace', async (t) => {
  for (const damage of [
    (text: string) => text.slice(0, text.indexOf('"files"') + 40),
    (text: string) => text.slice(0, text.indexOf('"files"')),
    (text: string) => text.replaceAll('"sha256"', '"sha"'),
    () => '{}\n',
    () => '',
  ]) {
    const { read, bag } = await openBag(t)
    const path = join(bag, 'meta/submission.json')
    await writeFile(path, damage(await readFile(path, 'utf8')))
    await assert.rejects(read(), { code: 'refused' })
  }
})

test('a prefix without its commit mark is no bag', async (t) => {
  const { store, prefix } = await openBag(t)
  await requireBag(store, prefix, signal)
  await store.remove(`${prefix}bagit.txt`)
  await assert.rejects(requireBag(store, prefix, signal), { code: 'unknown-collection' })
})
