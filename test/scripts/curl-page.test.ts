// That scripts/curl.md says every engine call of the service. test/live/curl.test.ts runs what it says.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Endpoint, endpoints } from '../../engine-api/index.ts'
import { callsOf, curlPage, type DocumentedCall } from '../support/curl-page.ts'
import { notOfTheService } from '../support/service-endpoints.ts'

function documents(endpoint: Endpoint, call: DocumentedCall): boolean {
  const path = new RegExp(`^${endpoint.path.replaceAll('.', '\\.').replaceAll(/\{\w+\}/g, '[^/]+')}$`)
  const queryFits = call.query.every((name) => endpoint.query.includes(name))
  return call.method === endpoint.method && path.test(call.path) && queryFits
}

const calls = callsOf(curlPage())

for (const endpoint of endpoints.filter(({ name }) => !notOfTheService.has(name))) {
  test(`scripts/curl.md says ${endpoint.method} ${endpoint.path} (${endpoint.name})`, () => {
    assert.ok(
      calls.some((call) => documents(endpoint, call)),
      `write it into scripts/curl.md, or name it in test/support/service-endpoints.ts`,
    )
  })
}

test('scripts/curl.md says nothing but endpoints of the client, with their query names', () => {
  const strangers = calls.filter((call) => !endpoints.some((endpoint) => documents(endpoint, call)))
  assert.deepEqual(strangers, [])
})
