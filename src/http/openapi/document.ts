// The OpenAPI 3.1 document, made from the table of calls. TypeBox schemas are JSON Schema as they stand; those
// that have a name here are told once and referred to. Answers are open in the document, so that a member can be added
// without breaking callers; the tests close them.

import type { TSchema } from '@sinclair/typebox'
import { Submission } from '../../bag/submission.ts'
import { CollectAnswer } from '../../classes/collect-class.ts'
import { DiscardAnswer } from '../../classes/discard-student.ts'
import { ExtendAnswer } from '../../classes/extend-class.ts'
import { ResetAnswer } from '../../classes/reset-student.ts'
import { PlanAnswer } from '../../classes/up/plan-class.ts'
import { OperationView } from '../../operations/operations.ts'
import { type ProblemCode, problemKinds } from '../../problems.ts'
import { DownAnswer, UpAnswer } from '../../sessions/outcomes.ts'
import { ClassDetails, ClassList } from '../answers.ts'
import { SessionDetails } from '../calls/get-session.ts'
import { LabList } from '../calls/list-labs.ts'
import { SessionList } from '../calls/list-sessions.ts'
import { type Answer, type Call, isAction, problemsOf } from '../define-call.ts'
import { type Example, type Examples, readExamples } from './examples.ts'
import { AnyProblem, Operation, problemCodes, problems } from './schemas.ts'

const problemName = (code: ProblemCode): string => `problem-${code}`

const told: ReadonlyMap<unknown, string> = new Map<TSchema, string>([
  ...Object.entries({ UpAnswer, DownAnswer, CollectAnswer, ExtendAnswer, ResetAnswer, DiscardAnswer }).map(swap),
  ...Object.entries({ PlanAnswer, Operation, Submission }).map(swap),
  ...Object.entries({ ClassList, ClassDetails, SessionList, SessionDetails, LabList, AnyProblem }).map(swap),
  ...[...problems].map(([code, schema]) => [schema, problemName(code)] as const),
])

/** The operation in another answer is the same one, all that it can hold included. */
const named: ReadonlyMap<unknown, string> = new Map<unknown, string>([[OperationView, 'Operation'], ...told])

function swap([name, schema]: [string, TSchema]): [TSchema, string] {
  return [schema, name]
}

const reference = (name: string) => ({ $ref: `#/components/schemas/${name}` })

/** A copy as plain JSON, in which every schema that has a name is a reference; `whole` itself is told. */
function plain(value: unknown, whole?: unknown): unknown {
  const name = value === whole ? undefined : named.get(value)
  if (name !== undefined) return reference(name)
  if (Array.isArray(value)) return value.map((each) => plain(each))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, plain(member)]))
}

/** `version` is the package's. */
export function buildDocument(calls: readonly Call[], version: string): object {
  const examples = readExamples()
  const paths: Record<string, Record<string, object>> = {}
  // A page in the place of somebody else's is no call that anybody makes.
  for (const call of calls.filter(({ everyMethod }) => !everyMethod)) {
    const path = pathOf(call.url)
    paths[path] = { ...paths[path], [call.method.toLowerCase()]: operationOf(call, examples) }
  }
  return {
    openapi: '3.1.0',
    info: { title: 'class-runtime', version, license: { name: 'MIT', identifier: 'MIT' }, description },
    servers: [{ url: '/' }],
    security: [{ bearer: [] }],
    tags: Object.values(tags).map((name) => ({ name })),
    paths,
    components: {
      securitySchemes: {
        bearer: {
          type: 'http',
          scheme: 'bearer',
          bearerFormat: 'JWT',
          description: 'The token of the portal. Where the service runs with AUTH=off, nobody is asked for one.',
        },
      },
      schemas: Object.fromEntries([...told].map(([schema, name]) => [name, plain(schema, schema)])),
    },
  }
}

const tags = { actions: 'Class actions', reading: 'What there is', operators: 'For operators' }

function tagOf({ method, url }: Call): string {
  if (method === 'POST') return tags.actions
  return url.startsWith('/room/') ? tags.reading : tags.operators
}

/** OpenAPI knows no parameter that may hold slashes: the key of a file is written with them or with %2F. */
const pathOf = (url: string): string => url.replace(/:(\w+)/g, '{$1}').replace(/\*$/, '{key}')

function operationOf(call: Call, examples: Examples): object {
  const own = examples.calls[call.name] ?? []
  const parameters = [...pathParameters(call, own), ...(isAction(call.access) ? [prefer] : [])]
  return {
    operationId: call.name,
    summary: call.summary,
    ...(call.description === undefined ? {} : { description: call.description }),
    tags: [tagOf(call)],
    ...(call.access === 'open' ? { security: [] } : {}),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(call.body ? { requestBody: requestBody(call.body, own) } : {}),
    responses: responsesOf(call, own, examples.problems),
  }
}

function pathParameters({ params }: Call, own: readonly Example[]): object[] {
  const schemas: Record<string, TSchema> = params?.['properties'] ?? {}
  return Object.entries(schemas).map(([name, schema]) => {
    const example = own[0]?.request.params[name]
    return {
      name: name === '*' ? 'key' : name,
      in: 'path',
      required: true,
      schema: plain(schema),
      ...(example === undefined ? {} : { example }),
    }
  })
}

const prefer = {
  name: 'Prefer',
  in: 'header',
  description:
    'RFC 7240. `respond-async` answers 202 at once; `wait=N` waits up to N seconds (3600 at most) for the end, also beside `respond-async`. Default: `wait=20`.',
  schema: { type: 'string' },
  examples: { async: { value: 'respond-async' }, wait: { value: 'wait=5' } },
}

const requestBody = (schema: TSchema, own: readonly Example[]) => ({
  required: true,
  content: {
    'application/json': {
      schema: plain(schema),
      ...listed(own.map(({ title, request }) => [title, request.body])),
    },
  },
})

function responsesOf(call: Call, own: readonly Example[], bodies: Examples['problems']): object {
  const responses: Record<number, object> = {}
  for (const [status, answer] of Object.entries(call.answers)) {
    const seen = own.filter((example) => `${example.status}` === status)
    responses[Number(status)] = {
      description: answer.description,
      ...headersOf(answer.headers ?? {}),
      ...contentOf(answer, seen),
    }
  }
  const codes = problemsOf(call)
  for (const status of new Set(codes.map((code) => problemKinds[code].status))) {
    responses[status] = problemResponse(
      status,
      codes.filter((code) => problemKinds[code].status === status),
      bodies,
    )
  }
  return responses
}

function contentOf({ type, schema }: Answer, seen: readonly Example[]): object {
  if (type === undefined) return {}
  const told = schema ? { schema: plain(schema) } : {}
  return { content: { [type]: { ...told, ...listed(seen.map(({ title, body }) => [title, body])) } } }
}

function problemResponse(status: number, codes: readonly ProblemCode[], bodies: Examples['problems']): object {
  const references = codes.map((code) => reference(problemName(code)))
  const discriminator = {
    propertyName: 'code',
    mapping: Object.fromEntries(codes.map((code) => [code, reference(problemName(code)).$ref])),
  }
  const [only, ...others] = references
  const shown = codes.filter((code) => bodies[code] !== undefined)
  return {
    description: codes.map((code) => `\`${code}\`: ${problemKinds[code].title}.`).join('\n\n'),
    ...headersOf(problemHeaders[status] ?? {}),
    content: {
      'application/problem+json': {
        schema: others.length === 0 ? only : { oneOf: references, discriminator },
        ...listed(shown.map((code) => [code, bodies[code]])),
      },
    },
  }
}

const problemHeaders: Readonly<Record<number, Readonly<Record<string, string>>>> = {
  401: { 'www-authenticate': 'The scheme, and why the token is refused (RFC 6750).' },
  405: { allow: 'The methods of this path.' },
  416: { 'content-range': 'How many bytes there are.' },
  429: { 'retry-after': 'Seconds to wait.' },
}

const headersOf = (headers: Readonly<Record<string, string>>): object =>
  Object.keys(headers).length === 0
    ? {}
    : {
        headers: Object.fromEntries(
          Object.entries(headers).map(([name, description]) => [name, { description, schema: { type: 'string' } }]),
        ),
      }

function listed(values: readonly (readonly [string, unknown])[]): object {
  const shown = values.filter(([, value]) => value !== undefined)
  if (shown.length === 0) return {}
  return { examples: Object.fromEntries(shown.map(([summary, value]) => [keyOf(summary), { summary, value }])) }
}

const keyOf = (title: string): string => title.toLowerCase().replace(/[^a-z0-9]+/g, '-')

const codeTable = problemCodes
  .map((code) => `| \`${code}\` | ${problemKinds[code].status} | ${problemKinds[code].title} |`)
  .join('\n')

const description = `A class of students goes up, each with a sandbox of their own, and down, each with a committed, verified bag.
There is no call that takes an image, a command, an environment or any other engine setting.

**Requests** are JSON objects. An unknown field is refused by name, never dropped, and so is an unknown name in a query. Ids are compared without case.

**Long calls** run as operations (RFC 7240): done within the wait, 200 with the result; otherwise 202 and \`Location\`.
A second identical call joins the running operation.

**Errors** are problem+json (RFC 9457). \`code\` is from the list below, \`detail\` says what to do next, \`instance\` is the id of the
request in the service's log. What is refused before there is a route (a path or a request that cannot be read, a path or method that
no route takes, too many requests) is such a problem too; a path that has other methods names them
in \`Allow\` (405). HEAD is answered as GET, without the body.

Members may be added to answers: pass over what you do not know.

| code | status | |
|---|---|---|
${codeTable}
`
