// A snapshot of a class that is at work: students go on writing, the bags are of one moment, and every sandbox goes on in the
// same life. A kill on the way leaves nobody standing still.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Type } from '@sinclair/typebox'
import { catalogueOf, studentsOf } from '../support/catalogue.ts'
import { inspect, shell } from '../support/docker.ts'
import { bagSums, downClass, nextEvent, upClass, work } from '../support/faults.ts'
import { skipWithoutEngine } from '../support/live.ts'
import { install } from '../support/service.ts'
import { shaped } from '../support/shape.ts'
import { until } from '../support/until.ts'

const students = studentsOf(2)
const Snapshots = Type.Object({
  state: Type.Literal('collected'),
  students: Type.Array(Type.Object({ studentId: Type.String(), state: Type.String(), bag: Type.String() })),
})
const State = Type.Object({ State: Type.Object({ Status: Type.String(), StartedAt: Type.String() }) })

test('a class at work is collected and goes on', { skip: skipWithoutEngine }, async (t) => {
  const installation = await install(t, {
    name: 'collect',
    store: 'directory',
    subnets: '10.242.0.0/24',
    catalogue: catalogueOf({ a: students }),
    env: { SWEEP_SECONDS: '1' },
  })
  const service = await installation.start()
  await upClass(service, 'a')
  const lives = () => Promise.all(students.map((studentId) => inspect('container', `class-a--${studentId}`, State)))
  const before = await lives()
  const sums = await work('class-a--s01', 'mkdir -p src; echo main >src/main.c; head -c 300000 /dev/urandom >data')
  // Written without a pause: two readings of it would differ if it did not stand still.
  await shell('class-a--s02', 'cd /home/student; (while :; do date >>log; done) >/dev/null 2>&1 &')

  const { status, body } = await service.post('/room/collect-class', { classId: 'a' })
  assert.equal(status, 200, JSON.stringify(body))
  const [first, second] = shaped(Snapshots, body).students
  assert.deepEqual(await bagSums(installation.artifacts, first?.bag ?? ''), sums)
  assert.deepEqual([...(await bagSums(installation.artifacts, second?.bag ?? '')).keys()], ['log'])
  assert.deepEqual(await lives(), before)

  await t.test('killed on the way, the next service lets everybody go on', async () => {
    const call = service.post('/room/collect-class', { classId: 'a' }).catch(() => undefined)
    await nextEvent('container pause', 'class-a--s', 1)
    await service.kill()
    await call
    const next = await installation.start()
    await until('everybody to go on', async () =>
      (await lives()).every(({ State: { Status } }) => Status === 'running'),
    )
    assert.deepEqual(await lives(), before)
    await until('the sweep to have ended', async () => {
      const answer = await next.get('/room/classes/a')
      return shaped(Type.Object({ operation: Type.Unknown() }), answer.body).operation === null
    })
    assert.equal((await downClass(next, 'a')).state, 'down')
  })
})
