// What a machine that loses its power must not take from a bag that is committed.

import assert from 'node:assert/strict'
import { readlinkSync } from 'node:fs'
import { open, readdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { file, hardLink } from '../../support/memory-archive.ts'
import { stoppedSandbox } from '../../support/memory-sandbox.ts'

/** The path of every file and folder that is forced to disk from now on, in order. */
async function watchSyncs(t: TestContext): Promise<string[]> {
  const handle = await open(import.meta.filename)
  const prototype: { sync(this: { readonly fd: number }): Promise<void> } = Object.getPrototypeOf(handle)
  await handle.close()
  const synced: string[] = []
  const { sync } = prototype
  prototype.sync = function () {
    synced.push(readlinkSync(`/proc/self/fd/${this.fd}`))
    return sync.call(this)
  }
  t.after(() => {
    prototype.sync = sync
  })
  return synced
}

test('before a bag is committed, each of its files and every folder above it is forced to disk', async (t) => {
  const sandbox = await stoppedSandbox(t, [
    file('a/b/c.txt', 'small'),
    file('large', 'l'.repeat(2e6)),
    hardLink('second', 'large'),
  ])
  const synced = await watchSyncs(t)
  let uncommitted: string[] = []
  sandbox.ofClass.storeHooks = {
    before(method, key) {
      if (method === 'put' && key.endsWith('/bagit.txt')) uncommitted = [...synced]
    },
  }
  await sandbox.collect()
  const bag = join(sandbox.folder, 'final')
  const entries = await readdir(bag, { recursive: true, withFileTypes: true })
  const paths = entries
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !path.endsWith('/bagit.txt'))
  assert.ok(paths.length > 10)
  for (let folder = bag; folder !== dirname(sandbox.ofClass.folder); folder = dirname(folder)) paths.push(folder)
  assert.deepEqual(
    paths.filter((path) => !uncommitted.includes(path)),
    [],
  )
  assert.ok(synced.slice(uncommitted.length).includes(bag), 'the name of the mark too')
})
