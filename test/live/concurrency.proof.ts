// Calls that meet: the same twice at once, opposite ones, long ones that nobody waits for. Real engine, real HTTP.
// One class ignores the stop signal for two seconds, so that a down is surely still running when the next call comes.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type Static, Type } from '@sinclair/typebox'
import { OperationAnswer } from '../support/answers.ts'
import { catalogueOf, studentsOf } from '../support/catalogue.ts'
import { containersOf, leftovers } from '../support/docker.ts'
import { bagSums, cleanUpOfSuite, downClass, problemOf, randomFiles, upClass, work } from '../support/faults.ts'
import { skipWithoutEngine } from '../support/live.ts'
import { type Answer, type Installation, install, type Service } from '../support/service.ts'
import { shaped } from '../support/shape.ts'
import { until } from '../support/until.ts'

const students = studentsOf(3)
/** What `sleep` under the engine's init does not: it goes on after the stop signal, until it is killed. */
const stubborn = { command: ['sh', '-c', 'trap "" TERM; while :; do sleep 1; done'], stopSeconds: 2 }

describe('calls at the same time', { skip: skipWithoutEngine, timeout: 240_000 }, () => {
  const cleanUp = cleanUpOfSuite(after)
  let installation: Installation
  let service: Service

  before(async () => {
    const catalogue = catalogueOf({ Pair: students, other: ['s01'], slow: ['s01'] })
    const slow = catalogueOf({ slow: ['s01'] }, stubborn)
    installation = await install(cleanUp, {
      name: 'together',
      store: 'directory',
      subnets: '10.231.0.0/20',
      catalogue: {
        labs: { ...catalogue.labs, stubborn: slow.labs['shell'] ?? {} },
        subjects: { subject: { labs: ['shell', 'stubborn'] } },
        classes: { ...catalogue.classes, slow: { subject: 'subject', lab: 'stubborn', students: ['s01'] } },
      },
    })
    service = await installation.start()
  })

  /** The operation that a 202 names, as soon as it has ended. */
  async function ended({ headers }: Answer): Promise<Static<typeof OperationAnswer>> {
    const path = String(headers['location'])
    let view: Static<typeof OperationAnswer> | undefined
    await until(`the end of ${path}`, async () => {
      view = shaped(OperationAnswer, (await service.get(path)).body)
      return view.state !== 'running'
    })
    return view ?? assert.fail('no operation')
  }

  const startedOperations = (kind: string): number =>
    service.logs().match(new RegExp(`"kind":"${kind}".*"msg":"operation started"`, 'g'))?.length ?? 0

  test('two ups at once, spelled differently, are one operation with one answer', async () => {
    const [first, second] = await Promise.all([upClass(service, 'Pair'), upClass(service, 'pAIR')])
    assert.deepEqual(first, second)
    assert.equal(first.classId, 'Pair')
    assert.equal(startedOperations('up-class'), 1)
    assert.equal((await containersOf(installation.label, 'class-runtime.class=Pair')).length, students.length)
  })

  test('two downs at once are one operation with one answer, and a third later repeats it', async () => {
    const { students: up } = await upClass(service, 'Pair')
    const files = await work(up[0]?.containerName ?? '', 'echo kept >file')
    const [first, second] = await Promise.all([downClass(service, 'Pair'), downClass(service, 'Pair')])
    assert.deepEqual(first, second)
    assert.equal(first.state, 'down')
    assert.equal(startedOperations('down-class'), 1)
    assert.deepEqual(await downClass(service, 'Pair'), first)
    assert.deepEqual(await bagSums(installation.artifacts, first.students[0]?.bag ?? ''), files)
  })

  test('two classes come up at once on different subnets, and go down at once', async () => {
    const [pair, other] = await Promise.all([upClass(service, 'Pair'), upClass(service, 'other')])
    assert.notEqual(pair.students[0]?.endpoint, other.students[0]?.endpoint)
    await Promise.all([downClass(service, 'Pair'), downClass(service, 'other')])
    assert.deepEqual(await leftovers(installation.label), [])
  })

  test('an up with other parameters, and a down, are refused while an up runs', async () => {
    const running = await service.post('/room/up-class', { classId: 'Pair' }, { prefer: 'respond-async' })
    assert.equal(running.status, 202)
    const { operationId } = shaped(OperationAnswer, running.body)
    const InProgress = Type.Object({ operationId: Type.Literal(operationId) })
    for (const [call, body] of [
      ['up-class', { classId: 'Pair', students: ['s01'] }],
      ['up-class', { classId: 'pair', allowPartial: true }],
      ['down-class', { classId: 'pair' }],
    ] as const) {
      const refused = await service.post(`/room/${call}`, body)
      assert.match(problemOf(refused, [409, 'operation-in-progress'], InProgress).detail, /operations/)
    }
    assert.equal((await ended(running)).state, 'succeeded')
    await downClass(service, 'Pair')
  })

  test('an up is refused while a down runs, and the class can come up after it', async () => {
    await upClass(service, 'slow')
    const running = await service.post('/room/down-class', { classId: 'slow' }, { prefer: 'respond-async' })
    assert.equal(running.status, 202)
    problemOf(await service.post('/room/up-class', { classId: 'slow' }), [409, 'operation-in-progress'])
    const partial = { classId: 'slow', allowPartial: true }
    problemOf(await service.post('/room/down-class', partial), [409, 'operation-in-progress'])
    assert.equal((await ended(running)).state, 'succeeded')
    await upClass(service, 'slow')
    await downClass(service, 'slow')
  })

  test('a call that does not wait gets 202, a place to look, and the result there', async () => {
    const up = await service.post('/room/up-class', { classId: 'Pair' }, { prefer: 'wait=0' })
    assert.equal(up.status, 202)
    assert.equal(up.headers['preference-applied'], 'wait=0')
    const upView = await ended(up)
    assert.deepEqual(upView.result, await upClass(service, 'Pair'))
    assert.deepEqual([upView.kind, upView.classId, upView.problem], ['up-class', 'Pair', null])

    for (const student of students) await work(`class-pair--${student}`, randomFiles(40, 1000))
    const down = await service.post('/room/down-class', { classId: 'Pair' }, { prefer: 'respond-async' })
    assert.equal(down.headers['preference-applied'], 'respond-async')
    const { operationId } = shaped(OperationAnswer, down.body)
    assert.equal(down.headers['location'], `/room/operations/${operationId}`)
    const downView = await ended(down)
    assert.equal(downView.state, 'succeeded')
    assert.deepEqual(downView.result, await downClass(service, 'Pair'))
    assert.deepEqual(downView.progress, {
      students: { total: 3, done: 3 },
      files: { total: 120, done: 120 },
      bytes: { total: 120_000, done: 120_000 },
      phases: students.map((studentId) => ({ studentId, phase: 'removed' })),
    })
  })

  test('a call that waits too short gets 202, one that waits long enough the result', async () => {
    await upClass(service, 'slow')
    const short = await service.post('/room/down-class', { classId: 'slow' }, { prefer: 'wait=1' })
    assert.equal(short.status, 202)
    const long = await service.post('/room/down-class', { classId: 'slow' }, { prefer: 'wait=60' })
    assert.equal(long.status, 200)
    assert.deepEqual((await ended(short)).result, long.body)
  })

  test('events tell the progress and end with the operation; afterwards they are the end alone', async () => {
    await upClass(service, 'slow')
    await work('class-slow--s01', randomFiles(10, 1000))
    const running = await service.post('/room/down-class', { classId: 'slow' }, { prefer: 'respond-async' })
    const path = `${running.headers['location']}/events`
    const [first, second] = await Promise.all([events(path), events(path)])
    for (const seen of [first, second]) {
      assert.equal(seen[0]?.event, 'progress')
      assert.ok(seen.slice(0, -1).every(({ event, view }) => event === 'progress' && view.state === 'running'))
      assert.equal(seen.at(-1)?.event, 'end')
      assert.equal(seen.at(-1)?.view.state, 'succeeded')
    }
    assert.deepEqual(await events(path), [first.at(-1)])
  })

  async function events(path: string): Promise<{ event: string; view: Static<typeof OperationAnswer> }[]> {
    const { status, headers, body } = await service.get(path)
    assert.equal(status, 200)
    assert.equal(headers['content-type'], 'text/event-stream')
    assert.ok(body instanceof Uint8Array)
    const messages = Buffer.from(body)
      .toString()
      .matchAll(/^event: (.*)\ndata: (.*)\n\n/gm)
    return [...messages].map(([, event = '', data = '']) => ({
      event,
      view: shaped(OperationAnswer, JSON.parse(data)),
    }))
  }
})
