// The whole service for unit tests, without its process and without a port: every route, by inject, over an engine in
// memory and a real directory store. Every answer is held against the document that the service itself gives of its calls.
// At the end of each test its log is searched for tokens and presigned URLs.

import assert from 'node:assert/strict'
import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { InjectOptions, LightMyRequestResponse } from 'fastify'
import { buildApp } from '../../src/app.ts'
import { openCatalogue } from '../../src/catalogue/catalogue.ts'
import { ClassActions } from '../../src/classes/class-actions.ts'
import type { AuthConfig } from '../../src/config/auth.ts'
import { openIdentify } from '../../src/http/auth/tokens.ts'
import { createLog } from '../../src/log.ts'
import { Metrics } from '../../src/metrics.ts'
import { Leases } from '../../src/operations/lease.ts'
import { Operations } from '../../src/operations/operations.ts'
import type { ProblemBody } from '../../src/problems.ts'
import type { Runtime } from '../../src/runtime/port.ts'
import { type Contract, noteRoutes, readContract, routeOf } from './contract.ts'
import { catalogueText, type MemoryClass, openClass } from './memory-class.ts'

export interface MemoryService {
  readonly ofClass: MemoryClass
  readonly app: ReturnType<typeof buildApp>
  /** What the service has logged, one object a line. */
  readonly log: Record<string, unknown>[]
  readonly actions: ClassActions
  /** How often new images were asked for. */
  readonly imageFetches: () => number
  /** As an operator would edit it. */
  editCatalogue(text: string): Promise<void>
  post(path: string, body: object, headers?: Record<string, string>): Promise<LightMyRequestResponse>
  get(path: string, headers?: Record<string, string>): Promise<LightMyRequestResponse>
}

/** `runtime`: another one than that of `ofClass`. `arrange` is called before the service is built. */
export async function openService(
  t: TestContext,
  lab: object = {},
  auth: AuthConfig = { kind: 'off' },
  runtime?: Runtime,
  arrange: (ofClass: MemoryClass) => void = () => {},
): Promise<MemoryService> {
  const ofClass = await openClass(t, lab)
  arrange(ofClass)
  const path = join(ofClass.folder, '.catalogue.json')
  const editCatalogue = async (text: string) => {
    await writeFile(`${path}.new`, text)
    await rename(`${path}.new`, path)
  }
  await editCatalogue(catalogueText(lab))
  const log: Record<string, unknown>[] = []
  const tokens = new Set<string>()
  let fetches = 0
  const classes = runtime ? { ...ofClass.context, runtime } : ofClass.context
  const actions = new ClassActions(classes, new Operations(), new Leases(classes.store))
  const app = buildApp({
    connectionsPerAddress: 200,
    classes,
    actions,
    catalogue: await openCatalogue(path, () => {}),
    identify: await openIdentify(auth),
    metrics: new Metrics(),
    log: createLog('info', { write: (line: string) => void log.push(JSON.parse(line)) }),
    onCatalogueChange: () => void fetches++,
  })
  let contract: Contract | undefined
  noteRoutes(app)
  t.after(async () => {
    await app.close()
    const printed = JSON.stringify(log)
    for (const token of tokens) assert.ok(!printed.includes(token), 'a token is in the log')
    assert.doesNotMatch(printed, /X-Amz-|Bearer ey/)
  })
  const call = async (request: InjectOptions) => {
    const token = /\S{20,}$/.exec(request.headers?.['authorization']?.toString() ?? '')?.[0]
    if (token !== undefined) tokens.add(token)
    contract ??= readContract((await app.inject({ url: '/openapi.json' })).body)
    const response = await app.inject(request)
    contract.check(routeOf(response.headers), response)
    return response
  }
  return {
    ofClass,
    app,
    actions,
    log,
    imageFetches: () => fetches,
    editCatalogue,
    post: (url, payload, headers = {}) => call({ method: 'POST', url, payload, headers }),
    get: (url, headers = {}) => call({ method: 'GET', url, headers }),
  }
}

/** A problem's own members, and the extensions of its kind. */
type Told = Pick<ProblemBody, 'title' | 'status' | 'detail' | 'code'> & Record<string, unknown>

/** The body of an answer that must be a problem, with its `instance` and `type` checked and left out. */
export function problemOf(response: LightMyRequestResponse): Told {
  const { instance, type, ...problem } = response.json<ProblemBody>()
  const kind = response.headers['content-type']
  const wellFormed =
    kind === 'application/problem+json; charset=utf-8' || kind === 'application/problem+json'
      ? type === `urn:class-runtime:problem:${problem.code}` && problem.status === response.statusCode
      : false
  if (!wellFormed || !/^[0-9a-f-]{36}$/.test(instance)) throw new Error(`no problem: ${kind} ${response.body}`)
  return problem
}
