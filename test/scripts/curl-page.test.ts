// That scripts/curl.md says every engine call of the service. test/live/curl.test.ts runs what it says.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Operation, operations } from '../../engine-api/index.ts'
import { callsOf, curlPage, type DocumentedCall } from '../support/curl-page.ts'
import { notOfTheService } from '../support/service-operations.ts'

function documents(operation: Operation, call: DocumentedCall): boolean {
  const path = new RegExp(`^${operation.path.replaceAll('.', '\\.').replaceAll(/\{\w+\}/g, '[^/]+')}$`)
  const queryFits = call.query.every((name) => operation.query.includes(name))
  return call.method === operation.method && path.test(call.path) && queryFits
}

const calls = callsOf(await curlPage())

for (const operation of operations.filter(({ name }) => !notOfTheService.has(name))) {
  test(`scripts/curl.md says ${operation.method} ${operation.path} (${operation.name})`, () => {
    assert.ok(
      calls.some((call) => documents(operation, call)),
      `write it into scripts/curl.md, or name it in test/support/service-operations.ts`,
    )
  })
}

test('scripts/curl.md says nothing but operations of the client, with their query names', () => {
  const strangers = calls.filter((call) => !operations.some((operation) => documents(operation, call)))
  assert.deepEqual(strangers, [])
})
