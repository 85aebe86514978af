// The tar reader, against archives of real tools (fixtures/tar) and against damage. Headers built here are hand-made.

import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { type EngineErrorCode, isEngineError, readTar, type TarEntry } from '../../../engine-api/index.ts'
import { chunksOf, collected, cuts } from '../cut.ts'

const folder = new URL('../../../fixtures/tar/', import.meta.url)
const fixture = (name: string): Buffer => readFileSync(new URL(`${name}.tar`, folder))
const names = readdirSync(folder)
  .filter((name) => name.endsWith('.tar'))
  .map((name) => name.slice(0, -4))
const listings: unknown = JSON.parse(readFileSync(new URL('listings.json', folder), 'utf8'))

function listingOf(name: string): unknown {
  assert.ok(typeof listings === 'object' && listings !== null && name in listings, `${name} is in listings.json`)
  return Object.getOwnPropertyDescriptor(listings, name)?.value
}

/** Every entry in the form of listings.json, bodies read. */
async function read(...chunks: readonly Uint8Array[]): Promise<object[]> {
  const entries: object[] = []
  for await (const { name, type, size, mode, uid, gid, mtimeMs, linkName, body } of readTar(chunksOf(...chunks))) {
    const content = Buffer.concat(await collected(body))
    assert.equal(content.length, size)
    entries.push({
      name: name.toString('latin1'),
      type,
      mode,
      uid,
      gid,
      mtimeMs,
      linkName: linkName.toString('latin1'),
      contentBase64: content.toString('base64'),
    })
  }
  return entries
}

interface HeaderFields {
  readonly name?: string
  readonly type?: string
  readonly size?: number | string
  readonly magic?: string
  readonly prefix?: string
  readonly linkName?: string
  readonly mtime?: string
  readonly checksum?: (unsigned: number, block: Buffer) => number
}

/** A header block with the right checksum. */
function header(fields: HeaderFields = {}): Buffer {
  const { name = 'file', type = '0', size = 0, magic = 'ustar\x0000', prefix = '', linkName = '', mtime = '0' } = fields
  const block = Buffer.alloc(512)
  const put = (text: string, at: number): number => block.write(text, at, 'latin1')
  put(name, 0)
  put('0000644', 100)
  put('0001750', 108)
  put('0001750', 116)
  put(typeof size === 'string' ? size : size.toString(8).padStart(11, '0'), 124)
  put(mtime, 136)
  put(type, 156)
  put(linkName, 157)
  put(magic, 257)
  put(prefix, 345)
  put(' '.repeat(8), 148)
  const sum = block.reduce((total, byte) => total + byte, 0)
  put(`${(fields.checksum?.(sum, block) ?? sum).toString(8).padStart(6, '0')}\0 `, 148)
  return block
}

function body(content: string | Buffer): Buffer {
  const bytes = Buffer.from(content)
  return Buffer.concat([bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)])
}

function record(key: string, value: string | Buffer): Buffer {
  const rest = Buffer.concat([Buffer.from(` ${key}=`), Buffer.from(value), Buffer.from('\n')])
  let length = rest.length + 1
  while (String(length).length + rest.length !== length) length += 1
  return Buffer.concat([Buffer.from(String(length)), rest])
}

function extension(type: string, content: string | Buffer): Buffer {
  return Buffer.concat([header({ name: 'x', type, size: Buffer.byteLength(content) }), body(content)])
}

const end = Buffer.alloc(1024)
const archive = (...parts: readonly Buffer[]): Buffer => Buffer.concat([...parts, end])

async function refuses(bytes: Buffer, code: EngineErrorCode, message?: RegExp): Promise<void> {
  await assert.rejects(read(bytes), (error) => isEngineError(error, code) && (message ?? /./).test(error.message))
}

test('archives of real tools are read as Python reads them, names byte for byte', async () => {
  assert.ok(names.length > 20)
  for (const name of names) {
    if (listingOf(name) !== null) assert.deepEqual(await read(fixture(name)), listingOf(name), name)
  }
})

test('archives that would hide files are refused', async () => {
  const refused = names.filter((name) => listingOf(name) === null)
  assert.deepEqual(refused, ['gnu-sparse', 'pax-sparse'])
  for (const name of refused) await refuses(fixture(name), 'archive-corrupt')
})

test('archives are read the same byte by byte and cut at every offset', async () => {
  for (const name of names.filter((name) => listingOf(name) !== null)) {
    const bytes = fixture(name)
    assert.deepEqual(await read(...Array.from(bytes, (byte) => Uint8Array.of(byte))), listingOf(name), name)
  }
  const small = archive(header({ size: 3 }), body('abc'), header({ name: 'other' }))
  const expected = await read(small)
  for (const { how, chunks } of cuts(small)) assert.deepEqual(await read(...chunks), expected, how)
})

test('an archive that ends anywhere before the end mark is truncated, at every length', async () => {
  for (const name of ['gnu', 'pax', 'gnu-long-names', 'pax-global']) {
    const bytes = fixture(name)
    for (let length = 0; length < bytes.length; length += 128) {
      await assert.rejects(
        read(bytes.subarray(0, length)),
        (error) => isEngineError(error, 'archive-truncated') && error.message.includes(`at byte ${length}`),
        `${name} cut at ${length}`,
      )
    }
  }
})

test('an empty body is truncated, not an archive without files', async () => {
  await refuses(Buffer.alloc(0), 'archive-truncated')
  assert.deepEqual(await read(end), [])
})

test('one zero block is no end mark', async () => {
  await refuses(Buffer.concat([header(), Buffer.alloc(512)]), 'archive-truncated')
  await refuses(archive(header(), Buffer.alloc(512), header()), 'archive-corrupt')
})

test('after the end mark only zeros may follow, in any number', async () => {
  assert.equal((await read(archive(header()), Buffer.alloc(10_000))).length, 1)
  assert.equal((await read(archive(header()), Buffer.alloc(7))).length, 1)
  await refuses(archive(header(), end, Buffer.from('{"message":"copy failed"}')), 'archive-corrupt')
  await refuses(Buffer.concat([archive(header()), Buffer.from('x')]), 'archive-corrupt')
})

test('a wrong checksum is corrupt; sums of signed bytes are right too', async () => {
  await refuses(archive(header({ checksum: (sum) => sum + 1 })), 'archive-corrupt', /checksum, at byte 0/)
  const signed = header({
    name: 'caf\xe9',
    checksum: (_, block) => block.reduce((sum, byte) => sum + ((byte << 24) >> 24), 0),
  })
  assert.equal((await read(archive(signed))).length, 1)
})

test('a flipped bit in any byte of a header is noticed', async () => {
  const bytes = archive(header({ name: 'a' }), header({ name: 'b' }))
  for (let at = 0; at < 512; at += 1) {
    const damaged = Buffer.from(bytes)
    damaged.writeUInt8(damaged.readUInt8(at) ^ 0x10, at)
    // The bytes of the checksum field itself are not summed; some flips only turn a leading zero into a blank.
    if (at < 148 || at > 155) await refuses(damaged, 'archive-corrupt')
  }
})

test('a size above 8 GiB comes from its PAX record, and the header says zero', async () => {
  const bytes = Buffer.concat([extension('x', record('size', '9000000000')), header(), Buffer.from('first')])
  const entries = readTar(chunksOf(bytes))
  const entry: TarEntry | undefined = (await entries.next()).value ?? undefined
  assert.equal(entry?.size, 9_000_000_000)
  await assert.rejects(collected(entry?.body ?? chunksOf()), (error) => isEngineError(error, 'archive-truncated'))
})

test('numbers that are not numbers, negative sizes and absurd ones are corrupt', async () => {
  const sizes = [
    '99999999999',
    '0000000000x',
    '-0000000001',
    '\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff',
    '\x80\x7f\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff',
    '\x81\0\0\0\0\0\0\0\0\0\0\x01',
  ]
  for (const size of sizes) await refuses(archive(header({ size })), 'archive-corrupt')
  for (const [key, value] of [
    ['size', '1e3'],
    ['size', '-1'],
    ['size', ''],
    ['uid', 'x'],
    ['gid', '99999999999999999999'],
    ['gid', '4294967296'],
    ['mtime', 'now'],
    ['mtime', '.5'],
    ['mtime', '1.2.3'],
  ] as const) {
    await refuses(archive(extension('x', record(key, value)), header()), 'archive-corrupt')
  }
})

test('PAX records that break the format are corrupt', async () => {
  for (const content of [
    '7 a=b\n',
    '5 a=b\n',
    '6 a=b',
    '06 a=b\n',
    ' 6 a=b\n',
    '6 =bc\n',
    '6 abc\n',
    '6 a=b\n\0\0',
    '99 a=b\n',
    'x',
    '4 =\n',
    '6 a=bc',
  ]) {
    await refuses(archive(extension('x', content), header()), 'archive-corrupt', /PAX record/)
  }
  await refuses(archive(extension('x', record('path', 'a\0b')), header()), 'archive-corrupt')
  await refuses(archive(extension('x', record('path', '')), header()), 'archive-corrupt')
  await refuses(archive(extension('x', record('linkpath', 'a\0')), header({ type: '2' })), 'archive-corrupt')
})

test('a PAX value may hold line feeds and equals signs', async () => {
  const [entry] = await read(archive(extension('x', record('path', 'a=b\n7 c=d\n')), header()))
  assert.deepEqual(Object.entries(entry ?? {})[0], ['name', 'a=b\n7 c=d\n'])
})

test('a global header holds for all entries after it, and an own one wins', async () => {
  const bytes = archive(
    extension('g', record('mtime', '5.5')),
    header({ name: 'a' }),
    extension('x', record('mtime', '-6.25')),
    header({ name: 'b' }),
    header({ name: 'c' }),
  )
  const times = (await read(bytes)).map((entry) => Object.getOwnPropertyDescriptor(entry, 'mtimeMs')?.value)
  assert.deepEqual(times, [5500, -6250, 5500])
})

test('a PAX time that no Date holds is the nearest one that it does', async () => {
  for (const [value, year] of [
    ['9223372036854775807', '+275760'],
    ['-9223372036854775808', '-271821'],
    ['99999999999999.5', '+275760'],
  ] as const) {
    const [entry] = await read(archive(extension('x', record('mtime', value)), header()))
    const time = new Date(Object.getOwnPropertyDescriptor(entry ?? {}, 'mtimeMs')?.value)
    assert.equal(time.toISOString().slice(0, 7), year)
  }
})

test('extended attributes in a PAX header are with their entry alone, values as raw bytes', async () => {
  const value = '\x01\x00=\n\u00ff'
  const attributes = `${record('SCHILY.xattr.security.capability', value)}${record('SCHILY.xattr.user.a=b', '')}`
  const found: unknown[] = []
  for await (const { name, xattrs } of readTar(
    chunksOf(archive(extension('x', attributes), header({ name: 'a' }), header({ name: 'b' }))),
  )) {
    found.push([name.toString(), xattrs && [...xattrs]])
  }
  assert.deepEqual(found, [
    [
      'a',
      [
        ['security.capability', Buffer.from(value)],
        ['user.a', Buffer.from('b=')],
      ],
    ],
    ['b', undefined],
  ])
})

test('extended headers out of place are corrupt', async () => {
  const long = extension('L', 'long\0')
  const pax = extension('x', record('uid', '1'))
  for (const parts of [
    [long],
    [pax],
    [long, long, header()],
    [pax, extension('x', record('gid', '1')), header()],
    [long, extension('x', record('path', 'other')), header()],
    [pax, extension('g', record('uid', '1')), header()],
    [extension('L', ''), header()],
    [extension('L', '\0'), header()],
    [extension('L', 'no end'), header()],
    [extension('x', record('pa\0th', 'a')), header()],
    [extension('L', 'a\0b'), header()],
    [header({ type: 'x', size: 2 ** 21 })],
    [extension('g', record('path', 'all')), header()],
    [extension('g', record('size', '0')), header()],
    [extension('g', record('SCHILY.xattr.user.a', '0')), header()],
  ]) {
    await refuses(archive(...parts), 'archive-corrupt')
  }
  assert.equal((await read(archive(long, pax, header()))).length, 1)
})

test('types that this reader does not know are corrupt, never skipped', async () => {
  for (const type of ['S', 'D', 'M', 'V', 'N', 'X', 'A', '8', ' ']) {
    await refuses(archive(header({ type })), 'archive-corrupt', /unsupported type/)
  }
})

test('entries that readers disagree about are corrupt', async () => {
  const cases: HeaderFields[] = [
    { name: '' },
    { name: 'file/', type: '0' },
    { name: 'link/', type: '2', linkName: 'a' },
    { type: '5', size: 512 },
    { type: '2', linkName: 'a', size: 512 },
    { type: '1', linkName: '' },
    { type: '2', linkName: '' },
    { magic: 'ustar  \0', prefix: '14000000000' },
    { magic: '', prefix: 'folder' },
  ]
  for (const fields of cases) await refuses(archive(header(fields), Buffer.alloc(512, 'x')), 'archive-corrupt')
})

test('a hard link has no body, whatever size its header tells', async () => {
  const bytes = archive(
    header({ name: 'a', size: 3 }),
    body('abc'),
    header({ name: 'b', type: '1', linkName: 'a', size: 3 }),
  )
  assert.equal((await read(bytes)).length, 2)
  await refuses(archive(extension('x', record('size', '3')), header({ type: '1', linkName: 'a' })), 'archive-corrupt')
})

test('bodies that are not read, or only begun, are skipped', async () => {
  const bytes = archive(
    header({ name: 'a', size: 1000 }),
    body('a'.repeat(1000)),
    header({ name: 'b', size: 1000 }),
    body('b'.repeat(1000)),
    header({ name: 'c', size: 3 }),
    body('end'),
  )
  const seen: string[] = []
  const pieces = Array.from({ length: Math.ceil(bytes.length / 100) }, (_, index) =>
    bytes.subarray(index * 100, (index + 1) * 100),
  )
  for await (const entry of readTar(chunksOf(...pieces))) {
    seen.push(entry.name.toString())
    if (entry.name.toString() !== 'b') continue
    for await (const piece of entry.body) {
      seen.push(piece.toString())
      break
    }
  }
  assert.deepEqual(seen, ['a', 'b', 'b'.repeat(52), 'c'])
})

test('a body gives its bytes once and in time, or throws; it never ends early in silence', async () => {
  const bytes = archive(header({ name: 'a', size: 3 }), body('abc'), header({ name: 'b', size: 3 }), body('def'))
  const entries = readTar(chunksOf(...Array.from(bytes, (byte) => Uint8Array.of(byte))))
  const misuse = (error: unknown): boolean => isEngineError(error, 'invalid-argument')
  const first: TarEntry | undefined = (await entries.next()).value ?? undefined
  const begun = first?.body[Symbol.asyncIterator]()
  assert.equal((await begun?.next())?.value.toString(), 'a')
  await assert.rejects(collected(first?.body ?? chunksOf()), misuse)
  const second: TarEntry | undefined = (await entries.next()).value ?? undefined
  await assert.rejects(async () => begun?.next(), misuse)
  assert.equal(second?.name.toString(), 'b')
  assert.equal(Buffer.concat(await collected(second.body)).toString(), 'def')
  assert.equal((await entries.next()).done, true)
})

test('reading a body while the next entry is asked for throws', async () => {
  const bytes = archive(header({ size: 3 }), body('abc'))
  const entries = readTar(chunksOf(...Array.from(bytes, (byte) => Uint8Array.of(byte))))
  const entry: TarEntry | undefined = (await entries.next()).value ?? undefined
  const reading = collected(entry?.body ?? chunksOf())
  await assert.rejects(entries.next(), /two places/)
  await assert.rejects(reading)
})

test('leaving early ends the source, from an entry and from inside a body', async () => {
  for (const inside of [false, true]) {
    let ended = false
    async function* source(): AsyncGenerator<Buffer> {
      try {
        yield archive(header({ size: 3 }), body('abc'), header())
        yield* chunksOf(end)
      } finally {
        ended = true
      }
    }
    for await (const entry of readTar(source())) {
      if (!inside) break
      await assert.rejects(async () => {
        for await (const _ of entry.body) throw new Error('the store is down')
      })
      break
    }
    assert.ok(ended)
  }
})

test('memory does not grow with the archive, and the source is not read ahead', async () => {
  let produced = 0
  async function* source(): AsyncGenerator<Buffer> {
    yield header({ size: 2 ** 32 })
    for (; produced < 2 ** 32; produced += 65536) yield Buffer.alloc(65536)
  }
  for await (const entry of readTar(source())) {
    let taken = 0
    for await (const piece of entry.body) {
      taken += piece.length
      assert.ok(produced - taken <= 65536)
      if (taken > 2 ** 22) break
    }
    break
  }
})

test('damage never hangs, crashes or invents: each of many mutations ends in entries or in an EngineError', async () => {
  let state = 20_261_123
  const random = (below: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
  const outcomes = { read: 0, refused: 0 }
  for (let round = 0; round < 600; round += 1) {
    const bytes = Buffer.from(fixture(names[random(names.length)] ?? ''))
    const at = random(Math.min(bytes.length, 4096))
    bytes.writeUInt8(random(256), at)
    const start = at - (at % 512)
    if (random(2) === 0) fixChecksum(bytes.subarray(start, start + 512))
    const whole = random(4) > 0 ? bytes : bytes.subarray(0, random(bytes.length))
    try {
      await read(whole)
      outcomes.read += 1
    } catch (error) {
      assert.ok(isEngineError(error, 'archive-corrupt') || isEngineError(error, 'archive-truncated'), String(error))
      outcomes.refused += 1
    }
  }
  assert.ok(outcomes.read > 50 && outcomes.refused > 50)
})

function fixChecksum(block: Buffer): void {
  block.fill(' ', 148, 156)
  const sum = block.reduce((total, byte) => total + byte, 0)
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
}
