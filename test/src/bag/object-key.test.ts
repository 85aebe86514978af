import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { ObjectKeys, objectKey } from '../../../src/bag/object-key.ts'
import { seededBytes } from '../store/bodies.ts'
import { hostileNames } from '../store/conformance.ts'

/**
 * Hand-made model of what MinIO refuses or confuses: hasBadPathComponent, IsValidObjectName and checkObjectNameForLengthAndSlash of its
 * source, the 255 bytes of a Linux file name, '\' as a separator (Windows), and the ending by which it marks folders on its disks.
 */
function minioFault(key: string): string | undefined {
  // Go's strings.TrimSpace: Unicode's White_Space.
  const trimmed = (text: string) => text.replace(/^\p{White_Space}+|\p{White_Space}+$/gu, '')
  const isBad = (segment: string) => trimmed(segment) === '.' || trimmed(segment) === '..'
  if (trimmed(key).split(/[/\\]/).some(isBad)) return 'bad path component'
  if (Buffer.from(key).toString() !== key) return 'no valid UTF-8'
  if (key.includes('//')) return 'empty segment'
  if (key === '' || key.startsWith('/') || key.endsWith('/')) return 'slash at an end'
  if (Buffer.byteLength(key) > 1024) return 'key too long'
  if (key.split('/').some((segment) => Buffer.byteLength(segment) > 255)) return 'segment too long'
  if (key.includes('\0')) return 'NUL'
  if (key.split('/').some((segment) => segment.endsWith('__XLDIR__'))) return 'taken for a folder'
  return undefined
}

/** What the longest prefix of a bag leaves of a key. */
const prefix = `${'c'.repeat(30)}/${'s'.repeat(32)}/${'n'.repeat(30)}/${'k'.repeat(40)}/data/workspace/`

test('what can be read stays as it is', () => {
  for (const name of [
    'main.c',
    'Bài tập số 1/lời giải.txt',
    'a b/c++/+x+',
    "it's (1) [2] {3} @#$&!,;~^",
    '中文.txt',
    '😀.md',
    '.hidden',
    '...',
    'a..b',
  ])
    assert.equal(objectKey(Buffer.from(name)), name)
})

test('what cannot stay is written as =HH, byte by byte', () => {
  for (const [name, key] of [
    ['a=b', 'a=3Db'],
    ['100%', '100=25'],
    ['a\\..\\b', 'a=5C..=5Cb'],
    ['.', '=2E'],
    ['a/../b', 'a/=2E=2E/b'],
    [' .. ', '=20=2E=2E=20'],
    ['\u3000.', '=E3=80=80=2E'],
    [' a b ', '=20a b=20'],
    ['  ', '=20=20'],
    ['a\n\r\t\0', 'a=0A=0D=09=00'],
    ['\u0085\u009f', '=C2=85=C2=9F'],
    ['a\u2028b\u2029', 'a=E2=80=A8b=E2=80=A9'],
    ['\u202Egpj.exe', '=E2=80=AEgpj.exe'],
    ['\uFEFFx\u200B', '=EF=BB=BFx=E2=80=8B'],
    ['\uFFFE\uFDD0', '=EF=BF=BE=EF=B7=90'],
    ['x__XLDIR__', 'x__XLDIR_=5F'],
    ['__XLDIR__/x', '__XLDIR_=5F/x'],
    ['x__XLDIR__ ', 'x__XLDIR_=5F=20'],
    ['', '=2F'],
    ['/a//b/', '=2F/a/=2F/b/=2F'],
  ] as const)
    assert.equal(objectKey(Buffer.from(name)), key)
  for (const [hex, key] of [
    ['ff', '=FF'],
    ['61c3', 'a=C3'],
    ['c3a9c3', 'é=C3'],
    ['eda080', '=ED=A0=80'],
    ['c0af', '=C0=AF'],
    ['f4908080', '=F4=90=80=80'],
    ['f09f9880', '😀'],
  ] as const)
    assert.equal(objectKey(Buffer.from(hex, 'hex')), key)
})

test('of names that differ only in their Unicode normal form one stays readable, and the keys look different', () => {
  assert.equal(objectKey(Buffer.from('tuần 1'.normalize('NFC'))), 'tuần 1'.normalize('NFC'))
  assert.equal(objectKey(Buffer.from('tuần 1'.normalize('NFD'))), 'tua=CC=82=CC=80n 1')
  // The escaped sign ends in a letter that the mark behind it would join with.
  assert.equal(objectKey(Buffer.from('x\u200E\u0301')), 'x=E2=80=8E=CC=81')
})

test('a long segment keeps its beginning, cut between characters, and ends in the hash of its raw bytes', () => {
  const sha256 = (raw: Buffer) => createHash('sha256').update(raw).digest('hex')
  const exact = Buffer.from('x'.repeat(200))
  assert.equal(objectKey(exact), String(exact))
  for (const [raw, beginning] of [
    [Buffer.from('x'.repeat(201)), 'x'.repeat(134)],
    [Buffer.from('ế'.repeat(85)), 'ế'.repeat(44)],
    [Buffer.alloc(70, 0xff), '=FF'.repeat(44)],
  ] as const) {
    assert.equal(
      objectKey(Buffer.concat([Buffer.from('dir/'), raw, Buffer.from('/file')])),
      `dir/${beginning}=~${sha256(raw)}/file`,
    )
  }
})

test('a long path keeps its first segments, whole ones, and ends in the hash of the raw path', () => {
  const raw = Buffer.from(`${'folder/'.repeat(150)}file`)
  const key = objectKey(raw)
  assert.equal(key, `${'folder/'.repeat(104)}=~${createHash('sha256').update(raw).digest('hex')}`)
  assert.equal(objectKey(Buffer.from('x/'.repeat(399).concat('xx'))).length, 800)
  assert.match(objectKey(Buffer.from('x/'.repeat(399).concat('xxx'))), /^(x\/){367}=~[0-9a-f]{64}$/)
})

test("every hostile name passes MinIO's rules, with the longest prefix, and no two meet", () => {
  const keys = hostileNames.map((raw) => objectKey(raw))
  for (const key of keys) assert.equal(minioFault(prefix + key), undefined, key)
  assert.equal(new Set(keys).size, hostileNames.length)
})

test('the model refuses what it is there to refuse', () => {
  for (const key of [
    '',
    '/a',
    'a/',
    'a//b',
    'a/../b',
    'a/ . /b',
    'a\\..\\b',
    'x'.repeat(256),
    'x__XLDIR__',
    '\uD800',
    'a/'.repeat(520),
  ])
    assert.notEqual(minioFault(key), undefined, key)
})

/** Turns a key without `=~` back into the raw path: that this can be done is the proof that two paths never meet there. */
function rawPath(key: string): Buffer {
  const segments = key.split('/').map((segment) => {
    const pieces = segment
      .split(/(=[0-9A-F]{2})/)
      .map((piece) => (piece.startsWith('=') ? Buffer.from(piece.slice(1), 'hex') : Buffer.from(piece)))
    const raw = Buffer.concat(pieces)
    return raw.equals(Buffer.from('/')) ? Buffer.alloc(0) : raw
  })
  return Buffer.concat(segments.flatMap((segment, at) => (at === 0 ? [segment] : [Buffer.from('/'), segment])))
}

test('random paths: allowed by MinIO, free of what BagIt escapes, and reversible or hashed', () => {
  const bytes = seededBytes(4_000_000, 20261123)
  // Bytes that make trouble come often, so that their combinations come too.
  const troubles = [
    '/',
    '/',
    '.',
    '..',
    ' ',
    '=',
    '=~',
    '%',
    '\\',
    '\n',
    '\u202E',
    '\u3000',
    'ế',
    'e',
    '\u0301',
    '__XLDIR__',
    'a',
    'b',
    '=41',
    'A',
  ].map((text) => Buffer.from(text))
  const keys = new Map<string, string>()
  const oneAfterTheOther = new ObjectKeys()
  let at = 0
  const next = () => bytes[at++ % bytes.length] ?? 0
  for (let round = 0; round < 40_000; round += 1) {
    const pieces: Buffer[] = []
    const length = next() % (round % 20 === 0 ? 255 : 12)
    for (let piece = 0; piece < length; piece += 1) {
      const pick = next()
      pieces.push(pick < 128 ? (troubles[pick % troubles.length] ?? Buffer.alloc(0)) : Buffer.from([next()]))
    }
    const raw = Buffer.concat(pieces)
    const key = objectKey(raw)
    assert.equal(oneAfterTheOther.of(raw.toString('latin1')), key, 'whatever was remembered of the path before')
    assert.equal(minioFault(prefix + key), undefined, key)
    assert.equal(key, key.normalize('NFC'), 'no two keys differ only in their normal form')
    assert.doesNotMatch(key, /[\r\n%]/)
    assert.ok(Buffer.byteLength(key) <= 800)
    if (!key.includes('=~')) assert.ok(rawPath(key).equals(raw), key)
    const twin = keys.get(key)
    assert.ok(twin === undefined || twin === raw.toString('hex'), key)
    keys.set(key, raw.toString('hex'))
  }
})
