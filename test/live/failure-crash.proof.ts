// The service ends in the middle of its work, asked to (SIGTERM) or not (SIGKILL), at moments chosen by what the engine and the
// store have just done. The next service finishes, and every file that a student had is in a committed bag.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { Type } from '@sinclair/typebox'
import { committedBags } from '../referee/bags.ts'
import { openStoreView } from '../referee/store.ts'
import { catalogueOf, studentsOf } from '../support/catalogue.ts'
import { containersOf, leftovers } from '../support/docker.ts'
import {
  bagSums,
  cleanUpOfSuite,
  downClass,
  FailedDown,
  nextEvent,
  problemOf,
  randomFiles,
  type Sums,
  upClass,
  work,
} from '../support/faults.ts'
import { skipWithoutEngine } from '../support/live.ts'
import { type Answer, type Installation, install, type Service } from '../support/service.ts'
import { shaped } from '../support/shape.ts'
import { until } from '../support/until.ts'

const students = studentsOf(2)
const small = randomFiles(30, 1000)

/** Each in a class of its own: an event on the engine of a thing whose name starts so, and which one of them. */
const momentsOfUp = [
  { classId: 'u1', event: 'network create', suffix: '', count: 1 },
  { classId: 'u2', event: 'container create', suffix: '--s', count: 1 },
  { classId: 'u3', event: 'container start', suffix: '--s', count: 2 },
]
const momentsOfDown = [
  { classId: 'd1', event: 'container die', suffix: '--s', count: 1 },
  { classId: 'd2', event: 'container destroy', suffix: '--s', count: 1 },
  { classId: 'd3', event: 'volume destroy', suffix: '--s', count: 2 },
  { classId: 'd4', event: 'network destroy', suffix: '', count: 1 },
]
const momentsOfStore = [
  {
    classId: 'b1',
    moment: 'the first object is there',
    seen: (keys: string[]) => keys.some((key) => key.includes('/data/')),
  },
  {
    classId: 'b2',
    moment: 'the first bag is committed',
    seen: (keys: string[]) => keys.some((key) => key.endsWith('/bagit.txt')),
  },
]

describe('a service that ends in the middle', { skip: skipWithoutEngine, timeout: 300_000 }, () => {
  const cleanUp = cleanUpOfSuite(after)
  let installation: Installation
  let service: Service

  before(async () => {
    const classes = [...momentsOfUp, ...momentsOfDown, ...momentsOfStore].map(({ classId }) => classId)
    installation = await install(cleanUp, {
      name: 'crash',
      store: 'directory',
      subnets: '10.235.0.0/20',
      catalogue: catalogueOf(
        { ...Object.fromEntries([...classes, 'termup'].map((classId) => [classId, students])), term: studentsOf(4) },
        { command: ['sh', '-c', 'echo started; exec sleep infinity'] },
      ),
      // One student after the other, so that there is a middle to end in.
      env: { UP_CONCURRENCY: '1', COLLECT_CONCURRENCY: '1' },
    })
    service = await installation.start()
  })

  const nothingLeftOf = async (classId: string) =>
    assert.deepEqual(await leftovers(installation.label, `class-runtime.class=${classId}`), [])

  async function upWithWork(classId: string, script: string): Promise<{ sessionId: string; files: Map<string, Sums> }> {
    const { sessionId, students: up } = await upClass(service, classId)
    const files = new Map<string, Sums>()
    for (const { studentId } of up) files.set(studentId, await work(`class-${classId}--${studentId}`, script))
    return { sessionId, files }
  }

  /** Begins a call, waits for the moment, kills the service without a word and starts the next one. */
  async function killDuring(path: string, classId: string, moment: Promise<void>): Promise<void> {
    const call = service.post(path, { classId }).catch(() => undefined)
    await moment
    await service.kill()
    await call
    service = await installation.start()
  }

  for (const { classId, event, suffix, count } of momentsOfUp) {
    test(`killed in an up at ${event} number ${count}: the next service brings the class up and down`, async () => {
      await killDuring('/room/up-class', classId, nextEvent(event, `class-${classId}${suffix}`, count))
      const left = await containersOf(installation.label, `class-runtime.class=${classId}`, 'class-runtime.student')
      assert.ok(left.length <= students.length)

      const again = await upClass(service, classId)
      assert.equal(again.state, 'up')
      const files = await work(`class-${classId}--s01`, 'echo after >file')
      const { state, students: down, sessionId } = await downClass(service, classId)
      assert.deepEqual([state, sessionId], ['down', again.sessionId])
      assert.deepEqual(await bagSums(installation.artifacts, down[0]?.bag ?? ''), files)
      await nothingLeftOf(classId)
    })
  }

  test('killed in an up, then down at once: who already worked loses nothing', async () => {
    const call = service.post('/room/up-class', { classId: 'termup' }).catch(() => undefined)
    await nextEvent('container start', 'class-termup--s', 1)
    await service.kill()
    await call
    const files = await work('class-termup--s01', small)
    service = await installation.start()
    // The next service may have gone on with the up by itself; a down is refused until that has ended.
    await until('a down to be accepted', async () => {
      const { status } = await service.post('/room/down-class', { classId: 'termup' })
      return status !== 409
    })
    const { state, students: down } = await downClass(service, 'termup')
    assert.equal(state, 'down')
    const bag = down.find(({ studentId }) => studentId === 's01')?.bag
    assert.deepEqual(await bagSums(installation.artifacts, bag ?? ''), files)
    await nothingLeftOf('termup')
  })

  async function assertFinishes(classId: string, sessionId: string, files: ReadonlyMap<string, Sums>): Promise<void> {
    const down = await downClass(service, classId)
    assert.deepEqual([down.state, down.sessionId, down.leaked], ['down', sessionId, []])
    assert.deepEqual(
      down.students.map(({ studentId, state, files: count }) => [studentId, state, count]),
      [...files].map(([studentId, sums]) => [studentId, 'removed', sums.size]),
    )
    for (const { studentId, bag } of down.students) {
      assert.deepEqual(await bagSums(installation.artifacts, bag ?? ''), files.get(studentId))
      assert.equal((await installation.artifacts.read(`${bag}data/logs/stdout.log`)).toString(), 'started\n')
    }
    await nothingLeftOf(classId)
    assert.deepEqual(await downClass(service, classId), down)
  }

  for (const { classId, event, suffix, count } of momentsOfDown) {
    test(`killed in a down at ${event} number ${count}: the next service finishes it`, async () => {
      const { sessionId, files } = await upWithWork(classId, small)
      await killDuring('/room/down-class', classId, nextEvent(event, `class-${classId}${suffix}`, count))
      await assertFinishes(classId, sessionId, files)
    })
  }

  for (const { classId, moment, seen } of momentsOfStore) {
    test(`killed in a down when ${moment}: the next service finishes it`, async () => {
      const { sessionId, files } = await upWithWork(classId, small)
      const prefix = `${classId}/${sessionId}/`
      const reached = until(moment, async () => seen([...(await installation.artifacts.list(prefix)).keys()]))
      await killDuring('/room/down-class', classId, reached)
      await assertFinishes(classId, sessionId, files)
    })
  }

  test('SIGTERM in a down: it ends at a safe place with an answer and exit code 0; the next service finishes', async () => {
    const { sessionId, files } = await upWithWork('term', small)
    const made = await leftovers(installation.label, 'class-runtime.class=term')
    const call = service.post('/room/down-class', { classId: 'term' })
    const prefix = `term/${sessionId}/`
    const bags = () => committedBags(openStoreView(installation.artifacts.place), prefix)
    await until('the first bag', async () => (await bags()).length > 0)
    assert.equal(await service.stop(), 0)

    const kept = problemOf(await call, [502, 'collect-failed'], FailedDown).students
    assert.equal(kept[0]?.state, 'collected')
    assert.deepEqual([kept[3]?.state, kept[3]?.bag], ['kept', null])
    assert.match(kept[3]?.error?.detail ?? '', /stopping/)
    assert.ok((await bags()).length < kept.length)
    assert.deepEqual(await leftovers(installation.label, 'class-runtime.class=term'), made)

    service = await installation.start()
    const { body }: Answer = await service.get('/room/classes/term')
    assert.equal(shaped(Type.Object({ sessionId: Type.String() }), body).sessionId, sessionId)
    await assertFinishes('term', sessionId, files)
  })
})
