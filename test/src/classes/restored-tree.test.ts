// Whatever tree a student makes, a bag of it put back is that tree again: names of any bytes, links of every kind, modes, times.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { directory, file, hardLink, root, symbolicLink, type Thing } from '../../support/memory-archive.ts'
import { openService } from '../../support/memory-service.ts'
import { type Random, randomFrom } from '../../support/random.ts'

const awkward = [
  'line\u2028separator',
  'paragraph\u2029separator',
  'next\u0085line',
  'line\nfeed',
  'carriage\rreturn',
  'both\r\n',
  '"quoted", \\ and %25',
  '  ],',
  '.wh.whiteout',
  ' ',
  'đề bài',
  'x'.repeat(255),
  Buffer.from([0xff, 0xfe, 0x80]),
  Buffer.from([0xc3, 0x28]),
  Buffer.from([0x01, 0x7f]),
]

function randomTree(random: Random): Thing[] {
  const folders: Buffer[] = [Buffer.alloc(0)]
  const things: Thing[] = [{ ...root, mode: 0o700 }]
  const linkable: Thing[] = []
  let counter = 0
  const freshPath = () => {
    const name = Buffer.from(random.pick(awkward)).subarray(0, 240)
    const parent = random.pick(folders)
    const slash = Buffer.from(parent.length > 0 ? '/' : '')
    return Buffer.concat([parent, slash, name, Buffer.from(`${counter++}`)])
  }
  const more = () => ({ mode: random.pick([0o644, 0o4755, 0o400, 0o1777, 0]), mtimeMs: 1000 * random.below(2 ** 31) })
  for (let count = 0; count < 60; count++) {
    const path = freshPath()
    const made = random.pick([
      () => {
        folders.push(path)
        return { ...directory(''), path, ...more() }
      },
      () => file(path, 'x'.repeat(random.below(300)), more()),
      () => ({ ...symbolicLink('', Buffer.from(random.pick([...awkward, '/etc/passwd', '../../..', 'a/b']))), path }),
      () => {
        const first = linkable.length > 0 ? random.pick(linkable) : undefined
        return first ? { ...hardLink('', first.path), path } : file(path)
      },
    ])()
    if (made.type !== 'directory' && made.type !== 'hard-link') linkable.push(made)
    things.push(made)
  }
  return things
}

/** As a restore is to leave it: a second name is a file or link of its own. */
function settled(things: readonly Thing[]): Map<string, unknown> {
  const nameOf = ({ path }: Thing) => Buffer.from(path).toString('latin1')
  const byName = new Map(things.map((thing) => [nameOf(thing), thing]))
  return new Map(
    things
      .filter((thing) => nameOf(thing) !== '')
      .map((thing) => {
        const first = byName.get(Buffer.from(thing.linkTarget ?? '').toString('latin1'))
        const inode = thing.type === 'hard-link' && first ? first : thing
        const { type = 'file', body = '', linkTarget = '' } = inode
        const { mode = 0o644, mtimeMs = Date.UTC(2026, 0, 2, 3, 4, 5) } = thing
        const text = (value: Thing['body']) =>
          typeof value === 'function' ? '' : Buffer.from(value ?? '').toString('hex')
        return [nameOf(thing), [type, text(body), Buffer.from(linkTarget).toString('hex'), mode, mtimeMs]]
      }),
  )
}

for (const seed of [1, 2, 3, 4, 5, 6]) {
  test(`a random tree comes back from its bag, seed ${seed}`, async (t) => {
    const { ofClass, post } = await openService(t)
    await ofClass.up({ students: ['SV001'] })
    const tree = randomTree(randomFrom(seed))
    const volume = ofClass.runtime.volume('SV001')
    volume.things = tree
    const { students } = (await post('/room/collect-class', { classId: 'os101-a' })).json()
    const restore = students[0].bag.split('/').at(-2)
    const response = await post('/room/reset-student', { classId: 'os101-a', studentId: 'SV001', restore })
    assert.equal(response.statusCode, 200, response.body)
    assert.deepEqual(settled(ofClass.runtime.volume('SV001').things), settled(tree))
  })
}
