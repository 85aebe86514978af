// The path-stat header. The values are hand-made after the engine's form.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isEngineError } from '../../../engine-api/index.ts'
import { decodePathStat } from '../../../engine-api/streams/path-stat.ts'

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64')
const stat = { name: 'x', size: 4096, mode: 0o644, mtime: '2026-01-02T03:04:05.678Z', linkTarget: '' }

test("Go's mode bits give the type and the permissions, the highest bit included", () => {
  const cases = [
    [0o644, 'file'],
    [0x80000000 + 0o755, 'directory'],
    [0x80000000 + 0x100000 + 0o1777, 'directory'],
    [0x08000000 + 0o777, 'symbolic-link'],
    [0x04000000 + 0x200000 + 0o620, 'device'],
    [0x02000000 + 0o600, 'fifo'],
    [0x01000000 + 0o600, 'socket'],
  ] as const
  for (const [mode, type] of cases) {
    const decoded = decodePathStat('test', encode({ ...stat, mode }))
    assert.deepEqual([decoded.type, decoded.mode], [type, mode & 0o777])
  }
})

test('the other fields pass unchanged', () => {
  const decoded = decodePathStat('test', encode({ ...stat, linkTarget: '/etc' }))
  assert.deepEqual(decoded, { ...stat, linkTarget: '/etc', type: 'file' })
})

test('an absent header and another shape are protocol errors', () => {
  for (const header of [
    undefined,
    '',
    '!!!',
    encode([]),
    encode({ ...stat, mode: -1 }),
    encode({ ...stat, size: '1' }),
  ]) {
    assert.throws(
      () => decodePathStat('test', header),
      (error) => isEngineError(error, 'protocol'),
    )
  }
})
