// plan-class as callers see it: members, fields, and that it is no operation.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PlanAnswer } from '../../../support/answers.ts'
import { students } from '../../../support/memory-class.ts'
import { openService, problemOf } from '../../../support/memory-service.ts'
import { shaped } from '../../../support/shape.ts'

const classId = 'os101-a'

test('a plan answers with exactly the members that are described, and changes nothing', async (t) => {
  const { post, get, ofClass } = await openService(t)
  const response = await post('/room/plan-class', { classId: 'OS101-A' })
  assert.equal(response.statusCode, 200)
  const plan = shaped(PlanAnswer, response.json())
  assert.deepEqual([plan.classId, plan.lab, plan.students, plan.allowed], [classId, 'linux-shell', students, true])
  assert.deepEqual(plan.needs, { sandboxes: 3, cpus: 1.5, memoryMb: 384, networks: 1 })
  assert.deepEqual(ofClass.runtime.events, [])
  assert.deepEqual((await get(`/room/classes/${classId}/sessions`)).json().sessions, [])
})

test('a plan that is refused is an answer, whose reasons name what to do', async (t) => {
  const { post, ofClass } = await openService(t)
  ofClass.runtime.host = { memoryMb: 100, hasFreeSubnet: true }
  const response = await post('/room/plan-class', { classId })
  assert.equal(response.statusCode, 200)
  const { allowed, refusals } = shaped(PlanAnswer, response.json())
  assert.equal(allowed, false)
  assert.deepEqual(
    refusals.map(({ code }) => code),
    ['host-full'],
  )
  const up = problemOf(await post('/room/up-class', { classId }))
  assert.deepEqual(refusals[0], { code: up.code, detail: up.detail })
})

test('what can be known wrong of a request is the problem that up has', async (t) => {
  const { post } = await openService(t)
  const cases: [object, number, string][] = [
    [{ classId, ttlMinutes: 5 }, 400, 'invalid-request'],
    [{ classId, image: 'x' }, 400, 'invalid-request'],
    [{}, 400, 'invalid-request'],
    [{ classId: 'gone' }, 404, 'unknown-class'],
    [{ classId, lab: 'gone' }, 404, 'unknown-lab'],
    [{ classId, students: ['SV999'] }, 400, 'unknown-student'],
  ]
  for (const [body, status, code] of cases) {
    const response = await post('/room/plan-class', body)
    assert.equal(response.statusCode, status)
    assert.equal(problemOf(response).code, code)
  }
})

test('a plan is answered while an up of its class runs', async (t) => {
  const { post, ofClass } = await openService(t)
  const release = ofClass.runtime.hold('start')
  await post('/room/up-class', { classId }, { prefer: 'respond-async' })
  const plan = shaped(PlanAnswer, (await post('/room/plan-class', { classId })).json())
  assert.equal(plan.classId, classId)
  release()
  assert.equal((await post('/room/up-class', { classId })).statusCode, 200)
  const after = shaped(PlanAnswer, (await post('/room/plan-class', { classId })).json())
  assert.deepEqual(after.needs, { sandboxes: 0, cpus: 0, memoryMb: 0, networks: 0 })
})
