// What plan-class says is what up-class then does, and it changes nothing.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { UpRequest } from '../../../../src/classes/up/order.ts'
import { StoreError } from '../../../../src/store/port.ts'
import { filesBelow } from '../../../support/memory-referee.ts'
import { engineGone } from '../../../support/memory-runtime.ts'
import { unreachable } from '../../../support/memory-store.ts'
import { openSubject, problemIn, subjectCatalogue } from '../../../support/memory-subject.ts'

test('a plan of a class that is down tells all that it needs, with the numbers', async (t) => {
  const { upOf, planOf, runtime } = await openSubject(t, { students: 6 })
  runtime.host = { memoryMb: 1000, hasFreeSubnet: true }
  await upOf('x')
  assert.deepEqual(await planOf('a', { students: ['A1', 'a2'] }), {
    classId: 'a',
    lab: 'lab',
    students: ['a1', 'a2'],
    allowed: true,
    refusals: [],
    needs: { sandboxes: 2, cpus: 0.2, memoryMb: 200, networks: 1 },
    vanished: [],
    quota: { limits: { students: 6 }, used: { classes: 0, students: 0, cpus: 0, memoryMb: 0 } },
    host: { memoryMb: 1000, usedMb: 300 },
    resolvesNames: true,
    image: { present: true },
    subnet: { free: true },
  })
})

test('a plan of a running class tells what is new, by the lab that the session froze', async (t) => {
  const subject = await openSubject(t)
  await subject.upOf('a', { students: ['a1', 'a2'] })
  subject.catalogue = subjectCatalogue({}, { memoryMb: 4000 })
  assert.deepEqual((await subject.planOf('a')).needs, { sandboxes: 1, cpus: 0.1, memoryMb: 100, networks: 0 })
  await subject.upOf('a')
  assert.deepEqual((await subject.planOf('a')).needs, { sandboxes: 0, cpus: 0, memoryMb: 0, networks: 0 })
})

test('a plan counts who is coming up at this moment, in its own class too', async (t) => {
  const { upOf, planOf, runtime } = await openSubject(t, { students: 5 })
  const release = runtime.hold('create-network')
  const rising = upOf('a')
  // The plan of the same class says nothing is new as soon as the up has reserved.
  while ((await planOf('a')).needs.sandboxes > 0) await new Promise(setImmediate)
  const { allowed, quota } = await planOf('b')
  assert.equal(allowed, false)
  assert.equal(quota.used.students, 3)
  release()
  await rising
})

test('a plan tells every reason, and the first is the one that up refuses with; neither engine nor store is changed', async (t) => {
  const subject = await openSubject(t, { students: 4, memoryMb: 1000 })
  const { upOf, planOf, runtime, folder } = subject
  await upOf('a')
  runtime.host = { memoryMb: 400, hasFreeSubnet: false }
  runtime.images.clear()
  runtime.events.length = 0
  const before = await filesBelow(folder)
  const cases: [string, Omit<UpRequest, 'classId'>, string[]][] = [
    ['a', { students: ['a1'] }, []],
    ['b', {}, ['lab-image-missing', 'quota-exceeded', 'host-full', 'subnets-exhausted']],
    ['b', { students: ['b1'] }, ['lab-image-missing', 'subnets-exhausted']],
    ['x', {}, ['lab-image-missing', 'host-full', 'subnets-exhausted']],
  ]
  for (const [classId, request, codes] of cases) {
    const plan = await planOf(classId, request)
    assert.deepEqual(
      plan.refusals.map(({ code }) => code),
      codes,
    )
    assert.equal(plan.allowed, codes.length === 0)
    assert.deepEqual(runtime.events, [])
    assert.deepEqual(await filesBelow(folder), before)
    if (plan.allowed) continue
    const { code, message } = await problemIn(upOf(classId, request))
    assert.deepEqual(plan.refusals[0], { code, detail: message })
  }
})

test('a plan of a class whose down is unfinished says so', async (t) => {
  const { upOf, downOf, planOf, runtime } = await openSubject(t)
  await upOf('a')
  runtime.before = (event) => {
    if (event === 'archive a1') throw engineGone()
  }
  await problemIn(downOf('a'))
  assert.deepEqual(
    (await planOf('a')).refusals.map(({ code }) => code),
    ['down-unfinished'],
  )
})

test('an engine or a store that does not answer is the problem that up would have', async (t) => {
  const subject = await openSubject(t)
  const { runtime, planOf, upOf } = subject
  const codes = async () => [(await problemIn(planOf('a'))).code, (await problemIn(upOf('a'))).code]
  for (const call of ['survey', 'room', 'image busybox:1.36']) {
    runtime.before = (event) => {
      if (event === call) throw engineGone()
    }
    assert.deepEqual(await codes(), ['engine-unavailable', 'engine-unavailable'], call)
  }
  runtime.before = () => {}
  for (const fault of [unreachable(), new StoreError('denied', 'no')]) {
    subject.storeHooks = {
      before() {
        throw fault
      },
    }
    assert.deepEqual(await codes(), ['store-unavailable', 'store-unavailable'])
  }
  assert.deepEqual(runtime.events, [])
})
