// A bag with every kind of name, and everything that can be done to it, with what scripts/verify-bag must say of each.
// A forger's changes are signed again, so that no digest of a tag file speaks for the check that is meant.

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { appendFile, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Submission } from '../../scripts/verify-bag-submission.ts'
import { file, hardLink, symbolicLink } from './memory-archive.ts'

const manifest = 'manifest-sha256.txt'
const info = 'bag-info.txt'
const submission = 'meta/submission.json'
const zeros = '0'.repeat(64)

export const things = [
  file('notes', 'hello'),
  hardLink('copy', 'notes'),
  symbolicLink('link', 'notes'),
  { path: 'pipe', type: 'fifo' as const },
  // Names of every kind that keys have: escaped, not UTF-8, shortened by segment and as a whole, and a bag inside of the bag.
  file(' 100% = a\\b ', '1'),
  file(Buffer.from('bad\xff', 'latin1'), '2'),
  file(Buffer.from('bad\xfe', 'latin1'), '3'),
  file(`long/${'n'.repeat(250)}/x`, '4'),
  file(Array.from({ length: 40 }, (_, at) => `folder-${at}-${'d'.repeat(30)}`).join('/'), '5'),
  file('bài tập/Ā.txt', '6'),
  file('inner/bagit.txt', '7'),
]

const sha256 = (bytes: string | Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
const edit = async (path: string, change: (text: string) => string): Promise<void> =>
  writeFile(path, change(await readFile(path, 'utf8')))

/** Makes the tag manifest right again, as whoever forges a bag would. */
async function sign(bag: string): Promise<void> {
  const path = join(bag, 'tagmanifest-sha256.txt')
  const keys = (await readFile(path, 'utf8'))
    .trim()
    .split('\n')
    .map((line) => line.slice(66))
  const lines = await Promise.all(keys.map(async (key) => `${sha256(await readFile(join(bag, key)))}  ${key}\n`))
  await writeFile(path, lines.join(''))
}

const forge = (key: string, change: (text: string) => string) => async (bag: string) => {
  await edit(join(bag, key), change)
  await sign(bag)
}

const forgeSubmission = (change: (parsed: Submission) => void) =>
  forge(submission, (text) => {
    const parsed: Submission = JSON.parse(text)
    change(parsed)
    return JSON.stringify(parsed)
  })

const fileOf = ({ files }: Submission, path: string) => files.find((each) => each.path === path) ?? assert.fail(path)

/** What is done to a bag, and one pattern for each fault that must be named, in any order. */
export const damages: readonly [string, (bag: string) => Promise<void>, readonly RegExp[]][] = [
  [
    'a byte of a file is flipped',
    (bag) => writeFile(join(bag, 'data/workspace/notes'), 'hellO'),
    [/^"data\/workspace\/notes" has the SHA-256 \w{64}, not 2cf24d/],
  ],
  [
    'a file is cut',
    (bag) => writeFile(join(bag, 'data/workspace/notes'), 'hell'),
    [
      /notes" has the SHA-256/,
      /the size of "data\/workspace\/notes" is 5, not 4/,
      /Payload-Oxum/,
      /Class-Runtime-Bytes/,
    ],
  ],
  [
    'a file is missing',
    (bag) => rm(join(bag, 'data/workspace/copy')),
    [/"data\/workspace\/copy" is missing: manifest/, /Payload-Oxum is "\d+\.11", not "\d+\.10"/, /-Files/, /-Bytes/],
  ],
  [
    'a file is extra',
    (bag) => writeFile(join(bag, 'data/workspace/extra'), ''),
    [/"data\/workspace\/extra" is extra: manifest/, /Payload-Oxum/, /-Files/],
  ],
  ['a tag file is extra', (bag) => writeFile(join(bag, 'meta/extra'), ''), [/"meta\/extra" is extra: tagmanifest/]],
  ['a log is changed', (bag) => writeFile(join(bag, 'data/logs/stderr.log'), 'x'), [/stderr.*SHA-256/, /Payload-Oxum/]],
  ['a link lies in it', (bag) => symlink('notes', join(bag, 'data/workspace/to')), [/workspace\/to" is no plain file/]],
  [
    'a name is not UTF-8',
    (bag) => writeFile(Buffer.from(join(bag, 'meta/\xff'), 'latin1'), ''),
    [/is no plain file with a name in UTF-8/],
  ],
  [
    'another declaration',
    forge('bagit.txt', (text) => text.replace('1.0', '0.97')),
    [/bagit\.txt is not the declaration/],
  ],
  ['a tag file is changed', (bag) => appendFile(join(bag, submission), ' '), [/submission\.json" has the SHA-256/]],
  [
    'a tag file is missing',
    (bag) => rm(join(bag, info)),
    [/^bag-info\.txt is missing/, /"bag-info\.txt" is missing: tagmanifest/],
  ],
  ['the tag manifest is missing', (bag) => rm(join(bag, 'tagmanifest-sha256.txt')), [/^tagmanifest.* is missing/]],
  [
    'the tag manifest forgets a file',
    (bag) => edit(join(bag, 'tagmanifest-sha256.txt'), (text) => text.replace(/^.*bag-info.*\n/m, '')),
    [/"bag-info.txt" is extra/, /tagmanifest-sha256\.txt does not name bag-info/],
  ],
  [
    'the manifest is missing',
    (bag) => rm(join(bag, manifest)),
    [/^manifest-sha256\.txt is missing/, /"manifest-sha256\.txt" is missing: tagmanifest/],
  ],
  [
    'a line of the manifest is lost, and all digests are made right',
    async (bag) => {
      await edit(join(bag, manifest), (text) => text.replace(/^.*workspace\/notes\n/m, ''))
      const digest = sha256(await readFile(join(bag, manifest)))
      await edit(join(bag, submission), (text) => text.replace(/("sha256": ")\w{64}/, `$1${digest}`))
      await edit(join(bag, info), (text) => text.replace(/(Manifest-SHA256: )\w{64}/, `$1${digest}`))
      await sign(bag)
    },
    [/workspace\/notes" is extra/, /"data\/workspace\/notes" is not in manifest/],
  ],
  [
    'the manifest names a path twice, one outside, and ends in the middle of a line',
    forge(
      manifest,
      (text) => `${text}${text.split('\n')[0]}\n${zeros}  ../x\n${zeros}  meta/submission.json\n${zeros}  da`,
    ),
    [
      /manifest-sha256\.txt names "data\/workspace\/.*" twice/,
      /no line of it: "0+ {2}\.\.\/x"/,
      /must not name "meta\/submission\.json"/,
      /must not name "da"/,
      /its last line has no end/,
      /manifest\.sha256 is \w+, not/,
      /Manifest-SHA256 is/,
      /submission\.json does not name "meta/,
      /submission\.json does not name "da"/,
    ],
  ],
  [
    'a sum is wrong',
    forge(info, (text) => text.replace(/(Oxum: )/, '$19')),
    [/Payload-Oxum is "9\d+\.11", not "\d+\.11"/],
  ],
  [
    'a label is missing',
    forge(info, (text) => text.replace(/^Payload-Oxum.*\n/, '')),
    [/Payload-Oxum is missing, not/],
  ],
  ['a label is there twice', forge(info, (text) => `${text}Payload-Oxum: 1.1\n`), [/has Payload-Oxum twice/]],
  ['a line is no label', forge(info, (text) => `${text} folded\n`), [/no label: " folded"/]],
  [
    'bag-info.txt counts otherwise',
    forge(info, (text) => text.replace(/(-Files: |-Bytes: |-Skipped: |-Manifest-SHA256: )/g, '$19')),
    [/-Files is "9/, /-Bytes is "9/, /-Skipped is "9/, /-Manifest-SHA256 is "9/],
  ],
  [
    'another’s bag lies here',
    forge(info, (text) => text.replace(/SV001/g, 'SV002')),
    [/-Student is "SV002"/, /External/],
  ],
  ['submission.json is no JSON', forge(submission, (text) => text.slice(0, -3)), [/submission\.json is not JSON/]],
  [
    'submission.json is of another version',
    forge(submission, (text) => text.replace('"schemaVersion": 1', '"schemaVersion": 2')),
    [/not one of version 1: \/schemaVersion/],
  ],
  [
    'submission.json leaves a file out',
    forgeSubmission((parsed) => parsed.files.splice(parsed.files.indexOf(fileOf(parsed, 'notes')), 1)),
    [/does not name "data\/workspace\/notes"/, /totals\.files is 9, not 8/, /totals\.bytes/],
  ],
  [
    'submission.json tells another size, digest and sums',
    forgeSubmission((parsed) => {
      Object.assign(fileOf(parsed, 'notes'), { size: 6, sha256: zeros })
      Object.assign(parsed.totals, { skipped: 7 })
      parsed.manifest.sha256 = zeros
    }),
    [
      /the size of "data\/workspace\/notes" is 6, not 5/,
      /the sha256 of/,
      /totals\.bytes/,
      /totals\.skipped/,
      /manifest\.sha256/,
    ],
  ],
  [
    'a path and a key are there twice',
    forgeSubmission((parsed) => {
      parsed.files.push(fileOf(parsed, 'notes'))
      parsed.totals.files++
      parsed.totals.bytes += 5
    }),
    [/the key "data\/workspace\/notes" is there twice/, /the path "notes" is there twice/],
  ],
  [
    'two files change names',
    forgeSubmission((parsed) => {
      fileOf(parsed, 'notes').path = 'link'
      fileOf(parsed, ' 100% = a\\b ').path = ' 100% = a/b '
      for (const each of parsed.files) if (each.pathBase64 !== undefined) each.pathBase64 = '/w=='
    }),
    [
      /does not lead back.*"link"/,
      /does not lead back.*a\/b/,
      ...Array(2).fill(/lead back.*"bad/),
      /path "bad.*" is there twice/,
    ],
  ],
  [
    'shortened names are others',
    forgeSubmission(({ files }) => {
      for (const each of files)
        if (each.key.includes('=~')) each.path = each.path.replace(/n\/x$/, 'm/x').replace(/d$/, 'e')
    }),
    Array(2).fill(/does not lead back to/),
  ],
]
