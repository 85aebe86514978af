// A subject of several classes for unit tests, on one engine in memory and one directory store: who may come up beside whom.

import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { parseCatalogue } from '../../src/catalogue/catalogue.ts'
import type { ClassContext } from '../../src/classes/context.ts'
import { downClass } from '../../src/classes/down/down-class.ts'
import { orderUp, type UpRequest } from '../../src/classes/up/order.ts'
import { type PlanAnswer, planClass } from '../../src/classes/up/plan-class.ts'
import { upClass } from '../../src/classes/up/up-class.ts'
import { Progress } from '../../src/operations/progress.ts'
import { withProblems } from '../../src/port-problems.ts'
import { Problem } from '../../src/problems.ts'
import type { UpAnswer } from '../../src/sessions/outcomes.ts'
import { type MemoryClass, openClass, quiet } from './memory-class.ts'

/** Labs of 0.1 CPU and 100 MiB a sandbox; classes a, b and c of one subject, and x of another, of three students each. */
export const subjectCatalogue = (quota: object, lab: object = {}) =>
  parseCatalogue(
    JSON.stringify({
      labs: { lab: { image: 'busybox:1.36', cpus: 0.1, memoryMb: 100, ...lab } },
      subjects: { subject: { labs: ['lab'], quota }, other: { labs: ['lab'] } },
      classes: Object.fromEntries(
        ['a', 'b', 'c', 'x'].map((classId) => [
          classId,
          {
            subject: classId === 'x' ? 'other' : 'subject',
            lab: 'lab',
            students: [1, 2, 3].map((number) => `${classId}${number}`),
          },
        ]),
      ),
    }),
  )

export interface MemorySubject extends MemoryClass {
  upOf(classId: string, request?: Omit<UpRequest, 'classId'>, context?: ClassContext): Promise<UpAnswer>
  downOf(classId: string): ReturnType<typeof downClass>
  planOf(classId: string, request?: Omit<UpRequest, 'classId'>): Promise<PlanAnswer>
}

export async function openSubject(t: TestContext, quota: object = {}): Promise<MemorySubject> {
  const ofClass = await openClass(t)
  ofClass.catalogue = subjectCatalogue(quota)
  const action = () => ({
    actor: 'tester',
    log: quiet,
    progress: new Progress(),
    signal: new AbortController().signal,
  })
  return Object.assign(ofClass, {
    upOf: (classId: string, request: Omit<UpRequest, 'classId'> = {}, context: ClassContext = ofClass.context) =>
      withProblems('up-failed', () => upClass(context, action(), orderUp(ofClass.catalogue, { classId, ...request }))),
    downOf: (classId: string) =>
      withProblems('collect-failed', () => downClass(ofClass.context, action(), { classId, allowPartial: false })),
    planOf: (classId: string, request: Omit<UpRequest, 'classId'> = {}) =>
      planClass(ofClass.context, orderUp(ofClass.catalogue, { classId, ...request })),
  })
}

/** The problem that a call ends in; fails the test where it ends in anything else. */
export async function problemIn(call: Promise<unknown>): Promise<Problem> {
  const problem: unknown = await call.then(
    () => assert.fail('it is answered'),
    (error: unknown) => error,
  )
  assert.ok(problem instanceof Problem, `${problem}`)
  return problem
}
