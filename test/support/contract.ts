// Holds answers against the document that the service gives of itself (/openapi.json), more strictly than a caller may: every
// object is closed, so that a member which nobody described fails the test.

import assert from 'node:assert/strict'
import type { OutgoingHttpHeaders } from 'node:http'
import { type Static, Type } from '@sinclair/typebox'
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import type { App } from '../../src/http/app-type.ts'
import { shaped } from './shape.ts'

const Content = Type.Record(Type.String(), Type.Object({ schema: Type.Optional(Type.Object({})) }))
const Response = Type.Object({
  description: Type.String(),
  headers: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
  content: Type.Optional(Content),
})
const Operation = Type.Object({
  operationId: Type.String(),
  parameters: Type.Optional(Type.Array(Type.Object({ name: Type.String(), in: Type.String() }))),
  requestBody: Type.Optional(Type.Object({ content: Content })),
  responses: Type.Record(Type.String(), Response),
})
export const Document = Type.Object({
  paths: Type.Record(Type.String(), Type.Record(Type.String(), Operation)),
  components: Type.Object({ schemas: Type.Record(Type.String(), Type.Object({})) }),
})
export type Document = Static<typeof Document>

/** What came back, from inject or from a socket. */
export interface Received {
  readonly statusCode: number
  readonly headers: OutgoingHttpHeaders
  readonly body: string
}

export interface Contract {
  readonly document: Document
  /** Fails the test where the answer is not one that the document allows. `route`: `GET /room/classes/:classId`. */
  check(route: string | undefined, received: Received): void
}

const read = new Map<string, Contract>()

/** Of one text the same contract: its schemas are compiled once. */
export function readContract(text: string): Contract {
  const known = read.get(text)
  if (known) return known
  const contract = open(text)
  read.set(text, contract)
  return contract
}

function open(text: string): Contract {
  const document = shaped(Document, JSON.parse(text))
  const ajv = newValidator(document)
  const compiled = new Map<unknown, ValidateFunction>()
  const validate = (schema: object, value: unknown, what: string): void => {
    const check = compiled.get(schema) ?? ajv.compile(refined(schema))
    compiled.set(schema, check)
    if (check(value)) return
    assert.fail(`${what}: ${ajv.errorsText(check.errors)} in ${JSON.stringify(value, undefined, 2).slice(0, 2000)}`)
  }
  const component = (name: string): object => document.components.schemas[name] ?? assert.fail(`no schema ${name}`)

  return {
    document,
    check(route, { statusCode, headers, body }) {
      const type = String(headers['content-type'] ?? '').replace(/;.*/, '')
      // HEAD is GET without its body.
      const [method = '', path = ''] = pathOf(route ?? '').split(' ')
      const operation = document.paths[path]?.[method.toLowerCase().replace('head', 'get')]
      if (!operation) {
        const code = body === '' ? 'not-found' : JSON.parse(body).code
        assert.equal(type, 'application/problem+json')
        assert.ok(withoutRoute.includes(code), `${code} without a route`)
        if (body !== '') validate(component(`problem-${code}`), JSON.parse(body), code)
        return
      }
      const response = operation.responses[statusCode]
      assert.ok(response, `${route} answers ${statusCode}, which is not described: ${body.slice(0, 300)}`)
      for (const name of Object.keys(response.headers ?? {})) {
        if (name !== 'preference-applied') assert.ok(headers[name] !== undefined, `${route} lacks the header ${name}`)
      }
      if (!response.content) return
      const content = response.content[type] ?? response.content['*/*']
      assert.ok(content, `${route} answers ${statusCode} as ${type}, which is not described`)
      if (method === 'HEAD') return
      if (content.schema) validate(content.schema, JSON.parse(body), `${route} ${statusCode}`)
      if (type === 'text/event-stream') {
        // A block that begins with a colon is a comment.
        for (const event of body.split('\n\n').filter((block) => block !== '' && !block.startsWith(':'))) {
          const [, data = ''] = /^event: (?:progress|end)\ndata: (.*)$/.exec(event) ?? assert.fail(event)
          validate(component('Operation'), JSON.parse(data), event)
        }
      }
    },
  }
}

/** As the document writes a route. */
export const pathOf = (route: string): string => route.replace(/:(\w+)/g, '{$1}').replace(/\*$/, '{key}')

/** Knows the named schemas of the document, and refuses keywords that JSON Schema does not have. */
export function newValidator({ components }: Document): Ajv2020 {
  // Ajv takes longer to optimise its code than these few answers take without.
  const ajv = new Ajv2020({ strict: true, strictTypes: false, code: { optimize: false } })
  ajv.addKeyword('discriminator')
  return ajv.addSchema({ $id: 'document', $defs: refined(components.schemas) })
}

/** The schema as `newValidator` can read it, every object of it closed. */
export function refined(value: object): object {
  const members = Object.entries(value).map(([key, member]) => [
    key,
    key === '$ref' ? member.replace('#/components/schemas/', 'document#/$defs/') : refinedMember(member),
  ])
  if (Array.isArray(value)) return members.map(([, member]) => member)
  const copy = Object.fromEntries(members)
  if (copy.type === 'object' && copy.properties !== undefined) copy.additionalProperties ??= false
  return copy
}

const refinedMember = (member: unknown): unknown =>
  typeof member === 'object' && member !== null ? refined(member) : member

/** No body is read before there is a route. */
const withoutRoute = ['not-found', 'method-not-allowed', 'invalid-request', 'too-many-requests']

const routeHeader = 'test-route'

/** To be called before the service is asked: every answer then says by which route it came. */
export function noteRoutes(app: App): void {
  app.addHook('onSend', async (request, reply) => {
    const { url } = request.routeOptions
    if (url !== undefined && !request.is404) reply.header(routeHeader, `${request.method} ${url}`)
  })
}

/** Undefined where no route took the request. */
export const routeOf = (headers: OutgoingHttpHeaders): string | undefined => headers[routeHeader]?.toString()
