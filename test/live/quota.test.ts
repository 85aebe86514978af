// How much there is, on a real engine: the host's memory and subnets as the engine tells them, plans that change nothing, and
// two classes that start at once where the quota holds one.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PlanAnswer, ProblemAnswer } from '../support/answers.ts'
import { catalogueOf, studentsOf } from '../support/catalogue.ts'
import { docker, leftovers } from '../support/docker.ts'
import { downClass, upClass } from '../support/faults.ts'
import { skipWithoutEngine } from '../support/live.ts'
import { type Answer, install, type Service } from '../support/service.ts'
import { shaped } from '../support/shape.ts'

const classes = { first: studentsOf(2), second: studentsOf(2), third: studentsOf(1) }
const catalogueWith = (quota: object) => ({
  ...catalogueOf(classes),
  subjects: { subject: { labs: ['shell'], quota } },
})

const codeOf = ({ status, body }: Answer): string => (status === 200 ? 'up' : shaped(ProblemAnswer, body).code)

async function plan(service: Service, classId: string): Promise<PlanAnswer> {
  const { status, body } = await service.post('/room/plan-class', { classId })
  assert.equal(status, 200, JSON.stringify(body))
  return shaped(PlanAnswer, body)
}

test('quota, memory and subnets, planned and met', { skip: skipWithoutEngine }, async (t) => {
  // Two subnets.
  const options = { name: 'quota', store: 'directory', subnets: '10.243.0.0/23' } as const
  const site = await install(t, { ...options, catalogue: catalogueWith({ students: 3 }) })
  const service = await site.start()

  const first = await plan(service, 'first')
  const bytes = Number((await docker(['info', '--format', '{{.MemTotal}}'])).toString())
  assert.deepEqual(first.host, { memoryMb: Math.floor(bytes / 2 ** 20), usedMb: 0 })
  assert.deepEqual([first.allowed, first.image.present, first.subnet.free], [true, true, true])
  assert.deepEqual(await leftovers(site.label), [])

  const both = await Promise.all(
    ['first', 'second'].map((classId) => service.post('/room/up-class', { classId }).then(codeOf)),
  )
  assert.deepEqual(both.toSorted(), ['quota-exceeded', 'up'])
  const [up = '', refused = ''] = both[0] === 'up' ? ['first', 'second'] : ['second', 'first']
  assert.deepEqual(
    (await plan(service, refused)).refusals.map(({ code }) => code),
    ['quota-exceeded'],
  )
  // Its image is looked for by the id that the session froze.
  assert.deepEqual((await plan(service, up)).needs, { sandboxes: 0, cpus: 0, memoryMb: 0, networks: 0 })
  assert.equal((await plan(service, up)).image.present, true)

  await site.writeCatalogue(catalogueWith({}))
  await upClass(service, refused)
  const third = await plan(service, 'third')
  assert.deepEqual(
    third.refusals.map(({ code }) => code),
    ['subnets-exhausted'],
  )
  assert.equal(third.subnet.free, false)
  assert.deepEqual(third.quota.used, { classes: 2, students: 4, cpus: 1, memoryMb: 256 })
  assert.equal(third.host.usedMb, 256)
  assert.equal(codeOf(await service.post('/room/up-class', { classId: 'third' })), 'subnets-exhausted')

  for (const classId of ['first', 'second']) await downClass(service, classId)
  assert.deepEqual(await leftovers(site.label), [])
  assert.deepEqual((await plan(service, 'third')).host.usedMb, 0)
})
