// The judge of bags that the live tests rely on: it accepts a bag that the service made, and refuses it after every single damage.

import assert from 'node:assert/strict'
import { appendFile, cp, mkdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { bagFaults } from '../support/bagit.ts'
import { catalogueOf } from '../support/catalogue.ts'
import { shell } from '../support/docker.ts'
import { downClass, upClass } from '../support/faults.ts'
import { skipWithoutEngine } from '../support/live.ts'
import { install } from '../support/service.ts'

const workspace = 'data/workspace'
const manifest = 'manifest-sha256.txt'

const edit = async (file: string, change: (text: string) => string): Promise<void> =>
  writeFile(file, change(await readFile(file, 'latin1')), 'latin1')

/** What is done to the folder of a bag, and what the judge must say of it. */
const damages: readonly [string, (bag: string) => Promise<void>, RegExp][] = [
  [
    'a byte is flipped',
    (bag) => edit(join(bag, workspace, 'notes'), (text) => text.replace('n', 'm')),
    /notes.*checksum/,
  ],
  ['a file is cut', (bag) => edit(join(bag, workspace, 'notes'), (text) => text.slice(1)), /Payload-Oxum/],
  ['a file is dropped', (bag) => rm(join(bag, workspace, 'notes')), /notes' is not in the bag/],
  [
    'a file is renamed',
    (bag) => rename(join(bag, workspace, 'notes'), join(bag, workspace, 'Notes')),
    /does not name.*Notes/,
  ],
  ['a file is added', (bag) => writeFile(join(bag, workspace, 'extra'), ''), /does not name.*extra/],
  ['a log is dropped', (bag) => rm(join(bag, 'data/logs/stdout.log')), /stdout.log' is not in the bag/],
  ['a tag file is added', (bag) => writeFile(join(bag, 'meta/extra'), ''), /tagmanifest.* does not name.*extra/],
  ['a tag file is changed', (bag) => appendFile(join(bag, 'meta/submission.json'), ' '), /submission.json.*checksum/],
  [
    'a line of the manifest is lost',
    (bag) => edit(join(bag, manifest), (text) => text.replace(/^.*notes\n/m, '')),
    /does not name.*notes/,
  ],
  ['a line of the manifest is doubled', (bag) => edit(join(bag, manifest), (text) => text + text), /named twice/],
  [
    'a path leads out of the bag',
    (bag) => appendFile(join(bag, manifest), `${'0'.repeat(64)}  data/../../x\n`),
    /leads out/,
  ],
  [
    'a path has a bare percent sign',
    (bag) => appendFile(join(bag, manifest), `${'0'.repeat(64)}  data/%20\n`),
    /bare '%'/,
  ],
  ['the manifest is lost', (bag) => rm(join(bag, manifest)), /no payload manifest/],
  ['the declaration is lost', (bag) => rm(join(bag, 'bagit.txt')), /no bagit.txt/],
  [
    'the declaration is another',
    (bag) => edit(join(bag, 'bagit.txt'), (text) => text.replace('1.0', '0.9')),
    /not the declaration/,
  ],
  [
    'the sum is wrong',
    (bag) => edit(join(bag, 'bag-info.txt'), (text) => text.replace(/(Oxum: )\d+/, '$11')),
    /Payload-Oxum/,
  ],
  [
    'a link lies in the payload',
    (bag) => symlink('notes', join(bag, workspace, 'link')),
    /neither a file nor a folder/,
  ],
  ['parts are to be fetched', (bag) => writeFile(join(bag, 'fetch.txt'), ''), /fetch.txt/],
]

test('a bag is accepted, and refused after each kind of damage', { skip: skipWithoutEngine }, async (t) => {
  const catalogue = catalogueOf({ bag: ['s01'] })
  const site = await install(t, { name: 'bag', store: 'directory', subnets: '10.215.0.0/16', catalogue })
  const service = await site.start()
  await upClass(service, 'bag')
  await shell(
    'class-bag--s01',
    "cd /home/student; echo notes >notes; echo percent >'100%'; echo two >'two\nlines'; mkdir f; : >f/empty",
  )
  const down = await downClass(service, 'bag')
  const bag = await site.artifacts.local(down.students[0]?.bag ?? '', join(site.folder, 'bag'))

  assert.deepEqual(await bagFaults(bag), [])
  const scratch = join(site.folder, 'damaged')
  await mkdir(scratch)
  for (const [index, [name, damage, expected]] of damages.entries()) {
    await t.test(name, async () => {
      const copy = join(scratch, String(index))
      await cp(bag, copy, { recursive: true })
      await damage(copy)
      assert.match((await bagFaults(copy)).join('\n'), expected)
    })
  }
})
