// Ups that go well or are refused, and ups that are repeated: what is made, what is left alone, what is recorded.

import assert from 'node:assert/strict'
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { parseCatalogue } from '../../../../src/catalogue/catalogue.ts'
import { Problem, type ProblemCode } from '../../../../src/problems.ts'
import { RuntimeError } from '../../../../src/runtime/errors.ts'
import { writeSession } from '../../../../src/sessions/record.ts'
import { StoreError } from '../../../../src/store/port.ts'
import { catalogueText, openClass, pair, students } from '../../../support/memory-class.ts'

const allRunning = [
  ...students.map((studentId) => `container ${studentId} running`),
  'network class-os101-a',
  ...students.map((studentId) => `volume ${studentId}`),
]

async function refusal(call: Promise<unknown>, code: ProblemCode): Promise<Problem> {
  const problem: unknown = await call.then(
    () => assert.fail('it is answered'),
    (error: unknown) => error,
  )
  assert.ok(problem instanceof Problem, `${problem}`)
  assert.equal(problem.code, code, problem.message)
  return problem
}

test('up answers with a running sandbox for each student of the roster, in its order', async (t) => {
  const { up, runtime, record } = await openClass(t)
  const { sessionId, expiresAt, students: raised, ...answer } = await up()
  const told = { classId: 'os101-a', state: 'up', lab: 'linux-shell', resolvesNames: true, network: 'class-os101-a' }
  assert.deepEqual(answer, told)
  assert.deepEqual(
    raised,
    students.map((studentId) => ({
      studentId,
      state: 'running',
      containerId: runtime.container(studentId).id,
      containerName: `class-os101-a--${studentId.toLowerCase()}`,
      endpoint: `http://10.201.0.2:8080/${studentId}`,
      endpointState: 'ready',
    })),
  )
  assert.deepEqual(runtime.held(), allRunning)

  const recorded = await record(sessionId)
  assert.deepEqual(recorded?.students, students)
  assert.equal(recorded?.createdBy, 'tester')
  assert.equal(recorded?.frozenLab?.imageId, 'sha256:image')
  const minutes = (Date.parse(expiresAt) - Date.parse(recorded?.createdAt ?? '')) / 60_000
  assert.equal(minutes, 180)
})

test('the record is written before the engine is changed, the proxy attached before any start', async (t) => {
  const { up, runtime, folder } = await openClass(t)
  const recordedAt: string[] = []
  runtime.before = async (event) => {
    if (event === 'create-network class-os101-a') {
      const [session] = await runtime.survey()
      assert.equal(session, undefined)
      recordedAt.push(...(await readdir(join(folder, 'os101-a'))))
    }
  }
  const { sessionId } = await up()
  assert.deepEqual(recordedAt, [sessionId])
  const { events } = runtime
  assert.deepEqual(events.slice(0, 2), ['create-network class-os101-a', 'attach-proxy class-os101-a'])
  for (const studentId of students) {
    const order = ['create-volume', 'create-container', 'start'].map((call) => events.indexOf(`${call} ${studentId}`))
    assert.deepEqual(
      order,
      [...order].sort((a, b) => a - b),
    )
  }
})

test('repeating an up changes nothing', async (t) => {
  const { up, runtime } = await openClass(t)
  const first = await up()
  runtime.events.length = 0
  assert.deepEqual(await up(), first)
  assert.deepEqual(runtime.events, ['attach-proxy class-os101-a'])
})

test('late joiners are added to the running session', async (t) => {
  const { up, runtime, record } = await openClass(t)
  const { sessionId } = await up({ students: ['SV002'] })
  const { id } = runtime.container('SV002')
  runtime.events.length = 0
  const answer = await up({ students: ['sv001', 'SV003'] })
  assert.equal(answer.sessionId, sessionId)
  assert.deepEqual(
    answer.students.map(({ studentId }) => studentId),
    ['SV001', 'SV003'],
  )
  assert.deepEqual(runtime.held(), allRunning)
  assert.equal(runtime.container('SV002').id, id)
  assert.ok(!runtime.events.some((event) => event.includes('SV002')))
  assert.deepEqual((await record(sessionId))?.students, ['SV002', 'SV001', 'SV003'])
})

test('what died is started again, with its files', async (t) => {
  const { up, runtime } = await openClass(t)
  await up()
  const dead = runtime.container('SV002')
  runtime.exit(dead, 137)
  runtime.events.length = 0
  assert.equal((await up()).state, 'up')
  assert.deepEqual(runtime.events, ['attach-proxy class-os101-a', 'start SV002'])
  assert.equal(runtime.container('SV002').id, dead.id)
})

test('a session keeps the lab it began with, late joiners included, whatever the catalogue says later', async (t) => {
  const ofClass = await openClass(t)
  await ofClass.up({ students: ['SV001'] })
  ofClass.catalogue = parseCatalogue(catalogueText({ memoryMb: 4096, internet: true }))
  const { images } = ofClass.runtime
  // The image keeps its id when its name goes to another.
  images.set('<none>', { id: 'sha256:image', digest: '', size: 1000, volumes: [] })
  images.set('busybox:1.36', { id: 'sha256:newer', digest: 'd', size: 1, volumes: [] })
  await ofClass.up()
  const specs = students.map((studentId) => ofClass.runtime.container(studentId).spec)
  assert.equal(new Set(specs).size, 1)

  await ofClass.down()
  await ofClass.up()
  assert.notEqual(ofClass.runtime.container('SV001').spec, specs[0], 'the next session has the new lab')
})

test("where the engine lacks the runtime of the lab nothing is made, and what is up stays in nobody's way", async (t) => {
  const { up, runtime } = await openClass(t, { runtime: 'runsc' })
  const { message } = await refusal(up(), 'lab-runtime-missing')
  assert.match(message, /runsc.*operator/)
  assert.deepEqual(runtime.events, [])
  runtime.runtimes = ['runc', 'runsc']
  const { state, resolvesNames } = await up({ students: ['SV001'] })
  assert.deepEqual([state, resolvesNames], ['up', false], 'gVisor resolves no names')
  runtime.runtimes = ['runc']
  await refusal(up(), 'lab-runtime-missing')
  await up({ students: ['SV001'] })
})

test('where what is written in sandboxes does not come out of them, none is made, and nothing of the up is left', async (t) => {
  const { up, runtime, folder } = await openClass(t)
  runtime.keepsWrites = true
  await refusal(up(), 'lab-runtime-unfit')
  assert.deepEqual(runtime.held(), [])
  assert.equal(runtime.events.filter((event) => event.startsWith('create-volume')).length, 0)
  assert.deepEqual(await readdir(join(folder, 'os101-a')).catch(() => []), [])
})

test('a late joiner is not let in where their work would be lost, and those who work go on', async (t) => {
  const { up, runtime, record } = await openClass(t)
  const { sessionId } = await up({ students: pair })
  const before = runtime.held()
  runtime.keepsWrites = true
  assert.equal((await up({ students: pair })).state, 'up')
  await refusal(up(), 'lab-runtime-unfit')
  assert.deepEqual(runtime.held(), before)
  assert.deepEqual([(await record(sessionId))?.up, (await record(sessionId))?.students], [undefined, pair])
  runtime.exit(runtime.container('SV001'), 137)
  await refusal(up({ students: pair }), 'lab-runtime-unfit')
  assert.equal(runtime.container('SV001').state, 'exited')
})

test('another lab is refused while a session runs; naming the same one is not', async (t) => {
  const { up, runtime } = await openClass(t)
  await up({ lab: 'linux-shell' })
  await up({ lab: 'LINUX-SHELL' })
  runtime.events.length = 0
  await refusal(up({ lab: 'other' }), 'lab-differs')
  assert.deepEqual(runtime.events, [])
})

test('a lab whose image is missing is refused before anything is written or made', async (t) => {
  const { up, runtime, folder } = await openClass(t, { image: 'python:3' })
  await refusal(up(), 'lab-image-missing')
  assert.deepEqual(runtime.events, [])
  await assert.rejects(rm(join(folder, 'os101-a')), { code: 'ENOENT' })
})

test('an image that declares volumes is refused before anything is made, also for who would join later', async (t) => {
  const { up, runtime } = await openClass(t)
  await up({ students: ['SV001'] })
  runtime.events.length = 0
  const image = runtime.images.get('busybox:1.36') ?? assert.fail('no image')
  runtime.images.set('busybox:1.36', { ...image, volumes: ['/data', '/home'] })
  const { message } = await refusal(up(), 'lab-image-unfit')
  assert.match(message, /busybox:1\.36.*\/data, \/home.*without VOLUME/)
  assert.deepEqual(runtime.events, [])
  assert.equal((await up({ students: ['SV001'] })).state, 'up', 'what is up already stays so')
})

test('up is refused while the store cannot be written: work that cannot be collected must not begin', async (t) => {
  const ofClass = await openClass(t)
  for (const failing of ['check', 'put'] as const) {
    ofClass.storeHooks = {
      before(method) {
        if (method === failing) throw new StoreError('unreachable', 'connect ECONNREFUSED 10.0.0.9:9000')
      },
    }
    const problem = await refusal(ofClass.up(), 'store-unavailable')
    assert.doesNotMatch(problem.message, /10\.0\.0\.9/)
    assert.deepEqual(ofClass.runtime.events, [])
  }
})

test('more students than the subnet holds are refused, those of earlier ups counted', async (t) => {
  const ofClass = await openClass(t)
  await ofClass.up({ students: ['SV001', 'SV002'] })
  ofClass.runtime.events.length = 0
  const small = { ...ofClass.context, maxStudents: 2 }
  Object.defineProperty(ofClass, 'context', { value: small })
  const problem = await refusal(ofClass.up({ students: ['SV003'] }), 'class-too-large')
  assert.match(problem.message, /^3 students .*holds 2/)
  assert.deepEqual(ofClass.runtime.events, [])
  assert.equal((await ofClass.up({ students: ['SV001', 'SV002'] })).state, 'up')
})

test('a seat whose student has no sandbox any more is counted, as it is given to nobody else', async (t) => {
  const ofClass = await openClass(t)
  const { sessionId } = await ofClass.up({ students: ['SV001', 'SV002'] })
  const record = await ofClass.record(sessionId)
  assert.ok(record)
  await writeSession(ofClass.store, { ...record, students: ['SV001'] })
  Object.defineProperty(ofClass, 'context', { value: { ...ofClass.context, maxStudents: 2 } })
  const problem = await refusal(ofClass.up({ students: ['SV003'] }), 'class-too-large')
  assert.match(problem.message, /^3 students .*holds 2/)
  assert.equal((await ofClass.up({ students: ['SV001', 'SV002'] })).state, 'up')
})

test('up is refused while a down is unfinished, and after it begins a new session', async (t) => {
  const { up, down, runtime } = await openClass(t)
  const { sessionId } = await up()
  runtime.before = (event) => {
    if (event === 'archive SV002') throw new RuntimeError('archive', 'The archive was cut short.')
  }
  await refusal(down(), 'collect-failed')
  runtime.events.length = 0
  const problem = await refusal(up(), 'down-unfinished')
  assert.match(problem.message, new RegExp(sessionId))
  assert.deepEqual(runtime.events, [])

  runtime.before = () => {}
  await down()
  const next = await up()
  assert.ok(next.sessionId > sessionId)
})

test('a session without its record is never joined', async (t) => {
  const { up, runtime, folder } = await openClass(t)
  const { sessionId } = await up()
  await rm(join(folder, 'os101-a', sessionId, 'session.json'))
  runtime.events.length = 0
  await refusal(up(), 'down-unfinished')
  assert.deepEqual(runtime.events, [])
})

test('faults of the engine that end an up have their own problems', async (t) => {
  const cases = [
    ['unavailable', 'engine-unavailable'],
    ['subnets-exhausted', 'subnets-exhausted'],
    ['proxy-missing', 'traefik-missing'],
    ['name-taken', 'up-failed'],
  ] as const
  for (const [code, problem] of cases) {
    const { up, runtime, folder } = await openClass(t)
    runtime.before = (event) => {
      if (event.startsWith('create-network')) throw new RuntimeError(code, 'The reason.')
    }
    assert.equal((await refusal(up(), problem)).message, 'The reason.')
    await assert.rejects(
      rm(join(folder, 'os101-a')),
      { code: 'ENOENT' },
      'no record is left of a session that never was',
    )
  }
})

test('with allowPartial the others stay up, and the failed student is named with the reason', async (t) => {
  const { up, runtime, sessionId } = await openClass(t).then(async (ofClass) => {
    ofClass.runtime.startsAs.set('SV002', 'unhealthy')
    return { ...ofClass, ...(await ofClass.up({ allowPartial: true })) }
  })
  assert.equal(runtime.container('SV001').state, 'running')
  assert.equal(runtime.container('SV002').state, 'unhealthy')
  runtime.startsAs.clear()
  runtime.container('SV002').state = 'running'
  const healed = await up()
  assert.equal(healed.state, 'up')
  assert.equal(healed.sessionId, sessionId)
})

test('an up-partial names each student’s state', async (t) => {
  const { up, runtime } = await openClass(t)
  runtime.before = (event) => {
    if (event === 'create-container SV003') throw new RuntimeError('name-taken', 'The name is taken.')
  }
  runtime.startsAs.set('SV002', 'exited')
  const answer = await up({ allowPartial: true })
  assert.equal(answer.state, 'up-partial')
  assert.deepEqual(
    answer.students.map(({ studentId, state, error }) => [studentId, state, error?.code]),
    [
      ['SV001', 'running', undefined],
      ['SV002', 'failed', 'not-ready'],
      ['SV003', 'failed', 'name-taken'],
    ],
  )
})
