// Streams of JSON records. All bytes here are hand-made.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isEngineError } from '../../../engine-api/index.ts'
import { readRecords } from '../../../engine-api/streams/ndjson.ts'
import { chunksOf, collected, cuts } from '../cut.ts'

const read = (...chunks: readonly (string | Uint8Array)[]): AsyncGenerator<unknown> =>
  readRecords('test', chunksOf(...chunks.map((chunk) => Buffer.from(chunk))))

test('records are the same however the connection cuts them, inside characters too', async () => {
  const bytes = Buffer.from('{"a":"Đà Nẵng"}\r\n\n\x1e{"b":[1]}\n{"c":null}')
  for (const { how, chunks } of cuts(bytes)) {
    assert.deepEqual(await collected(read(...chunks)), [{ a: 'Đà Nẵng' }, { b: [1] }, { c: null }], how)
  }
})

test('an error record in a 200 is an error, in both of its forms', async () => {
  for (const record of [
    '{"error":"no space","errorDetail":{"message":"x"}}',
    '{"errorDetail":{"message":"no space"}}',
  ]) {
    const records = read('{"status":"working"}\n', record)
    assert.deepEqual((await records.next()).value, { status: 'working' })
    await assert.rejects(
      records.next(),
      (error) => isEngineError(error, 'server-error') && error.engineMessage === 'no space',
    )
  }
})

test('a record that is not JSON is an error, not skipped; so is one that was cut', async () => {
  for (const bytes of ['{"a":1}\nnot json\n{"b":2}\n', '{"a":1}\n{"b":']) {
    await assert.rejects(collected(read(bytes)), (error) => isEngineError(error, 'protocol'))
  }
})

test('a record without an end is refused at a limit, not gathered', async () => {
  async function* endless(): AsyncGenerator<Buffer> {
    for (;;) yield Buffer.alloc(64 * 1024, 'x')
  }
  await assert.rejects(collected(readRecords('test', endless())), (error) => isEngineError(error, 'protocol'))
})
