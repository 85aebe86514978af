// scripts/verify-bag: bags made by the real code are valid, and each kind of damage is named, alone where it is alone.

import assert from 'node:assert/strict'
import { cp, mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { checkBag } from '../../scripts/verify-bag-check.ts'
import { createDirectoryStore } from '../../src/store/directory/store.ts'
import { StoreError } from '../../src/store/port.ts'
import { damages, things } from '../support/bag-damages.ts'
import { stoppedSandbox } from '../support/memory-sandbox.ts'
import { hookedStore, unreachable } from '../support/memory-store.ts'

/** A bag of one student that the real code made, in a store of its own. */
async function makeBag(t: TestContext) {
  const sandbox = await stoppedSandbox(t, things)
  const bag = await sandbox.collect()
  return { sandbox, bag, folder: join(sandbox.folder, 'final') }
}

const check = (folder: string) => checkBag(createDirectoryStore(folder), '')

test('a bag is valid, with every odd name; each damage is named exactly', async (t) => {
  const { bag, folder, sandbox } = await makeBag(t)
  const { owner, ...valid } = await check(folder)
  assert.deepEqual(valid, { files: bag.files, bytes: bag.bytes, manifestSha256: bag.manifestSha256, faults: [] })
  assert.match(owner, /^student SV001, class os101-a, session \w+-\w{4}, collection final$/)
  const scratch = await mkdtemp(join(sandbox.ofClass.folder, 'damaged-'))
  for (const [at, [name, damage, patterns]] of damages.entries()) {
    await t.test(name, async () => {
      const copy = join(scratch, String(at))
      await cp(folder, copy, { recursive: true })
      await damage(copy)
      const { faults } = await check(copy)
      for (const pattern of patterns) assert.match(faults.join('\n'), new RegExp(pattern, 'm'))
      assert.equal(faults.length, patterns.length, faults.join('\n'))
    })
  }
})

test('a bag in the place of another is named', async (t) => {
  const { sandbox, folder } = await makeBag(t)
  await cp(folder, join(sandbox.folder, '../SV002/final'), { recursive: true })
  const prefix = join(sandbox.folder, '../SV002/final/').slice(sandbox.ofClass.folder.length + 1)
  const { faults } = await checkBag(sandbox.ofClass.store, prefix)
  assert.match(faults.join('\n'), /^bag-info\.txt: External-Identifier is ".*SV001\/final", not ".*SV002\/final"$/)
})

test('a store that lists a key twice, or another size than it gives, is named; one that does not answer is no fault', async (t) => {
  const { folder } = await makeBag(t)
  const store = createDirectoryStore(folder)
  const { faults } = await checkBag(
    {
      ...store,
      async *list(prefix) {
        for await (const object of store.list(prefix)) {
          const isNotes = object.key.endsWith('/notes')
          if (isNotes) yield object
          yield isNotes ? { ...object, size: 9 } : object
        }
      },
    },
    '',
  )
  assert.match(faults.join('\n'), /"data\/workspace\/notes" is listed twice/)
  assert.match(faults.join('\n'), /"data\/workspace\/notes" has 5 bytes when read, and 9 when listed/)

  const failing = (error: StoreError) =>
    hookedStore(store, {
      before: (method, key) => {
        if (method === 'read' && key.endsWith('/notes')) throw error
      },
    })
  await assert.rejects(checkBag(failing(unreachable()), ''), StoreError)
  const unreadable = await checkBag(failing(new StoreError('refused', 'Input/output error')), '')
  assert.deepEqual(unreadable.faults, ['"data/workspace/notes" cannot be read: Input/output error'])
})
