// The main job as a portal's developers would write it: a class up, worked in, down, and every student's files fetched and compared.
// The types are made from the service's own document, beside this file:
//   npx openapi-typescript http://localhost:8080/openapi.json --output class-runtime.ts
//   node --import tsx portal.ts http://localhost:8080 "$TOKEN" os101-a

import { createHash } from 'node:crypto'
import type { paths } from './class-runtime.ts'

/** What a call answers with, in JSON. */
type Answer<Call> = Call extends { responses: { 200: { content: { 'application/json': infer Body } } } } ? Body : never
/** What a call takes, in JSON. */
type Body<Call> = Call extends { requestBody: { content: { 'application/json': infer Json } } } ? Json : never
type Actions = {
  [Url in keyof paths as paths[Url] extends { post: object } ? Url : never]: NonNullable<paths[Url]['post']>
}
type Operation = Answer<paths['/room/operations/{operationId}']['get']>
type Submission = Answer<
  paths['/room/classes/{classId}/sessions/{sessionId}/students/{studentId}/{collectionId}']['get']
>

const [address = '', token = '', classId = ''] = process.argv.slice(2)

/** The answer to a request, or its problem as an error: `detail` is for people, `code` for programs. */
async function call(url: string, request: RequestInit = {}): Promise<Response> {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...request.headers }
  const response = await fetch(new URL(url, address), { ...request, headers })
  if (response.ok) return response
  const problem: unknown = await response.json()
  throw new Error(`${response.status} of ${url}: ${JSON.stringify(problem)}`)
}

/** A class action. What takes longer than the wait goes on as an operation, which is asked until it has ended. */
async function act<Url extends keyof Actions>(url: Url, body: Body<Actions[Url]>): Promise<Answer<Actions[Url]>> {
  const response = await call(url, { method: 'POST', headers: { prefer: 'wait=60' }, body: JSON.stringify(body) })
  const started = response.headers.get('location')
  if (response.status !== 202 || started === null) return (await response.json()) as Answer<Actions[Url]>
  for (;;) {
    const operation = (await (await call(started)).json()) as Operation
    if (operation.state === 'succeeded') return operation.result as Answer<Actions[Url]>
    if (operation.state === 'failed') throw new Error(JSON.stringify(operation.problem))
    await new Promise((resolve) => setTimeout(resolve, 1000))
  }
}

const plan = await act('/room/plan-class', { classId })
if (!plan.allowed) throw new Error(plan.refusals.map(({ detail }) => detail).join('\n'))

const up = await act('/room/up-class', { classId })
for (const { studentId, state, endpoint } of up.students) console.log(`${studentId} ${state} ${endpoint ?? '-'}`)

const down = await act('/room/down-class', { classId })
for (const { studentId, state, bag, manifestSha256 } of down.students) {
  console.log(`${studentId} ${state}, receipt ${manifestSha256 ?? '-'}`)
  const collectionId = bag?.split('/').at(-2)
  if (collectionId === undefined) continue
  const of = `/room/classes/${classId}/sessions/${down.sessionId}/students/${studentId}/${collectionId}`
  const submission = (await (await call(of)).json()) as Submission
  for (const { path, key, sha256 } of submission.files) {
    const inUrl = key.split('/').map(encodeURIComponent).join('/')
    const file = Buffer.from(await (await call(`${of}/files/${inUrl}`)).arrayBuffer())
    const found = createHash('sha256').update(file).digest('hex')
    if (found !== sha256) throw new Error(`${path} of ${studentId} has another SHA-256: ${found}`)
    console.log(`  ${path}: ${file.length} bytes, as collected`)
  }
}
