// What a log from the engine is told to be beside its bytes: which pieces are one record, whether its beginning may be gone, and
// that the engine cannot read on. The engine's answers are hand-made.

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { LogPiece } from '../../../../src/runtime/archive.ts'
import { readLogs } from '../../../../src/runtime/docker/logs.ts'
import { answerOf } from '../../../engine-api/raw-server.ts'
import { contextWith } from './hand-made.ts'

/** As the engine frames it: 1 is stdout, 2 stderr, 3 its own error. */
function frame(type: 1 | 2 | 3, text: string): Buffer {
  const head = Buffer.from([type, 0, 0, 0, 0, 0, 0, 0])
  head.writeUInt32BE(Buffer.byteLength(text), 4)
  return Buffer.concat([head, Buffer.from(text)])
}

async function piecesOf(t: TestContext, body: Buffer, last?: number) {
  const { context, server } = await contextWith(t, (socket, { target }) =>
    socket.write(
      answerOf(target.includes('/logs') ? 200 : 404, target.includes('/logs') ? body : '{"message":"none"}'),
    ),
  )
  const pieces: LogPiece[] = []
  for await (const piece of readLogs(context, 'c', new AbortController().signal, last)) pieces.push(piece)
  return { pieces, target: server.requests.at(-1)?.target }
}

const flagsOf = (pieces: readonly LogPiece[]) => ({
  records: pieces.filter(({ continues }) => !continues).length,
  mayLackBeginning: pieces.some((piece) => piece.mayLackBeginning),
  breaksOff: pieces.some((piece) => piece.breaksOff),
})

/** A line of 50 bytes, and the 69 bytes around it in the engine's file. */
const line = `${'x'.repeat(4800)}\n`
const filling = 20_000_000
const recordBytes = 4800 + 2 + 69

test('a record is one record however many pieces it comes in', async (t) => {
  const { pieces } = await piecesOf(t, Buffer.concat([frame(1, 'y'.repeat(500_000)), frame(2, 'z')]))
  assert.ok(pieces.length > 2, 'the test needs a record in pieces')
  assert.equal(flagsOf(pieces).records, 2)
})

test('only a log that fills two of the engine’s three files may lack its beginning', async (t) => {
  const fitting = Math.floor(filling / recordBytes)
  const many = Buffer.alloc(fitting * frame(1, line).length, frame(1, line))
  const whole = flagsOf((await piecesOf(t, many)).pieces)
  assert.deepEqual(whole, { records: fitting, mayLackBeginning: false, breaksOff: false })
  const { pieces } = await piecesOf(t, Buffer.concat([many, frame(2, line)]))
  assert.equal(flagsOf(pieces).mayLackBeginning, true)
})

test('a log counts as the engine keeps it: control characters, markup and what was no UTF-8 take six bytes', async (t) => {
  for (const text of ['\u0000', '\t', '<', '&', '\ufffd\ufffd']) {
    const bytes = text.length * 6
    const fitting = Math.floor((filling - 69) / bytes)
    const below = await piecesOf(t, frame(1, text.repeat(fitting - 1)))
    assert.equal(flagsOf(below.pieces).mayLackBeginning, false, JSON.stringify(text))
    const above = await piecesOf(t, frame(1, text.repeat(Math.ceil(fitting * 1.01))))
    assert.equal(flagsOf(above.pieces).mayLackBeginning, true, JSON.stringify(text))
  }
})

test('where the engine says that it cannot read on, the log ends and says so', async (t) => {
  const body = Buffer.concat([frame(1, 'one\n'), frame(3, 'Error grabbing logs: unexpected EOF\n')])
  const { pieces } = await piecesOf(t, body)
  assert.deepEqual(flagsOf(pieces), { records: 1, mayLackBeginning: false, breaksOff: true })
  assert.equal(Buffer.concat(pieces.map(({ bytes }) => bytes)).toString(), 'one\n')
})

test('a log that is cut on its way is an error, not a damaged log', async (t) => {
  await assert.rejects(piecesOf(t, frame(1, 'one\n').subarray(0, 10)), /ends inside a frame/)
})

test('the last records are asked for by their number', async (t) => {
  const { target } = await piecesOf(t, frame(1, 'one\n'), 7)
  assert.match(target ?? '', /\/containers\/c\/logs\?stdout=1&stderr=1&tail=7$/)
})
