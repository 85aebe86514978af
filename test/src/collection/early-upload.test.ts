// What goes to the store while the inventory is read: once, before the second reading, and again where a send failed.

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { StoreError } from '../../../src/store/port.ts'
import { file } from '../../support/memory-archive.ts'
import { checkBag } from '../../support/memory-referee.ts'
import { stoppedSandbox } from '../../support/memory-sandbox.ts'
import { unreachable } from '../../support/memory-store.ts'

const large = 'large '.repeat(300_000)
const things = [file('a.txt', 'first'), file('b/c.txt', 'second'), file('large.bin', large)]

const isFile = (key: string): boolean => key.includes('/data/workspace/')
const nameOf = (key: string): string => key.replace(/^.*\/data\/workspace\//, '')

test('small files are in the store before the second reading begins, a large one after it, and each is sent once', async (t) => {
  const sandbox = await stoppedSandbox(t, things)
  const order: string[] = []
  const { runtime } = sandbox.ofClass
  runtime.before = (event) => {
    if (event === 'archive SV001') order.push('reading')
  }
  sandbox.ofClass.storeHooks = {
    after(method, key) {
      if (method === 'put' && isFile(key)) order.push(nameOf(key))
    },
  }
  await sandbox.collect()
  assert.deepEqual(order.slice(1, 3).sort(), ['a.txt', 'b/c.txt'])
  assert.deepEqual(order.toSpliced(1, 2), ['reading', 'reading', 'large.bin'])
})

for (const [what, fault] of [
  ['does not answer', unreachable()],
  ['refuses a file', new StoreError('refused', 'This one is refused.')],
] as const) {
  test(`a store that ${what} once, while the inventory is read, has every file in the end`, async (t) => {
    const sandbox = await stoppedSandbox(t, things)
    let faults = 0
    sandbox.ofClass.storeHooks = {
      before(method, key) {
        if (method === 'put' && isFile(key) && faults++ === 0) throw fault
      },
    }
    const { files } = await sandbox.collect()
    assert.equal(files, things.length)
    const bag = await checkBag(join(sandbox.folder, 'final'))
    for (const [path, text] of [
      ['a.txt', 'first'],
      ['b/c.txt', 'second'],
      ['large.bin', large],
    ]) {
      assert.equal(bag.get(`data/workspace/${path}`)?.toString(), text)
    }
    assert.deepEqual(sandbox.progress, {
      expected: [`3 files, ${large.length + 11} bytes`],
      files: 3,
      bytes: large.length + 11,
    })
  })
}
