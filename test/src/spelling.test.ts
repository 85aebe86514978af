import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nearest, visible } from '../../src/spelling.ts'

test('the nearest name is found through one or two slips, case and separators; a far one is not guessed', () => {
  const known = ['memoryMb', 'cpus', 'pids', 'image', 'exclude', 'maxFiles', 'maxFileBytes', 'ttlMinutes']
  const cases: [string, string | undefined][] = [
    ['memroyMb', 'memoryMb'],
    ['memory_mb', 'memoryMb'],
    ['MEMORYMB', 'memoryMb'],
    ['memory', 'memoryMb'],
    ['cpu', 'cpus'],
    ['imgae', 'image'],
    ['excludes', 'exclude'],
    ['maxFile', 'maxFiles'],
    ['ttlminute', 'ttlMinutes'],
    ['privileged', undefined],
    ['binds', undefined],
    ['x', undefined],
    ['', undefined],
  ]
  for (const [name, expected] of cases) assert.equal(nearest(name, known), expected, name)
  assert.equal(nearest('anything', []), undefined)
})

test('what no eye can see is written out; letters of any language stay', () => {
  assert.equal(
    visible('a\u200bb\ufeff\n\u2028\u00a0\u202e\u3164\ud800'),
    'a\\u{200b}b\\u{feff}\\u{a}\\u{2028}\\u{a0}\\u{202e}\\u{3164}\\u{d800}',
  )
  assert.equal(visible('Nguyễn Thị Ánh 😀'), 'Nguyễn Thị Ánh 😀')
})
