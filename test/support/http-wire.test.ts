import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cuts } from '../engine-api/cut.ts'
import { type WireMessage, WireReader } from './http-wire.ts'

/** What a reader makes of the pieces. */
function read(pieces: readonly Uint8Array[], hasBody = true): WireMessage[] {
  const messages: WireMessage[] = []
  const reader = new WireReader(
    (message) => messages.push(message),
    () => hasBody,
  )
  for (const piece of pieces) reader.push(Buffer.from(piece))
  reader.end()
  return messages
}

const texts = (messages: readonly WireMessage[]): string[] => messages.map(({ body }) => body.toString())

const two =
  'POST /a HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello' +
  'PUT /b HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n'

test('two messages after each other are read the same, however they are cut', () => {
  for (const { how, chunks } of cuts(Buffer.from(two))) {
    const messages = read(chunks)
    assert.deepEqual(texts(messages), ['hello', 'abc0123456789'], how)
    for (const { reads, body } of messages)
      assert.equal(
        reads.reduce((a, b) => a + b, 0),
        body.length,
        how,
      )
  }
})

test('an answer without a length ends with its connection', () => {
  const [message] = read([Buffer.from('HTTP/1.1 200 OK\r\n\r\n'), Buffer.from('one'), Buffer.from('two')])
  assert.deepEqual([message?.framing, message?.body.toString(), message?.reads], ['close', 'onetwo', [0, 3, 3]])
})

test('reads of a chunked body count its bytes without the marks around them', () => {
  const head = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab'
  const [message] = read([Buffer.from(head), Buffer.from('\r\n3\r\ncde\r\n'), Buffer.from('0\r\n\r\n')])
  assert.deepEqual([message?.body.toString(), message?.reads], ['abcde', [2, 3]])
})

test('an answer to HEAD and a 304 have no body, whatever length they name', () => {
  const head = 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n'
  assert.deepEqual(texts(read([Buffer.from(head)], false)), [''])
  assert.deepEqual(texts(read([Buffer.from('HTTP/1.1 304 Not Modified\r\n\r\n')])), [''])
})

test('a connection that ends inside a message is an error', () => {
  assert.throws(
    () => read([Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort')]),
    /ended inside a message/,
  )
})
