// One record makes a call: its route, who may call it, its place in the document and its audit line.

import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { test } from 'node:test'
import { Type } from '@sinclair/typebox'
import type { CallContext } from '../../../src/http/call-context.ts'
import { calls } from '../../../src/http/calls/index.ts'
import { defineCall, json } from '../../../src/http/define-call.ts'
import { buildDocument } from '../../../src/http/openapi/document.ts'
import { registerCalls } from '../../../src/http/register-calls.ts'
import { Document } from '../../support/contract.ts'
import { openService } from '../../support/memory-service.ts'
import { shaped } from '../../support/shape.ts'
import { bearer, portalAuth } from '../../support/tokens.ts'

const greetClass = defineCall({
  name: 'greet-class',
  method: 'POST',
  url: '/room/greet-class',
  access: 'class-action',
  summary: 'Greet a class',
  body: Type.Object({ classId: Type.String() }, { additionalProperties: false }),
  answers: { 200: json('It is greeted.', Type.Object({ greeted: Type.String() })) },
  problems: ['unknown-class'],
  run: async (_context, { body }) => ({ greeted: body.classId }),
})

test('a call of the table is a route, judged by its access, checked by its schemas, audited by its name', async (t) => {
  const { app, log } = await openService(t, {}, portalAuth)
  const unused: CallContext = Object.create(null)
  registerCalls(app, [greetClass], unused)
  const greet = (payload: object, headers: Record<string, string>) =>
    app.inject({ method: 'POST', url: greetClass.url, payload, headers })
  const classId = 'os101-a'

  assert.equal((await greet({ classId }, {})).statusCode, 401)
  const refused = await greet({ classId }, bearer('t-stranger', 'teacher'))
  assert.deepEqual([refused.statusCode, refused.json().code], [403, 'forbidden'])
  const admin = bearer('a-hoa', 'admin')
  const unknown = await greet({ classId, loudly: true }, admin)
  assert.equal(unknown.statusCode, 400)
  assert.match(unknown.json().detail, /loudly/)
  assert.deepEqual((await greet({ classId }, admin)).json(), { greeted: classId })

  const audited = log
    .filter(({ audit }) => audit === true)
    .map(({ action, actor, outcome }) => [action, actor, outcome])
  assert.deepEqual(audited, [
    ['greet-class', null, 'not-authenticated'],
    ['greet-class', 't-stranger', 'forbidden'],
    ['greet-class', 'a-hoa', 'invalid-request'],
  ])
})

test('a call of the table is in the document, with the problems that follow from its record', () => {
  const document = shaped(Document, JSON.parse(JSON.stringify(buildDocument([...calls, greetClass], '0.0.0'))))
  const { operationId, responses } = document.paths['/room/greet-class']?.['post'] ?? assert.fail('it is not there')
  assert.equal(operationId, 'greet-class')
  assert.deepEqual(Object.keys(responses), [
    '200',
    '400',
    '401',
    '403',
    '404',
    '409',
    '413',
    '415',
    '429',
    '500',
    '503',
  ])
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
