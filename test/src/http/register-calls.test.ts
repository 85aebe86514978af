// One record makes a call: its route, who may call it, its place in the document and its audit line.

import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { test } from 'node:test'
import { Type } from '@sinclair/typebox'
import { ExtendAnswer } from '../../../src/classes/extend-class.ts'
import type { CallContext } from '../../../src/http/call-context.ts'
import { calls } from '../../../src/http/calls/index.ts'
import { defineAction } from '../../../src/http/define-action.ts'
import { buildDocument } from '../../../src/http/openapi/document.ts'
import { registerCalls } from '../../../src/http/register-calls.ts'
import { Document } from '../../support/contract.ts'
import { openService } from '../../support/memory-service.ts'
import { shaped } from '../../support/shape.ts'
import { bearer, portalAuth } from '../../support/tokens.ts'

const lengthenClass = defineAction({
  name: 'lengthen-class',
  access: 'class-action',
  summary: 'Lengthen a class by an hour',
  description: 'A made-up call.',
  body: Type.Object({ classId: Type.String() }, { additionalProperties: false }),
  result: ExtendAnswer,
  problems: ['unknown-class'],
  example: { classId: 'os101-a' },
  start: async ({ actions }, { classId }, caller) => actions.extend({ classId, ttlMinutes: 60 }, caller),
})

test('a call of the table is a route, judged by its access, checked by its schemas, and audited', async (t) => {
  const { app, log, actions, post } = await openService(t, {}, portalAuth)
  const context: Pick<CallContext, 'actions'> = { actions }
  registerCalls(app, [lengthenClass], Object.assign(Object.create(null), context))
  const ask = (payload: object, headers: Record<string, string>) =>
    app.inject({ method: 'POST', url: '/room/lengthen-class', payload, headers })
  const [classId, admin] = ['os101-a', bearer('a-hoa', 'admin')]
  assert.equal((await post('/room/up-class', { classId }, admin)).statusCode, 200)

  assert.equal((await ask({ classId }, {})).statusCode, 401)
  assert.equal((await ask({ classId }, bearer('t-stranger', 'teacher'))).statusCode, 403)
  const unknown = await ask({ classId, loudly: true }, admin)
  assert.equal(unknown.statusCode, 400)
  assert.match(unknown.json().detail, /loudly/)
  assert.equal((await ask({ classId }, admin)).statusCode, 200)

  const lines = log.filter(({ audit }) => audit === true).map(({ action, actor, outcome }) => [action, actor, outcome])
  assert.deepEqual(lines.slice(1), [
    ['lengthen-class', null, 'not-authenticated'],
    ['lengthen-class', 't-stranger', 'forbidden'],
    ['lengthen-class', 'a-hoa', 'invalid-request'],
    ['extend-class', 'a-hoa', 'succeeded'],
  ])
})

test('a call of the table is in the document, with the problems that follow from its record', () => {
  const document = shaped(Document, JSON.parse(JSON.stringify(buildDocument([...calls, lengthenClass], '0.0.0'))))
  const { operationId, responses } = document.paths['/room/lengthen-class']?.['post'] ?? assert.fail('it is not there')
  assert.equal(operationId, 'lengthen-class')
  assert.deepEqual(Object.keys(responses), '200 202 400 401 403 404 409 413 415 429 500 503'.split(' '))
})

test('every file of the folder is a call of the table, under its own name', async () => {
  const files = await readdir(new URL('../../../src/http/calls/', import.meta.url))
  const names = files.filter((file) => file !== 'index.ts').map((file) => file.replace(/\.ts$/, ''))
  assert.deepEqual(calls.map(({ name }) => name).sort(), names.sort())
})

test('a route that is no call is refused at the start', async (t) => {
  const { app } = await openService(t)
  assert.throws(() => app.get('/room/new', async () => ({})), /GET \/room\/new is not a call/)
})
