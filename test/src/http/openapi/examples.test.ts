// The examples of the document are what the service answers: one class, from its plan to the files of its bags, is asked again
// and must give the recorded examples, save for what is new in each run (ids of sessions and operations, times).
// RECORD_EXAMPLES=1 writes src/http/openapi/examples.json from this run instead.

import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { type TestContext, test } from 'node:test'
import { CollectAnswer } from '../../../../src/classes/collect-class.ts'
import { type Example, type Examples, examplesFile, readExamples } from '../../../../src/http/openapi/examples.ts'
import { RuntimeError } from '../../../../src/runtime/errors.ts'
import { type Contract, readContract } from '../../../support/contract.ts'
import { type Call, callsOf, goodRequest, key, type Request, send } from '../../../support/contract-calls.ts'
import { file } from '../../../support/memory-archive.ts'
import { classId } from '../../../support/memory-class.ts'
import { type MemoryService, openService } from '../../../support/memory-service.ts'
import { shaped } from '../../../support/shape.ts'
import { portalAuth } from '../../../support/tokens.ts'

/** The document and its page are no example of themselves; what is counted is another thing in each run; Traefik reads no document. */
const withoutExample = ['openapi', 'docs', 'docs-asset', 'metrics', 'traefik-routes', 'traefik-use']

class Recorder {
  readonly examples: Examples = { calls: {}, problems: {} }
  readonly #service: MemoryService
  readonly #contract: Contract
  readonly #calls: ReadonlyMap<string, Call>

  constructor(service: MemoryService, contract: Contract) {
    this.#service = service
    this.#contract = contract
    this.#calls = new Map(callsOf(contract.document).map((call) => [call.name, call]))
  }

  get names(): string[] {
    return [...this.#calls.keys()]
  }

  /** Asks, and keeps request and answer: a problem under its code, all else under its call. */
  async ask(name: string, title: string, change: Request = {}, service = this.#service): Promise<Example> {
    const call = this.#calls.get(name) ?? assert.fail(`no call ${name}`)
    const good = goodRequest(name)
    const named = [...call.path.matchAll(/\{(\w+)\}/g)].map(([, param = '']) => param)
    const params = { ...good.params, ...change.params }
    const request = {
      params: Object.fromEntries(named.map((param) => [param, params[param] ?? ''])),
      headers: { ...change.headers },
      ...(call.method === 'POST' ? { body: { ...good.body, ...change.body } } : {}),
    }
    const { statusCode, headers, body } = await send(service, call, request)
    const described = this.#contract.document.paths[call.path]?.[call.method.toLowerCase()]?.responses[statusCode]
    const shown = Object.keys(described?.headers ?? {}).filter((header) => headers[header] !== undefined)
    const answer = JSON.parse(
      JSON.stringify({
        title,
        request,
        status: statusCode,
        headers: Object.fromEntries(shown.map((header) => [header, String(headers[header])])),
        body: String(headers['content-type']).includes('json') ? JSON.parse(body) : body,
      }).replaceAll(service.ofClass.folder, '/srv/artifacts'),
    )
    if (statusCode < 400) this.examples.calls[name] = [...(this.examples.calls[name] ?? []), answer]
    else this.examples.problems[answer.body.code] = answer.body
    return answer
  }
}

/** A class as a portal runs it. */
async function runClass(t: TestContext): Promise<{ examples: Examples; names: string[] }> {
  const service = await openService(t)
  const { ofClass, get } = service
  const recorder = new Recorder(service, readContract((await get('/openapi.json')).body))

  await recorder.ask('healthz', 'The process answers')
  await recorder.ask('readyz', 'Everything can be used')
  await recorder.ask('list-labs', 'Two labs')
  await recorder.ask('list-nodes', 'One host')
  await recorder.ask('down-class', 'Never up')
  await recorder.ask('plan-class', 'Before the first up')
  await recorder.ask('up-class', 'All of the roster')
  ofClass.runtime.write('SV001', file('notes.txt', 'what SV001 wrote\n'))
  await recorder.ask('up-class', 'Two students, for two hours', {
    body: { students: ['SV001', 'SV002'], ttlMinutes: 120, allowPartial: true },
  })
  await recorder.ask('get-class', 'A class that is up')
  ofClass.runtime.exhaustMemory(ofClass.runtime.container('SV001'))
  await recorder.ask('get-student', 'A sandbox that took too much memory')
  await recorder.ask('list-classes', 'The classes of the caller')
  await recorder.ask('extend-class', 'Two more hours', { body: { ttlMinutes: 120 } })
  const snapshot = await recorder.ask('collect-class', 'One student', { body: { students: ['SV001'] } })

  const reset = await recorder.ask('reset-student', 'With the files of the last snapshot', {
    body: { restore: snapshotOf(snapshot.body) },
  })
  assert.equal(reset.status, 200)

  ofClass.runtime.before = (event) => {
    if (event === 'archive SV002') throw new RuntimeError('archive', 'The archive of the sandbox was cut short.')
  }
  await recorder.ask('down-class', 'One sandbox cannot be collected')
  await recorder.ask('discard-student', 'The last resort', { body: { studentId: 'SV002' } })
  const release = ofClass.runtime.hold('archive')
  const begun = await recorder.ask('down-class', 'Answered at once', { headers: { prefer: 'respond-async' } })
  const operationId = begun.headers['location']?.split('/').at(-1) ?? ''
  await recorder.ask('up-class', 'While a down runs')
  const ended = service.actions.operations.get(operationId).ended
  release()
  await ended
  await recorder.ask('get-operation', 'A down that has ended', { params: { operationId } })
  await recorder.ask('watch-operation', 'Asked after the end', { params: { operationId } })
  await recorder.ask('down-class', 'Repeated')

  const [{ sessionId }] = (await get(`/room/classes/${classId}/sessions`)).json().sessions
  await recorder.ask('list-sessions', 'One past session')
  await recorder.ask('get-session', 'A past session', { params: { sessionId } })
  await recorder.ask('get-bag', 'The bag of SV001', { params: { sessionId } })
  await recorder.ask('get-file', 'A file of SV001', { params: { sessionId, key } })
  await recorder.ask('get-file', 'No such file', { params: { sessionId, key: 'data/workspace/gone.txt' } })
  await recorder.ask('up-class', 'A field that no call has', { body: { image: 'busybox' } })
  await recorder.ask('get-class', 'Nobody', {}, await openService(t, {}, portalAuth))
  return recorder
}

function snapshotOf(collected: unknown): string {
  const [student] = shaped(CollectAnswer, collected).students
  return student?.bag?.split('/').at(-2) ?? assert.fail('no bag')
}

/** What is new in each run is replaced by its kind; ids also by a number, so that equal ones stay equal. */
function canonical(examples: Examples): unknown {
  const seen = new Map<string, string>()
  const numbered = (kind: string) => (id: string) => {
    const known = seen.get(id) ?? `<${kind} ${seen.size}>`
    seen.set(id, known)
    return known
  }
  const text = JSON.stringify(examples)
    .replace(/\d{8}t\d{9}z-[0-9a-f]{4}/g, numbered('session'))
    .replace(/snapshot-\d{8}t\d{9}z/g, 'snapshot-<time>')
    .replace(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, numbered('id'))
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '<time>')
  return JSON.parse(text)
}

test('each example is what the service answers, and there is one of every call', async (t) => {
  const { examples, names } = await runClass(t)
  if (process.env['RECORD_EXAMPLES']) await writeFile(examplesFile, `${JSON.stringify(examples, undefined, 2)}\n`)
  assert.deepEqual(canonical(examples), canonical(readExamples()))
  const shown = names.filter((name) => !withoutExample.includes(name))
  assert.deepEqual(Object.keys(examples.calls).sort(), shown.sort())
})

test('the examples stand in the document', async (t) => {
  const { get } = await openService(t)
  const text = (await get('/openapi.json')).body
  for (const own of Object.values(readExamples().calls)) {
    for (const { body } of own) assert.ok(text.includes(JSON.stringify(body)))
  }
  for (const body of Object.values(readExamples().problems)) assert.ok(text.includes(JSON.stringify(body)))
})
