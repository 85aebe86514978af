// The one shape of every error answer.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Problem, problemKinds } from '../../src/problems.ts'

test('a problem is an RFC 9457 body, whose own members no extension replaces', () => {
  const extensions = { students: ['SV001'], status: 200, code: 'other', detail: 'other' }
  assert.deepEqual(new Problem('up-failed', 'What to do next.', { extensions }).toBody('request-1'), {
    students: ['SV001'],
    type: 'urn:class-runtime:problem:up-failed',
    title: 'Not every sandbox came up',
    status: 502,
    detail: 'What to do next.',
    code: 'up-failed',
    instance: 'request-1',
  })
})

test('every code has an error status and a title of its own', () => {
  const kinds = Object.values(problemKinds)
  for (const { status } of kinds) assert.ok(status >= 400 && status < 600)
  assert.equal(new Set(kinds.map(({ title }) => title)).size, kinds.length)
})
