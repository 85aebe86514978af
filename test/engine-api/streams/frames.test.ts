// Frames of stdout and stderr. All bytes here are hand-made.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isEngineError } from '../../../engine-api/index.ts'
import { type OutputPiece, readFrames } from '../../../engine-api/streams/frames.ts'
import { chunksOf, collected, cuts } from '../cut.ts'

function frame(type: number, payload: string, length = Buffer.byteLength(payload)): Buffer {
  const header = Buffer.alloc(8)
  header.writeUInt8(type, 0)
  header.writeUInt32BE(length, 4)
  return Buffer.concat([header, Buffer.from(payload)])
}

const read = (...chunks: readonly Uint8Array[]): AsyncGenerator<OutputPiece> => readFrames('test', chunksOf(...chunks))

function joined(pieces: readonly OutputPiece[]): Record<'stdout' | 'stderr', string> {
  const all = { stdout: '', stderr: '' }
  for (const { stream, bytes } of pieces) all[stream] += bytes.toString('latin1')
  return all
}

const isProtocol = (error: unknown): boolean => isEngineError(error, 'protocol')

test('frames are the same however the connection cuts them', async () => {
  const bytes = Buffer.concat([frame(1, 'one\n'), frame(2, 'err'), frame(0, 'echo'), frame(1, ''), frame(1, 'two')])
  for (const { how, chunks } of cuts(bytes)) {
    assert.deepEqual(joined(await collected(read(...chunks))), { stdout: 'one\nechotwo', stderr: 'err' }, how)
  }
})

test('no bytes are no output', async () => {
  assert.deepEqual(await collected(read()), [])
})

test('an end inside a header or a payload is an error, at every offset', async () => {
  const bytes = frame(1, 'payload')
  for (let length = 1; length < bytes.length; length += 1) {
    await assert.rejects(collected(read(bytes.subarray(0, length))), isProtocol, `after ${length} bytes`)
  }
})

test('a frame longer than 2 GiB has its real length and is passed on piece by piece', async () => {
  const pieces = read(frame(2, 'first', 0xffff_fff0), Buffer.from('second'))
  assert.deepEqual(await pieces.next(), { done: false, value: { stream: 'stderr', bytes: Buffer.from('first') } })
  const second = { stream: 'stderr', bytes: Buffer.from('second'), continues: true }
  assert.deepEqual(await pieces.next(), { done: false, value: second })
  await assert.rejects(pieces.next(), isProtocol)
})

test("the engine's own error in between is thrown with its text, not printed", async () => {
  const bytes = Buffer.concat([frame(1, 'out'), frame(3, 'error grabbing logs\n'), frame(1, 'never')])
  for (const { how, chunks } of cuts(bytes)) {
    const pieces: OutputPiece[] = []
    const reading = async (): Promise<void> => {
      for await (const piece of read(...chunks)) pieces.push(piece)
    }
    await assert.rejects(
      reading(),
      (error) => isEngineError(error, 'protocol') && error.engineMessage === 'error grabbing logs',
      how,
    )
    assert.equal(joined(pieces).stdout, 'out')
  }
})

test("the engine's own error is bounded, and told even where it is empty or cut", async () => {
  const long = collected(read(frame(3, 'x'.repeat(100_000), 0xffff_ffff)))
  await assert.rejects(long, (error) => isEngineError(error, 'protocol') && error.engineMessage?.length === 64 * 1024)
  await assert.rejects(collected(read(frame(3, ''))), isProtocol)
  const cut = collected(read(frame(3, 'half', 100)))
  await assert.rejects(cut, (error) => isEngineError(error, 'protocol') && error.engineMessage === 'half')
})

test('output of a terminal is refused, not taken for frames', async () => {
  await assert.rejects(collected(read(Buffer.from('$ ls\r\nfile\r\n'))), /terminal/)
  await assert.rejects(collected(read(Buffer.from([1, 0, 0, 1, 0, 0, 0, 0]))), isProtocol)
})

test('leaving the loop early ends the source', async () => {
  let ended = false
  async function* source(): AsyncGenerator<Buffer> {
    try {
      for (;;) yield frame(1, 'again')
    } finally {
      ended = true
    }
  }
  for await (const _ of readFrames('test', source())) break
  assert.ok(ended)
})
