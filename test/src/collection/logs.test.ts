// Logs as two files, read twice.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CollectError } from '../../../src/collection/errors.ts'
import { spoolLogs } from '../../../src/collection/logs.ts'
import type { LogPiece } from '../../../src/runtime/archive.ts'
import { digestOf } from '../../../src/store/content.ts'

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
  const logs = await spoolLogs(readings(pieces, pieces, pieces))
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
  const logs = await spoolLogs(readings([out('onetwo')], [out('one'), out('two')], [out('onetwo')]))
  await logs.close()
})

test('a log that goes on between the readings is refused, whichever stream it is', async () => {
  for (const end of ['', '\n']) {
    const [one, two, more] = [`one${end}`, `two${end}`, `!${end}`]
    const first = [out(one), err(two)]
    for (const later of [[out(one)], [...first, out(more)], [...first, err(more)], [out(two), err(one)], []]) {
      await assert.rejects(
        spoolLogs(readings(first, later, later)),
        (error) => error instanceof CollectError && error.code === 'changed',
      )
    }
  }
})

/** A log file on the engine: what it reads from the beginning, and what from the end where lines cannot be read. */
async function notesOf(fromBeginning: readonly LogPiece[], file: readonly (LogPiece | 'unreadable')[]) {
  const asked: (number | undefined)[] = []
  const logs = await spoolLogs(async function* (last) {
    asked.push(last)
    if (last === undefined) yield* fromBeginning
    else for (const line of file.slice(-last)) if (line !== 'unreadable') yield line
  })
  await logs.close()
  return { notes: logs.notes, asked, size: logs.files[0]?.content.size }
}

const lines = Array.from({ length: 20 }, (_, index) => out(`${index}\n`))

test('a whole log is read twice, from its beginning and from its end, and has no note', async () => {
  assert.deepEqual(await notesOf(lines, lines), { notes: [], asked: [undefined, 20, 21], size: 50 })
  assert.deepEqual(await notesOf([], []), { notes: [], asked: [undefined, 1], size: 0 })
})

test('pieces of one record count once: the engine is asked for records', async () => {
  const long: LogPiece[] = [out('begin'), { ...out('end\n'), continues: true }]
  const { asked } = await notesOf(long, long)
  assert.equal(asked[1], 1)
})

test('lines without their end are counted by every engine in its own way: such a log is read twice from its beginning', async () => {
  const { notes, asked } = await notesOf([...lines, out('prompt$ '), out('next\n')], lines)
  assert.deepEqual({ notes, asked }, { notes: [], asked: [undefined, undefined] })
})

test('a log in which the engine says each time that it broke off is damaged, however far it came; once is a change', async () => {
  const cut: LogPiece = { ...out(''), continues: true, breaksOff: true }
  const logs = await spoolLogs(readings([out('1\n'), out('2\n'), cut], [out('1\n'), cut]))
  assert.match(logs.notes.join(), /damaged .* output is missing/)
  assert.equal(logs.files[0]?.content.size, 4)
  await logs.close()
  const isChange = (error: unknown) => error instanceof CollectError && error.code === 'changed'
  await assert.rejects(spoolLogs(readings([out('1\n'), cut], [out('1\n'), out('2\n')])), isChange)
})

test('a damaged log is in the bag as far as it can be read, with a note', async () => {
  const torn = [...lines.slice(0, 7), 'unreadable' as const, ...lines.slice(8)]
  const cases = {
    'the engine ends there': [lines.slice(0, 7), torn],
    'it goes on behind the hole': [[...lines.slice(0, 7), ...lines.slice(12)], torn],
    'the first line cannot be read': [lines.slice(9), ['unreadable' as const, ...lines.slice(1)]],
    'nothing is given at all': [[], ['unreadable' as const, ...lines.slice(1)]],
    'the last line is torn': [lines.slice(0, 19), [...lines.slice(0, 19), 'unreadable' as const]],
  } as const
  for (const [name, [fromBeginning, file]] of Object.entries(cases)) {
    const { notes, asked } = await notesOf(fromBeginning, file)
    assert.match(notes.join(), /damaged .* output is missing/, name)
    assert.equal(asked.at(-1), undefined, 'a change would show in another reading of the whole')
  }
})

test('a log that breaks off with an error of the engine is in the bag up to there, with a note', async () => {
  const broken = [...lines, { ...out(''), continues: true as const, breaksOff: true as const }]
  const { notes, size } = await notesOf(broken, lines)
  assert.match(notes.join(), /damaged .* output is missing/)
  assert.equal(size, 50)
})

test('a log from which the engine may have dropped old output says so', async () => {
  const full = [out('one'), { ...out('two'), mayLackBeginning: true as const }]
  const { notes } = await notesOf(full, full)
  assert.match(notes.join(), /may be gone/)
})
