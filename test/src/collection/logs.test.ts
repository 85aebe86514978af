// Logs as two files, read twice.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { digestOf } from '../../../src/collection/digest.ts'
import { CollectError } from '../../../src/collection/errors.ts'
import { spoolLogs } from '../../../src/collection/logs.ts'
import type { LogPiece } from '../../../src/runtime/port.ts'

const out = (text: string): LogPiece => ({ stream: 'stdout', bytes: Buffer.from(text) })
const err = (text: string): LogPiece => ({ stream: 'stderr', bytes: Buffer.from(text) })

/** A log that reads differently each time. */
function readings(...all: (readonly LogPiece[])[]): () => AsyncIterable<LogPiece> {
  let count = 0
  return async function* () {
    yield* all[count++] ?? assert.fail('the log is read too often')
  }
}

async function textOf(stream: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = []
  for await (const chunk of stream) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

test('a log becomes two files, each stream in its order, and each can be read again', async () => {
  const pieces = [out('one\n'), err('warn\n'), out('two\n')]
  const logs = await spoolLogs(readings(pieces, pieces))
  const [stdout, stderr] = logs.files
  assert.equal(stdout?.key, 'data/logs/stdout.log')
  assert.equal(stderr?.key, 'data/logs/stderr.log')
  assert.deepEqual(stdout.content, digestOf(Buffer.from('one\ntwo\n')))
  for (let again = 0; again < 2; again++) {
    assert.equal(await textOf(stdout.stream()), 'one\ntwo\n')
    assert.equal(await textOf(stderr.stream()), 'warn\n')
  }
  await logs.close()
})

test('a sandbox that said nothing has two empty files', async () => {
  const logs = await spoolLogs(readings([], []))
  assert.deepEqual(
    logs.files.map(({ content }) => content.size),
    [0, 0],
  )
  await logs.close()
})

test('where the pieces end does not matter', async () => {
  const logs = await spoolLogs(readings([out('onetwo')], [out('one'), out('two')]))
  await logs.close()
})

test('a second reading that differs is refused, whichever stream it is', async () => {
  const first = [out('one'), err('two')]
  for (const second of [[out('one')], [...first, out('!')], [...first, err('!')], [out('two'), err('one')], []]) {
    await assert.rejects(
      spoolLogs(readings(first, second)),
      (error) => error instanceof CollectError && error.code === 'changed',
    )
  }
})
