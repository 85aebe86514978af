// scripts/verify-bag: bags made by the real code are valid, and each kind of damage is named, alone where it is alone.

import assert from 'node:assert/strict'
import { cp, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { checkBag } from '../../scripts/verify-bag-check.ts'
import { createDirectoryStore } from '../../src/store/directory/store.ts'
import { StoreError } from '../../src/store/port.ts'
import { damages, things } from '../support/bag-damages.ts'
import { openWorkedClass } from '../support/memory-class.ts'
import { stoppedSandbox } from '../support/memory-sandbox.ts'
import { hookedStore, unreachable } from '../support/memory-store.ts'
import { verify } from '../support/verify-command.ts'

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

test('the command checks every bag of a class, by folder and by prefix, and says whose a receipt is', async (t) => {
  const { down, folder, sessionId } = await openWorkedClass(t)
  const { students } = await down()
  const session = join(folder, 'os101-a', sessionId)
  const receipt = students[1]?.manifestSha256 ?? ''
  const prefix = `os101-a/${sessionId}`
  const bagOf = (studentId: string) => `${prefix}/${studentId}/final/`

  const byPrefix = verify(['--receipt', receipt, 'os101-a'], { ARTIFACTS_DIR: folder })
  const valid = students.map((each) => `valid ${each.bag} 2 files, 19 bytes, manifest ${each.manifestSha256}`)
  const owner = `student SV002, class os101-a, session ${sessionId}, collection final`
  assert.deepEqual(
    [byPrefix.status, byPrefix.lines],
    [0, ['2 valid, 0 invalid, 0 uncommitted', `receipt ${receipt}: ${bagOf('SV002')} of ${owner}`, ...valid]],
  )

  await rm(join(session, 'SV001/final/bagit.txt'))
  await writeFile(join(session, 'SV002/final/data/workspace/SV002.txt'), 'work of SV00X')
  const byFolder = verify(['os101-a'], {}, folder)
  assert.equal(byFolder.status, 1)
  assert.deepEqual(byFolder.stdout.split('\n').slice(0, 2), [
    `uncommitted ${join(session, 'SV001/final/')}: it has no bagit.txt, so it is no bag`,
    `INVALID ${join(session, 'SV002/final/')}`,
  ])
  assert.match(
    byFolder.stdout,
    /^ {2}"data\/workspace\/SV002\.txt" has the SHA-256 .*\n0 valid, 1 invalid, 1 uncommitted$/m,
  )
  assert.deepEqual(await readdir(session), ['SV001', 'SV002', 'session.json'], 'nothing was written')
})

test('what cannot be checked is no success: no bag there, wrong words, a store that does not answer', async (t) => {
  const { folder } = await openWorkedClass(t)
  const store = { ARTIFACTS_DIR: folder }
  const none = verify(['os101-b'], store)
  assert.deepEqual([none.status, none.lines], [1, ['0 valid, 0 invalid, 0 uncommitted', 'no bag at or below os101-b/']])
  const wrong: readonly [readonly string[], Record<string, string>, RegExp][] = [
    [[], store, /nothing to verify is named[\s\S]*usage:/],
    [['--receipt', 'abc', 'os101-a'], store, /64 hex digits/],
    [['./absent'], store, /there is no folder/],
    [
      ['os101-a'],
      { MINIO_ENDPOINT: 'http://127.0.0.1:9', MINIO_ACCESS_KEY: 'a', MINIO_SECRET_KEY: 'b' },
      /127\.0\.0\.1:9/,
    ],
  ]
  for (const [args, env, reason] of wrong) {
    const { status, stderr } = verify(args, env)
    assert.equal(status, 2, stderr)
    assert.match(stderr, reason)
  }
})
