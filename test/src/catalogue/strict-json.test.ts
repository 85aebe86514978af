// What the scanner takes is what JSON.parse takes, less what JSON.parse loses in silence.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { JsonFault, lineOf, parseStrictJson } from '../../../src/catalogue/strict-json.ts'
import { type Random, randomFrom } from '../../support/random.ts'

function fault(text: string): JsonFault {
  try {
    parseStrictJson(text)
  } catch (error) {
    assert.ok(error instanceof JsonFault, `${JSON.stringify(text)}: ${error}`)
    return error
  }
  assert.fail(`${JSON.stringify(text)} is accepted`)
}

test('a name that stands twice is refused by name, path and line, however it is written', () => {
  const cases: [string, string, number][] = [
    ['{"a":1,\n"a":2}', '/a', 2],
    ['{"a":1,"\\u0061":1}', '/a', 1],
    ['{"\\u0061":1,"a":1}', '/a', 1],
    ['{"é":1,"\\u00e9":1}', '/é', 1],
    ['{"":1,"":1}', '/', 1],
    ['{"a/b":1,"a\\/b":1}', '/a~1b', 1],
    ['{"b":{\n"x":[{},{"y":1,\n"z":2,\n"y":1}]}}', '/b/x/1/y', 4],
    ['{"constructor":1,"constructor":1}', '/constructor', 1],
  ]
  for (const [text, path, line] of cases) {
    const found = fault(text)
    assert.deepEqual([found.path, found.line, found.isJson], [path, line, true], text)
    assert.match(found.message, /stands twice/)
  }
  const fine = '{"a":{"a":[{"a":1},{"a":2}],"A":0,"ä":0,"a\\u0308":0},"b":{"a":1}}'
  assert.deepEqual(parseStrictJson(fine), JSON.parse(fine))
})

test('what is not JSON is told with its line and what was expected there', () => {
  const cases: [string, number, RegExp][] = [
    ['{\n"a": 1\n"b": 2}', 3, /',' or '}' is expected, not '"'/],
    ['{\n"a": 1,\n}', 3, /',' before '}'/],
    ['[1,]', 1, /',' before ']'/],
    ["{'a':1}", 1, /a name in double quotes is expected, not '''/],
    ['{"a" 1}', 1, /':' is expected/],
    ['{"a":\n', 2, /a value is expected, and the file ends/],
    ['{"a":"b\n"}', 1, /holds '\n'/],
    ['{"a":"b', 1, /never closed/],
    ['{"a":"\\x"}', 1, /'\\x' means nothing/],
    ['{"a":NaN}', 1, /a value is expected, not 'N'/],
    ['{} //', 1, /more after its end/],
    ['{"a":01}', 1, /',' or '}' is expected, not '1'/],
  ]
  for (const [text, line, words] of cases) {
    const found = fault(text)
    assert.deepEqual([found.line, found.isJson], [line, false], text)
    assert.match(found.message, words, text)
  }
})

test('nesting without end, and the one name that changes an object, are refused in words', () => {
  assert.match(fault('['.repeat(1_000_000)).message, /nested more than 100 deep/)
  assert.match(fault('{"a":'.repeat(1_000_000)).message, /nested more than 100 deep/)
  assert.match(fault('{"a":{"__proto__":{}}}').message, /'__proto__'/)
  assert.match(fault('{"\\u005f_proto__":{}}').message, /'__proto__'/)
})

test('the line of a place is that of its name, or of an item', () => {
  const text = '{\n"a/b": [\n1,\n{ "~":\n2 }]}'
  const lines = ['', '/a~1b', '/a~1b/0', '/a~1b/1', '/a~1b/1/~0', '/gone'].map((path) => lineOf(text, path))
  assert.deepEqual(lines, [1, 2, 3, 4, 4, undefined])
})

/** Any JSON text, with names that are often the same, blanks, and numbers in every form. */
function randomJson(random: Random, depth = 0): string {
  const blank = () => random.pick(['', '', ' ', '\n', '\t\r\n'])
  const text = () => `"${random.pick(['a', 'b', 'é', '\\u0061', '\\n', '\\\\', '\\"', '😀', '\\ud83d', ' ', ''])}"`
  const kind = random.below(depth > 4 ? 4 : 8)
  const items = (make: () => string) =>
    Array.from({ length: random.below(4) }, () => blank() + make() + blank()).join(',') || blank()
  if (kind < 1) return random.pick(['true', 'false', 'null'])
  if (kind < 2) return random.pick(['0', '-0', '1e999', '-1.5E+3', '10', '0.1', '12345678901234567890'])
  if (kind < 4) return text()
  if (kind < 6) return `[${items(() => randomJson(random, depth + 1))}]`
  return `{${items(() => `${text()}${blank()}:${blank()}${randomJson(random, depth + 1)}`)}}`
}

const marks = [
  '{',
  '}',
  '[',
  ']',
  ',',
  ':',
  '"',
  '\\',
  '0',
  '-',
  '.',
  'e',
  't',
  ' ',
  '\n',
  '\0',
  '\u2028',
  '\ufeff',
  '\u00a0',
]

/** Members of all objects, as JSON.parse keeps them. */
function membersOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0
  const values: unknown[] = Object.values(value)
  return values.reduce((sum: number, each) => sum + membersOf(each), Array.isArray(value) ? 0 : values.length)
}

/** Members of all objects, as they are written: a colon each, outside of texts. */
const membersWritten = (text: string): number => text.replace(/"(?:[^"\\]|\\.)*"/gs, '').split(':').length - 1

/** What JSON.parse makes of the text; undefined where it is no JSON, or loses a member. */
function expected(text: string): { value: unknown } | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return membersOf(value) === membersWritten(text) ? { value } : undefined
  } catch {
    return undefined
  }
}

test('any text is taken exactly where JSON.parse takes it and keeps every member, and then means the same', () => {
  const random = randomFrom(4711)
  const counts = { taken: 0, twice: 0, broken: 0 }
  for (let round = 0; round < 20_000; round++) {
    let text = randomJson(random)
    for (let edits = random.below(3); edits > 0; edits--) {
      const at = random.below(text.length + 1)
      text = text.slice(0, at) + random.pick(marks) + text.slice(at + random.below(2))
    }
    const right = expected(text)
    if (right) {
      assert.deepEqual(parseStrictJson(text), right.value, JSON.stringify(text))
      counts.taken++
    } else if (fault(text).isJson) counts.twice++
    else counts.broken++
  }
  assert.ok(
    Object.values(counts).every((count) => count > 500),
    JSON.stringify(counts),
  )
})
