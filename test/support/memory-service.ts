// The whole service for unit tests, without its process and without a port: every route, by inject, over an engine in
// memory and a real directory store.

import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { LightMyRequestResponse } from 'fastify'
import { pino } from 'pino'
import { buildApp } from '../../src/app.ts'
import { openCatalogue } from '../../src/catalogue.ts'
import { ClassActions } from '../../src/classes/class-actions.ts'
import { Leases } from '../../src/classes/lease.ts'
import { Operations } from '../../src/operations.ts'
import type { ProblemBody } from '../../src/problems.ts'
import { catalogueText, type MemoryClass, openClass } from './memory-class.ts'

export interface MemoryService {
  readonly ofClass: MemoryClass
  readonly app: ReturnType<typeof buildApp>
  /** What the service has logged, one object a line. */
  readonly log: Record<string, unknown>[]
  /** How often new images were asked for. */
  readonly imageFetches: () => number
  /** As an operator would edit it. */
  editCatalogue(text: string): Promise<void>
  post(path: string, body: object, headers?: Record<string, string>): Promise<LightMyRequestResponse>
  get(path: string): Promise<LightMyRequestResponse>
}

export async function openService(t: TestContext, lab: object = {}): Promise<MemoryService> {
  const ofClass = await openClass(t, lab)
  const path = join(ofClass.folder, '.catalogue.json')
  const editCatalogue = async (text: string) => {
    await writeFile(`${path}.new`, text)
    await rename(`${path}.new`, path)
  }
  await editCatalogue(catalogueText(lab))
  const log: Record<string, unknown>[] = []
  let fetches = 0
  const classes = ofClass.context
  const app = buildApp({
    classes,
    actions: new ClassActions(classes, new Operations(), new Leases(classes.store)),
    catalogue: await openCatalogue(path, () => {}),
    log: pino({ level: 'info' }, { write: (line: string) => void log.push(JSON.parse(line)) }),
    onCatalogueChange: () => void fetches++,
  })
  t.after(() => app.close())
  return {
    ofClass,
    app,
    log,
    imageFetches: () => fetches,
    editCatalogue,
    post: (url, payload, headers = {}) => app.inject({ method: 'POST', url, payload, headers }),
    get: (url) => app.inject({ method: 'GET', url }),
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
