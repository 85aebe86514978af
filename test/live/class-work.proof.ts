// Students' work of every kind that a file system allows, and all of it in the store after a down.
// The work is made by `docker exec`, its truth is read by another container before the down, and the bags are read past the product.

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { Submission } from '../support/answers.ts'
import { bagFaults } from '../support/bagit.ts'
import { catalogueOf } from '../support/catalogue.ts'
import { assertBagHolds } from '../support/compare-bag.ts'
import { leftovers, shell, tryDocker } from '../support/docker.ts'
import { downClass, upClass } from '../support/faults.ts'
import { skipWithoutStore, storeKinds } from '../support/live.ts'
import { install, type Service } from '../support/service.ts'
import { shaped } from '../support/shape.ts'
import { makeSocket, readWorkspace } from '../support/workspace.ts'

const lab = {
  command: ['sh', '-c', 'echo welcome; echo beware >&2; exec sleep infinity'],
  cpus: 1,
  collect: { exclude: ['**/node_modules/**', '**/*.tmp'], maxBytes: 4 * 1024 ** 3 },
}
const isExcluded = (path: string): boolean => /(^|\/)node_modules\/.|\.tmp$/.test(path)

/** Text as its UTF-8 bytes, one character a byte, as all scripts here are written. */
const utf8 = (text: string): string => Buffer.from(text, 'utf8').toString('latin1')
const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`

const namesThatHurt = [
  ...Array.from({ length: 200 }, (_, index) => utf8(`Bài tập số ${index} – lần ${index % 7}.txt`)),
  ...['NFC', 'NFD'].map((form) => utf8('tiếng Việt.txt'.normalize(form))),
  ...['line\nbreak', 'return\rhere', 'tab\there', '\x01', '\x7f', '\x1b[31m'],
  ...['x'.repeat(255), utf8('ế'.repeat(85)), `${'y'.repeat(254)}1`, `${'y'.repeat(254)}2`],
  ...['\xff\xfe', 'caf\xe9', 'bad\x80.txt', 'bad\x81.txt', '\xed\xa0\x80', '\xc0\xaf', `${utf8('ế')}\xe1\xba`],
  ...[
    '..x',
    '...',
    '.hidden',
    'a\\..\\b',
    '\\',
    'x+y%25',
    '%2e%2e',
    '%00',
    '%0A',
    '=41',
    'a=2Fb',
    `=~${'0'.repeat(64)}`,
  ],
  ...[' leading', 'trailing ', ' ', '  ', '. ', ' ..', utf8('\u00a0'), utf8('\u3000..'), 'dot.', '\t'],
  ...['Case', 'case', 'bagit.txt', 'manifest-sha256.txt', 'session.json', '__XLDIR__', 'x__XLDIR__', 'xl.meta'],
  ...[
    'a:b',
    'a?b*c',
    '"double"',
    "it's",
    '$HOME',
    '`id`',
    '-rf',
    '~root',
    '#',
    'a&b=c;d',
    '<>|',
    'CON',
    '{}[]',
    '@',
    '!',
  ],
  ...['\u202etxt.exe', '\u200b', '\ufeffbom', '\u0085', '\u2028', '😀', '日本語', 'e\u0301\u0323'].map(utf8),
]

const foldersThatHurt = [
  '.incoming',
  'data',
  ' ',
  'blank ',
  '...',
  '\xff',
  'a\nb',
  utf8('thư mục'),
  'z'.repeat(255),
  '%2F',
]

/** Makes each file with a content of its own. */
const writeFiles = (paths: readonly string[]): string =>
  paths.map((path, index) => `printf %s ${quoted(`content ${index}`)} >./${quoted(path)}`).join('\n')

const names = [
  writeFiles(namesThatHurt),
  ...foldersThatHurt.map((folder) => `mkdir -p folders/${quoted(folder)}`),
  writeFiles(foldersThatHurt.flatMap((folder) => [`folders/${folder}/file`, `folders/${folder}/${folder}`])),
  // A thousand levels, and a path of some 2,600 bytes in which each name is as long as it may be.
  `(i=0; while [ $i -lt 1000 ]; do mkdir d; cd d; i=$((i+1)); done; echo deep >bottom)`,
  `(for c in 0 1 2 3 4 5 6 7 8 9; do n=$(printf "%0255d" $c); mkdir $n; cd $n; done; echo long >file; echo other >File)`,
].join('\n')

const kinds = `
  echo one >one; ln one two; mkdir folder; ln one folder/three
  mkdir node_modules; echo shared >node_modules/shared; ln node_modules/shared shared-too; ln node_modules/shared shared-three
  echo kept >kept; ln kept node_modules/kept
  echo out >node_modules/out; mkdir -p deep/node_modules/x; echo out >deep/node_modules/x/y; echo out >out.tmp; ln out.tmp out2.tmp
  ln -s nowhere dangling; ln -s /etc/passwd absolute; ln -s ../../.. up; ln -s . self; ln -s one $(printf 'link\\377')
  ln -s "$(printf 'target\\376')" odd-target; ln -s folder to-folder; ln -s node_modules/out excluded.tmp
  mkfifo pipe; mkfifo deep/pipe; ln pipe pipe-too; ln dangling dangling-too
  : >empty; mkdir empty-folder empty-folder/inner; : >empty-folder/.keep
  echo secret >unreadable; chmod 000 unreadable; mkdir locked; echo inside >locked/file; chmod 000 locked
  echo set >modes; chmod 6751 modes; mkdir sticky; chmod 1777 sticky
  echo old >old; touch -d '1960-02-03 04:05:06' old; echo future >future; touch -d '2200-01-01 00:00:00' future
`

const large = `
  head -c 314572800 /dev/urandom >random
  truncate -s 1073741824 sparse; printf middle | dd of=sparse bs=1 seek=500000000 conv=notrunc 2>/dev/null
  head -c 1048576 /dev/urandom >just-small; head -c 1048577 /dev/urandom >just-large
`

const many = `
  i=0; while [ $i -lt 50 ]; do mkdir $i; j=0
    while [ $j -lt 100 ]; do echo "$i $j" >$i/$j; j=$((j+1)); done
  i=$((i+1)); done
`

const work: Readonly<Record<string, string>> = { names, kinds, large, many, nothing: '' }

for (const store of storeKinds) {
  test(`all that students wrote is in the ${store} store`, { skip: skipWithoutStore(store) }, async (t) => {
    const catalogue = catalogueOf({ studio: Object.keys(work) }, lab)
    const site = await install(t, { name: 'studio', store, subnets: '10.210.0.0/16', catalogue })
    const service = await site.start()
    await upClass(service, 'studio')

    for (const [student, script] of Object.entries(work)) {
      await shell(`class-studio--${student}`, Buffer.from(`cd /home/student\n${script}`, 'latin1'))
    }
    await makeSocket(site, 'kinds', 'socket')
    await makeSocket(site, 'kinds', 'deep/a socket')
    const device = await tryDocker(['exec', 'class-studio--kinds', 'mknod', '/home/student/device', 'c', '1', '3'])
    assert.match(device.stderr, /Operation not permitted/)
    const truths = new Map(
      await Promise.all(
        Object.keys(work).map(async (student) => [student, await readWorkspace(site, student)] as const),
      ),
    )
    assert.ok((truths.get('names')?.size ?? 0) > 1200 && (truths.get('many')?.size ?? 0) > 5000)

    const began = Date.now()
    const down = await downClass(service, 'studio')
    t.diagnostic(`${store}: down took ${((Date.now() - began) / 1000).toFixed(1)} s`)
    assert.deepEqual([down.state, down.leaked, await leftovers(site.label)], ['down', [], []])
    assert.deepEqual(down.students.map(({ studentId }) => studentId).sort(), Object.keys(work).sort())

    for (const student of down.students) {
      await t.test(`${student.studentId}: the bag is valid and holds every byte`, async () => {
        assert.equal(student.state, 'removed')
        const folder = await site.artifacts.local(student.bag ?? '', join(site.folder, student.studentId))
        assert.deepEqual(await bagFaults(folder), [])
        await assertBagHolds(folder, truths.get(student.studentId) ?? new Map(), student, isExcluded)
        assert.equal(await readFile(join(folder, 'data/logs/stdout.log'), 'utf8'), 'welcome\n')
        assert.equal(await readFile(join(folder, 'data/logs/stderr.log'), 'utf8'), 'beware\n')
      })
    }

    await t.test('the service serves each file by its key, whatever it is called', async () => {
      const bag = `/room/classes/studio/sessions/${down.sessionId}/students/names/final`
      const { files } = shaped(Submission, (await service.get(bag)).body)
      assert.equal(files.length, down.students.find(({ studentId }) => studentId === 'names')?.files)
      for (const { key, sha256 } of files) {
        const bytes = await fetchFile(service, `${bag}/files/${key.split('/').map(encodeURIComponent).join('/')}`)
        assert.equal(createHash('sha256').update(bytes).digest('hex'), sha256, key)
      }
    })

    await t.test('the store holds the bags, the record of the session and its own name, and nothing else', async () => {
      const prefixes = [...down.students.map(({ bag }) => bag ?? ''), `${down.artifacts.prefix}session.json`]
      const others = [...(await site.artifacts.list('')).keys()].filter(
        (key) => !prefixes.some((prefix) => key.startsWith(prefix)),
      )
      assert.deepEqual(others, ['class-runtime.store.json'])
    })
  })
}

/** The bytes themselves, or those at the temporary URL that the answer leads to, fetched without any credentials. */
async function fetchFile(service: Service, path: string): Promise<Uint8Array> {
  const { status, headers, body } = await service.get(path)
  if (status === 302) return new Uint8Array(await (await fetch(headers.location ?? '')).arrayBuffer())
  assert.equal(status, 200, `${path}: ${JSON.stringify(body)}`)
  assert.ok(Buffer.isBuffer(body))
  return body
}
