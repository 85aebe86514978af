// How paths and queries are written.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defineEndpoint } from '../../../engine-api/endpoint.ts'
import { isEngineError } from '../../../engine-api/index.ts'
import { requestPath } from '../../../engine-api/transport/request-path.ts'

const endpoint = defineEndpoint({
  name: 'test',
  method: 'GET',
  path: '/things/{id}/parts/{part}',
  query: ['a', 'b', 'filters'],
  statuses: { 200: 'found' },
  timeout: 'quick',
  retry: 'same',
})

test('each placeholder becomes one segment, every byte outside the unreserved set encoded', () => {
  const path = requestPath(endpoint, { id: '../a?b#c%d', part: 'ü ~-._Z' })
  assert.equal(path, '/things/..%2Fa%3Fb%23c%25d/parts/%C3%BC%20~-._Z')
})

test('blanks around an id are cut; an id of nothing, or of dots that would climb, is refused', () => {
  assert.equal(requestPath(endpoint, { id: ' a ', part: 'b' }), '/things/a/parts/b')
  for (const id of ['', '  ', '.', '..']) {
    assert.throws(
      () => requestPath(endpoint, { id, part: 'b' }),
      (error) => isEngineError(error, 'invalid-argument'),
    )
  }
})

test('query values: text, numbers, booleans as 1 and 0, filters as JSON; undefined is left out', () => {
  const path = (query: Parameters<typeof requestPath>[2]): string =>
    requestPath(endpoint, { id: 'i', part: 'p' }, query)
  assert.equal(path({}), '/things/i/parts/p')
  assert.equal(path({ a: 'x&y=z+', b: undefined }), '/things/i/parts/p?a=x%26y%3Dz%2B')
  assert.equal(path({ a: "/\0!'()*", b: 0 }), '/things/i/parts/p?a=%2F%00%21%27%28%29%2A&b=0')
  assert.equal(path({ a: true, b: false }), '/things/i/parts/p?a=1&b=0')
  assert.equal(
    path({ filters: { label: ['k=v', 'w'], status: [] } }),
    `/things/i/parts/p?filters=${encodeURIComponent('{"label":["k=v","w"],"status":[]}')}`,
  )
})

test('only query names on record are sent', () => {
  assert.equal(requestPath(endpoint, { id: 'i', part: 'p' }, { force: true }), '/things/i/parts/p')
})
