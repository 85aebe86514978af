// A bag read back as a workspace: only what is committed, and only bytes that are the ones that were collected.

import assert from 'node:assert/strict'
import { readFile, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { requireBag, restoredContents } from '../../../src/collection/restore.ts'
import { file, root } from '../../support/memory-archive.ts'
import { openWorkedClass } from '../../support/memory-class.ts'

const signal = new AbortController().signal
const student = { uid: 1000, gid: 1000 }

async function openBag(t: Parameters<typeof openWorkedClass>[0]) {
  const { ofClass, store, folder } = await openWorkedClass(t)
  const { students } = await ofClass.down()
  const prefix = students[0]?.bag ?? assert.fail('no bag')
  const read = async (): Promise<string[]> => {
    const seen: string[] = []
    for await (const { path, body } of restoredContents(store, prefix, student, signal)) {
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
  assert.deepEqual(await read(), [': ', 'SV001.txt: work of SV001', 'a/b: deeper'])
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
    await assert.rejects(read(), { name: 'BagError' })
  }
})

test('a prefix without its commit mark is no bag', async (t) => {
  const { store, prefix } = await openBag(t)
  await requireBag(store, prefix, signal)
  await store.remove(`${prefix}bagit.txt`)
  await assert.rejects(requireBag(store, prefix, signal), { code: 'unknown-collection' })
})

test('what was the student’s is the student’s again, by whatever number the engine archived it', async (t) => {
  const { ofClass, store, runtime } = await openWorkedClass(t)
  const { things } = runtime.volume('SV001')
  things.splice(
    0,
    things.length,
    { ...root, uid: 320_000, gid: 320_000 },
    file('own', '', { uid: 320_000, gid: 320_000 }),
    file('of root', '', { uid: 300_000, gid: 300_000 }),
    file('of a group', '', { uid: 320_000, gid: 300_100 }),
    file('of the host', '', { uid: 5, gid: 900_000 }),
  )
  const { students } = await ofClass.down()
  const prefix = students.find(({ studentId }) => studentId === 'SV001')?.bag ?? assert.fail('no bag')
  const ownersFor = async (id: number) => {
    const owners: Record<string, [number, number]> = {}
    for await (const { path, uid, gid } of restoredContents(store, prefix, { uid: id, gid: id }, signal)) {
      owners[path.toString()] = [uid, gid]
    }
    return owners
  }
  assert.deepEqual(await ownersFor(20_000), {
    '': [20_000, 20_000],
    own: [20_000, 20_000],
    'of root': [0, 0],
    'of a group': [20_000, 100],
    'of the host': [20_000, 20_000],
  })
  const asTheyAre = await ownersFor(320_000)
  assert.deepEqual(asTheyAre['of the host'], [5, 900_000])
})
