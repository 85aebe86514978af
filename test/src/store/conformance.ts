// What every store must do, as one suite that each store's own test file runs: the port's promises, seen only through the port.

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { objectKey } from '../../../src/bag/object-key.ts'
import { type Store, type StoredObject, StoreError, type StoreErrorCode } from '../../../src/store/port.ts'
import { digestOf, gather, seededBytes, streamOf, wrongContentOf } from './bodies.ts'

/** Names that students can give to files and that some store or tool takes badly. */
export const hostileNames: readonly Buffer[] = [
  'plain.txt',
  'Bài tập số 1.txt',
  'a b  c',
  '+plus+',
  '100%',
  '%41%2F',
  'a\\..\\b',
  ' leading',
  'trailing ',
  '.. ',
  '...',
  '.hidden',
  'new\nline',
  'carriage\rreturn',
  'tab\there',
  'quote"\'`',
  '<a href="x">&amp;</a>',
  '?query=1&b=2#part',
  'semi;colon:comma,*|',
  '=3D',
  '~tilde~',
  'e\u0301 decomposed',
  'é composed',
  '\u202Etxt.exe',
  '\u2028',
  '\u0085',
  '\uFEFFbom',
  '\uFFFE',
  '😀 emoji ❤️',
  'x'.repeat(255),
  'ế'.repeat(85),
  'name__XLDIR__',
  'CON',
  'Case',
  'case',
  `${'deep/'.repeat(200)}file`,
  `${'d'.repeat(255)}/${'e'.repeat(255)}/${'f'.repeat(255)}/${'g'.repeat(255)}`,
]
  .map((name) => Buffer.from(name))
  .concat([Buffer.from([0xff]), Buffer.from([0xfe]), Buffer.from([0x61, 0xc3]), Buffer.from([0xed, 0xa0, 0x80])])

export async function rejectsWith(promise: Promise<unknown>, code: StoreErrorCode): Promise<StoreError> {
  const error = await promise.then(
    () => assert.fail(`should have been rejected with ${code}`),
    (reason: unknown) => reason,
  )
  assert.ok(error instanceof StoreError, `not a StoreError: ${error}`)
  assert.equal(error.code, code, error.message)
  return error
}

export async function listed(store: Store, prefix: string, signal?: AbortSignal): Promise<Map<string, StoredObject>> {
  const objects = new Map<string, StoredObject>()
  for await (const object of store.list(prefix, signal)) {
    assert.ok(!objects.has(object.key), `${object.key} is listed twice`)
    objects.set(object.key, object)
  }
  return objects
}

/** Registers the suite. `open` gives a store that `check` has passed and that the test may fill; each test uses its own prefix. */
export function conformance(name: string, open: (t: TestContext) => Promise<Store>, skip: string | false): void {
  const check = (title: string, run: (store: Store, prefix: string) => Promise<void>) => {
    test(`${name}: ${title}`, { skip }, async (t) => {
      const store = await open(t)
      const prefix = `${randomUUID()}/`
      await run(store, prefix)
      await Promise.all([...(await listed(store, prefix)).keys()].map((key) => store.remove(key)))
    })
  }
  const hello = Buffer.from('hello')
  const older = Buffer.from('what was there before')

  check('every hostile name is kept, listed and read back under its own key', async (store, prefix) => {
    const expected = new Map(
      hostileNames.map((raw, at) => [`${prefix}${objectKey(raw)}`, Buffer.from(`content ${at}`)]),
    )
    assert.equal(expected.size, hostileNames.length)
    for (const [key, bytes] of expected) assert.equal(await store.put(key, digestOf(bytes), bytes), 'stored')
    assert.deepEqual([...(await listed(store, prefix)).keys()].sort(), [...expected.keys()].sort())
    for (const [key, bytes] of expected) {
      assert.equal((await store.stat(key))?.size, bytes.length)
      assert.deepEqual(await gather(await store.read(key)), bytes)
      await store.remove(key)
    }
    assert.equal((await listed(store, prefix)).size, 0)
  })

  check('an empty object is an object', async (store, prefix) => {
    const empty = Buffer.alloc(0)
    await store.put(`${prefix}bytes`, digestOf(empty), empty)
    await store.put(`${prefix}stream`, digestOf(empty), streamOf(empty))
    for (const key of [`${prefix}bytes`, `${prefix}stream`]) {
      assert.equal((await store.stat(key))?.size, 0)
      assert.equal((await gather(await store.read(key))).length, 0)
    }
    assert.equal((await listed(store, prefix)).size, 2)
  })

  check('20 MB arrive as they were sent, streamed and from memory', async (store, prefix) => {
    const bytes = seededBytes(20_000_000, 7)
    await store.put(`${prefix}stream`, digestOf(bytes), streamOf(bytes))
    await store.put(`${prefix}bytes`, digestOf(bytes), bytes)
    assert.ok(bytes.equals(await gather(await store.read(`${prefix}stream`))))
    assert.ok(bytes.equals(await gather(await store.read(`${prefix}bytes`))))
  })

  check('a range is read from its first byte to its last, and an absent object is absent', async (store, prefix) => {
    const bytes = seededBytes(700_000, 5)
    await store.put(`${prefix}a`, digestOf(bytes), bytes)
    for (const [first, last] of [
      [0, 0],
      [0, 699_999],
      [262_143, 262_144],
      [1, 600_000],
      [699_999, 699_999],
    ] as const) {
      const part = await gather(await store.read(`${prefix}a`, undefined, { first, last }))
      assert.ok(bytes.subarray(first, last + 1).equals(part), `${first}-${last}: ${part.length} bytes`)
    }
    await rejectsWith(store.read(`${prefix}b`, undefined, { first: 0, last: 1 }), 'not-found')
  })

  check('an MD5 that the store gives is that of the content', async (store, prefix) => {
    await store.put(`${prefix}a`, digestOf(hello), hello)
    const { md5 } = digestOf(hello)
    assert.equal((await store.stat(`${prefix}a`))?.md5 ?? md5, md5)
    assert.equal((await listed(store, prefix)).get(`${prefix}a`)?.md5 ?? md5, md5)
  })

  check('a put replaces what was there', async (store, prefix) => {
    await store.put(`${prefix}a`, digestOf(older), older)
    assert.equal(await store.put(`${prefix}a`, digestOf(hello), hello), 'stored')
    assert.deepEqual(await gather(await store.read(`${prefix}a`)), hello)
  })

  const bytes = seededBytes(300_000, 3)
  for (const [what, content, body, told] of [
    ['a short stream', digestOf(bytes), () => streamOf(bytes.subarray(0, -1)), /300000 bytes .* 299999 bytes/],
    ['a long stream', digestOf(bytes), () => streamOf(Buffer.concat([bytes, hello])), /300000 bytes .* more/],
    ['a stream with another SHA-256', wrongContentOf(bytes), () => streamOf(bytes), /SHA-256/],
    ['bytes of another length', digestOf(bytes), () => bytes.subarray(1), /300000 bytes .* 299999 bytes/],
    ['bytes with another SHA-256', wrongContentOf(bytes), () => bytes, /SHA-256/],
  ] as const) {
    check(`${what} is a mismatch, leaves no object and keeps an older one`, async (store, prefix) => {
      const error = await rejectsWith(store.put(`${prefix}new`, content, body()), 'mismatch')
      assert.match(error.message, told)
      assert.equal(await store.stat(`${prefix}new`), undefined)
      await store.put(`${prefix}old`, digestOf(older), older)
      await rejectsWith(store.put(`${prefix}old`, content, body()), 'mismatch')
      assert.deepEqual(await gather(await store.read(`${prefix}old`)), older)
      assert.equal((await listed(store, prefix)).size, 1)
    })
  }

  check('a stream that goes on and on is left at once, and has ended when the put is over', async (store, prefix) => {
    let taken = 0
    let ended = false
    async function* endless() {
      try {
        for (; ; taken += 1) yield bytes
      } finally {
        // A source that takes its time to end.
        await pause(100)
        ended = true
      }
    }
    await rejectsWith(store.put(`${prefix}a`, digestOf(bytes), endless()), 'mismatch')
    assert.equal(taken, 1)
    assert.equal(ended, true)
  })

  check("a source's own error is passed on as it is and leaves nothing", async (store, prefix) => {
    const fault = new Error('the archive broke off')
    const source = streamOf(bytes, () => {
      throw fault
    })
    // The promised size is larger, so that the error and not the length ends it.
    const content = { ...digestOf(bytes), size: bytes.length + 1 }
    await assert.rejects(store.put(`${prefix}a`, content, source), (error) => error === fault)
    assert.equal(source.ended, true)
    assert.equal((await listed(store, prefix)).size, 0)
  })

  check('an abort ends a put whose source hangs, with the given reason, and leaves nothing', async (store, prefix) => {
    const abort = new AbortController()
    const reason = new Error('the class was cancelled')
    const source = streamOf(bytes, () => {
      abort.abort(reason)
      return new Promise(() => undefined)
    })
    const content = { ...digestOf(bytes), size: bytes.length + 1 }
    await assert.rejects(
      store.put(`${prefix}a`, content, source, { signal: abort.signal }),
      (error) => error === reason,
    )
    assert.equal((await listed(store, prefix)).size, 0)
  })

  check('an abort in the midst of a flowing put leaves nothing and ends the source', async (store, prefix) => {
    const abort = new AbortController()
    async function* flowing() {
      try {
        for (let count = 0; ; count += 1) {
          if (count === 3) abort.abort(new Error('enough'))
          yield bytes
        }
      } finally {
        ended.resolve()
      }
    }
    const ended = deferred()
    const content = { ...digestOf(bytes), size: 1_000_000_000 }
    await assert.rejects(store.put(`${prefix}a`, content, flowing(), { signal: abort.signal }), /enough/)
    await ended.promise
    assert.equal((await listed(store, prefix)).size, 0)
  })

  check('what is aborted already does nothing', async (store, prefix) => {
    await store.put(`${prefix}a`, digestOf(older), older)
    const signal = AbortSignal.abort(new Error('too late'))
    await assert.rejects(store.put(`${prefix}a`, digestOf(hello), hello, { signal }), /too late/)
    await assert.rejects(store.put(`${prefix}a`, digestOf(hello), streamOf(hello), { signal }), /too late/)
    await assert.rejects(store.copy(`${prefix}a`, `${prefix}b`, digestOf(older), signal), /too late/)
    await assert.rejects(store.remove(`${prefix}a`, signal), /too late/)
    await assert.rejects(store.stat(`${prefix}a`, signal), /too late/)
    await assert.rejects(store.folders(prefix, signal), /too late/)
    await assert.rejects(async () => gather(await store.read(`${prefix}a`, signal)), /too late/)
    await assert.rejects(async () => listed(store, prefix, signal), /too late/)
    assert.deepEqual(await gather(await store.read(`${prefix}a`)), older)
  })

  check('of many that put where nothing was, exactly one stores', async (store, prefix) => {
    const bodies = Array.from({ length: 8 }, (_, at) => Buffer.from(`from ${at}`))
    const outcomes = await Promise.all(
      bodies.map((body, at) =>
        store.put(`${prefix}a`, digestOf(body), at % 2 === 0 ? body : streamOf(body), { ifAbsent: true }),
      ),
    )
    assert.equal(outcomes.filter((outcome) => outcome === 'stored').length, 1)
    assert.deepEqual(await gather(await store.read(`${prefix}a`)), bodies[outcomes.indexOf('stored')])
    assert.equal(await store.put(`${prefix}a`, digestOf(hello), hello, { ifAbsent: true }), 'exists')
  })

  check('a copy has the content, and stays when its source goes', async (store, prefix) => {
    const source = `${prefix}${objectKey(Buffer.from('sub/ü +&%'))}`
    const copy = `${prefix}${objectKey(Buffer.from('other/é =?'))}`
    await store.put(source, digestOf(bytes), bytes)
    await store.copy(source, copy, digestOf(bytes))
    await store.remove(source)
    assert.ok(bytes.equals(await gather(await store.read(copy))))
    assert.deepEqual([...(await listed(store, prefix)).keys()], [copy])
    await rejectsWith(store.copy(source, `${prefix}third`, digestOf(bytes)), 'not-found')
  })

  check('a copy of other content than was said is a mismatch and does not stay', async (store, prefix) => {
    await store.put(`${prefix}a`, digestOf(older), older)
    await rejectsWith(store.copy(`${prefix}a`, `${prefix}b`, digestOf(hello)), 'mismatch')
    assert.equal(await store.stat(`${prefix}b`), undefined)
  })

  check('a list is complete both ways above 1,000 objects, and may be left early', async (store, prefix) => {
    const expected = new Map(
      Array.from({ length: 1100 }, (_, at) => [
        `${prefix}lots/${at % 7}/ü +%&= ${at}`,
        Buffer.from('x'.repeat(at % 50)),
      ]),
    )
    await Promise.all([...expected].map(([key, body]) => store.put(key, digestOf(body), body)))
    await store.put(`${prefix}lots-beside`, digestOf(hello), hello)
    const found = await listed(store, `${prefix}lots/`)
    assert.deepEqual([...found.keys()].sort(), [...expected.keys()].sort())
    for (const [key, body] of expected) assert.equal(found.get(key)?.size, body.length)

    let seen = 0
    for await (const _ of store.list(prefix)) {
      seen += 1
      if (seen === 3) break
    }
    assert.equal(seen, 3)
    await Promise.all([...expected.keys()].map((key) => store.remove(key)))
    assert.equal((await listed(store, `${prefix}lots/`)).size, 0)
  })

  check('folders are the names that have objects below them, sorted', async (store, prefix) => {
    for (const key of ['b/1', 'a/1', 'a/2/3', 'ab/1', 'Z/1', 'file', 'gone/1']) {
      await store.put(`${prefix}${key}`, digestOf(hello), hello)
    }
    await store.remove(`${prefix}gone/1`)
    assert.deepEqual(await store.folders(prefix), ['Z', 'a', 'ab', 'b'])
    assert.deepEqual(await store.folders(`${prefix}a/`), ['2'])
    assert.deepEqual(await store.folders(`${prefix}absent/`), [])
    assert.ok((await store.folders('')).includes(prefix.slice(0, -1)))
    assert.ok((await store.folders('')).every((folder) => !folder.startsWith('.')))
  })

  check('what is absent is said to be absent', async (store, prefix) => {
    await store.put(`${prefix}folder/a`, digestOf(hello), hello)
    for (const key of [`${prefix}no`, `${prefix}folder`, `${prefix}no/no`]) {
      assert.equal(await store.stat(key), undefined)
      await rejectsWith(store.read(key), 'not-found')
      await store.remove(key)
    }
    assert.equal((await listed(store, `${prefix}no/`)).size, 0)
    assert.equal((await listed(store, prefix)).size, 1)
  })

  check('puts and removes in one folder do not hinder each other', async (store, prefix) => {
    await Promise.all(
      Array.from({ length: 20 }, async (_, at) => {
        for (let round = 0; round < 5; round += 1) {
          await store.put(`${prefix}x/y/${at}`, digestOf(hello), hello)
          await store.remove(`${prefix}x/y/${at}`)
        }
        await store.put(`${prefix}x/y/${at}`, digestOf(hello), hello)
      }),
    )
    assert.equal((await listed(store, prefix)).size, 20)
  })

  check('keys that could lead elsewhere are refused', async (store, prefix) => {
    const long = `${prefix}${'x/'.repeat(500)}x`
    for (const key of [
      '',
      '/',
      '/etc/passwd',
      `${prefix}..`,
      `${prefix}../a`,
      `${prefix}./a`,
      `${prefix}a//b`,
      `${prefix}a/`,
      '.class-runtime/a',
    ]) {
      await rejectsWith(store.put(key, digestOf(hello), hello), 'refused')
      await rejectsWith(store.read(key), 'refused')
      await rejectsWith(store.stat(key), 'refused')
      await rejectsWith(store.remove(key), 'refused')
      await rejectsWith(store.copy(key, `${prefix}a`, digestOf(hello)), 'refused')
    }
    for (const key of [long, `${prefix}nul\0`, `${prefix}\uD800`])
      await rejectsWith(store.put(key, digestOf(hello), hello), 'refused')
    for (const bad of ['../', '/', '.class-runtime/', `${prefix}../`, prefix.slice(0, -1)])
      await rejectsWith(store.folders(bad), 'refused')
  })
}

function deferred(): { readonly promise: Promise<void>; resolve(): void } {
  let resolve = () => {}
  const promise = new Promise<void>((settle) => {
    resolve = settle
  })
  return { promise, resolve: () => resolve() }
}
