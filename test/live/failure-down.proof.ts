// Downs that cannot finish at once. Nothing is removed that is not in a committed bag, the answer says what is kept and why, and a
// later down finishes the rest. The lab's limit of 100,000 bytes is what keeps a student.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type Static, Type } from '@sinclair/typebox'
import { committedBags } from '../referee/bags.ts'
import { openStoreView } from '../referee/store.ts'
import { catalogueOf } from '../support/catalogue.ts'
import { docker, inspect, leftovers, shell } from '../support/docker.ts'
import {
  assertSafe,
  bagSums,
  cleanUpOfSuite,
  downClass,
  FailedDown,
  problemOf,
  randomFiles,
  upClass,
  work,
} from '../support/faults.ts'
import { skipWithoutEngine } from '../support/live.ts'
import { type Installation, install, type Service } from '../support/service.ts'

const limited = { command: ['sh', '-c', 'echo started; exec sleep infinity'], collect: { maxBytes: 100_000 } }
const classes = ['limits', 'shrunk', 'again', 'bagged', 'lost', 'gone', 'never']
const catalogue = catalogueOf(Object.fromEntries(classes.map((name) => [name, ['s01', 's02']])), limited)

const State = Type.Object({ State: Type.Object({ Status: Type.String() }) })
const statusOf = async (container: string) => (await inspect('container', container, State)).State.Status

type Students = Static<typeof FailedDown>['students']
const statesOf = (students: Students) =>
  students.map(({ studentId, state, error }) => [studentId, state, error?.code ?? null])

describe('a down that cannot finish at once', { skip: skipWithoutEngine, timeout: 180_000 }, () => {
  const cleanUp = cleanUpOfSuite(after)
  let installation: Installation
  let service: Service

  before(async () => {
    const options = { name: 'down', store: 'directory', subnets: '10.233.0.0/20' } as const
    installation = await install(cleanUp, { ...options, catalogue })
    service = await installation.start()
  })

  const thingsOf = (classId: string) => leftovers(installation.label, `class-runtime.class=${classId}`)

  async function failedDown(classId: string): Promise<Students> {
    const answer = await service.post('/room/down-class', { classId })
    const problem = problemOf(answer, [502, 'collect-failed'], FailedDown)
    assert.match(problem.detail, /Repeat the call|allowPartial/)
    return problem.students
  }

  test('one student over the limit: nothing is removed, the others are already safe, an up is refused', async () => {
    await upClass(service, 'limits')
    const small = await work('class-limits--s01', 'echo small >file')
    const large = await work('class-limits--s02', randomFiles(3, 60_000))
    const made = await thingsOf('limits')

    const students = await failedDown('limits')
    assert.deepEqual(statesOf(students), [
      ['s01', 'collected', null],
      ['s02', 'kept', 'over-limit'],
    ])
    assert.match(students[1]?.error?.detail ?? '', /100000 bytes.*kept/)
    assert.deepEqual(await bagSums(installation.artifacts, students[0]?.bag ?? ''), small)
    assert.deepEqual(await thingsOf('limits'), made)
    assert.equal(await statusOf('class-limits--s01'), 'exited')
    assert.equal(await statusOf('class-limits--s02'), 'exited')
    problemOf(await service.post('/room/up-class', { classId: 'limits' }), [409, 'down-unfinished'])

    const partial = await downClass(service, 'limits', { allowPartial: true })
    assert.equal(partial.state, 'down-partial')
    assert.deepEqual(statesOf(partial.students), [
      ['s01', 'removed', null],
      ['s02', 'kept', 'over-limit'],
    ])
    const kept = await thingsOf('limits')
    assert.equal(kept.length, 3, `a container, its volume and the network: ${kept}`)
    assert.equal(await statusOf('class-limits--s02'), 'exited')
    problemOf(await service.post('/room/up-class', { classId: 'limits' }), [409, 'down-unfinished'])
    assert.deepEqual(statesOf(await failedDown('limits')), [
      ['s01', 'removed', null],
      ['s02', 'kept', 'over-limit'],
    ])

    // The student makes it smaller, as the answer said.
    await docker(['start', 'class-limits--s02'])
    const shrunk = await work('class-limits--s02', 'rm data/1 data/2')
    const done = await downClass(service, 'limits')
    assert.deepEqual(statesOf(done.students), [
      ['s01', 'removed', null],
      ['s02', 'removed', null],
    ])
    assert.deepEqual(await bagSums(installation.artifacts, done.students[0]?.bag ?? ''), small)
    assert.deepEqual(await bagSums(installation.artifacts, done.students[1]?.bag ?? ''), shrunk)
    assert.ok(large.size > shrunk.size)
    assert.deepEqual(await thingsOf('limits'), [])
  })

  test('allowPartial from the start: who can go goes, who cannot stays whole', async () => {
    await upClass(service, 'shrunk')
    await work('class-shrunk--s01', 'echo small >file')
    await work('class-shrunk--s02', randomFiles(3, 60_000))
    const partial = await downClass(service, 'shrunk', { allowPartial: true })
    assert.deepEqual(statesOf(partial.students), [
      ['s01', 'removed', null],
      ['s02', 'kept', 'over-limit'],
    ])
    assert.equal((await thingsOf('shrunk')).length, 3)
  })

  test('started by hand between two downs: what was written then is in a bag too', async () => {
    const { sessionId } = await upClass(service, 'again')
    const first = await work('class-again--s01', 'echo first >first')
    await work('class-again--s02', randomFiles(3, 60_000))
    await failedDown('again')

    await docker(['start', 'class-again--s01'])
    const second = await work('class-again--s01', 'echo second >second; rm first')
    const partial = await downClass(service, 'again', { allowPartial: true })
    assert.deepEqual(statesOf(partial.students)[0], ['s01', 'removed', null])
    assert.deepEqual(await bagSums(installation.artifacts, partial.students[0]?.bag ?? ''), second)
    const bags = await committedBags(openStoreView(installation.artifacts.place), `again/${sessionId}/s01/`)
    assert.equal(bags.length, 2)
    await assertSafe(installation.artifacts, `again/${sessionId}/s01/`, first)
  })

  test('a container removed by hand when its bag is committed: that bag, with its logs, stays the answer', async () => {
    await upClass(service, 'bagged')
    const files = await work('class-bagged--s01', 'echo file >file')
    await work('class-bagged--s02', randomFiles(3, 60_000))
    const [first] = await failedDown('bagged')
    await docker(['rm', 'class-bagged--s01'])
    const [second] = (await downClass(service, 'bagged', { allowPartial: true })).students
    assert.deepEqual([second?.state, second?.bag], ['removed', first?.bag])
    assert.deepEqual(await bagSums(installation.artifacts, second?.bag ?? ''), files)
    const log = await installation.artifacts.read(`${second?.bag}data/logs/stdout.log`)
    assert.equal(log.toString(), 'started\n')
  })

  test('container and volume removed by hand: said to be lost, and the class goes down only with allowPartial', async () => {
    const { students } = await upClass(service, 'lost')
    const files = await work('class-lost--s02', 'echo here >file')
    const [volume = ''] = (await docker(['volume', 'ls', '--quiet', '--filter', 'name=class-lost--s01']))
      .toString()
      .split('\n')
    assert.equal((await service.post('/room/collect-class', { classId: 'lost' })).status, 200)
    await docker(['rm', '--force', students[0]?.containerId ?? ''])
    await docker(['volume', 'rm', volume])
    const shown = (await service.get('/room/classes/lost')).body
    assert.match(JSON.stringify(shown), /"state":"up-partial".*"missing":\["s01"\]/)
    assert.deepEqual(statesOf(await failedDown('lost')), [
      ['s01', 'lost', 'lost'],
      ['s02', 'collected', null],
    ])
    assert.equal((await thingsOf('lost')).length, 3)

    const partial = await downClass(service, 'lost', { allowPartial: true })
    assert.equal(partial.state, 'down-partial')
    assert.deepEqual(statesOf(partial.students), [
      ['s01', 'lost', 'lost'],
      ['s02', 'removed', null],
    ])
    assert.deepEqual(await bagSums(installation.artifacts, partial.students[1]?.bag ?? ''), files)
    assert.match(partial.students[0]?.bag ?? '', /\/s01\/snapshot-[^/]+\/$/)
    assert.deepEqual(await thingsOf('lost'), [])
    assert.deepEqual(await downClass(service, 'lost'), partial)
    await upClass(service, 'lost')
    assert.equal((await downClass(service, 'lost')).state, 'down')
  })

  test('all of a class removed by hand is not mistaken for a class without work', async () => {
    const { students } = await upClass(service, 'gone')
    await docker(['rm', '--force', '--volumes', ...students.map(({ containerId }) => containerId ?? '')])
    for (const line of await thingsOf('gone')) {
      if (line.startsWith('volume ')) await docker(['volume', 'rm', line.slice('volume '.length)])
    }
    assert.deepEqual(statesOf(await failedDown('gone')), [
      ['s01', 'lost', 'lost'],
      ['s02', 'lost', 'lost'],
    ])
    assert.equal((await downClass(service, 'gone', { allowPartial: true })).state, 'down-partial')
    assert.deepEqual(await thingsOf('gone'), [])
  })

  test('a class that was never up is 409; one that is down gives its answer again', async () => {
    problemOf(await service.post('/room/down-class', { classId: 'never' }), [409, 'class-not-up'])
    assert.equal((await installation.artifacts.list('never/')).size, 0)
    await upClass(service, 'never')
    await shell('class-never--s01', 'echo x >/home/student/file')
    const first = await downClass(service, 'never')
    assert.deepEqual(await downClass(service, 'never'), first)
    assert.deepEqual(await downClass(service, 'NEVER', { allowPartial: true }), first)
  })
})
