// The engine hangs (SIGSTOP) or dies (SIGKILL) in the middle of the archive of a down. No call is made after it is back: the
// down finishes by itself, and every file is in a committed bag.
// LIVE_ENGINE is set here, to the engine that these tests may stop and kill.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { Type } from '@sinclair/typebox'
import { DownAnswer, OperationAnswer } from '../support/answers.ts'
import { catalogueOf, studentsOf } from '../support/catalogue.ts'
import { leftovers } from '../support/docker.ts'
import { bagSums, cleanUpOfSuite, randomFiles, type Sums, upClass, work } from '../support/faults.ts'
import { type PrivateEngine, skipWithoutPrivateEngine, startPrivateEngine } from '../support/private-engine.ts'
import { type Installation, install, type Service } from '../support/service.ts'
import { shaped } from '../support/shape.ts'
import { until } from '../support/until.ts'

const students = studentsOf(2)
/** The small files come first in the archive; the large one is more than sockets and pipes hold. */
const script = `${randomFiles(20, 1000)}; head -c 33554432 /dev/urandom >large`

const Progress = Type.Object({ files: Type.Object({ done: Type.Integer(), total: Type.Integer() }) })
const Record = Type.Object({ ended: Type.Optional(Type.Object({ answer: DownAnswer })) })

describe('an engine that fails in the middle of an archive', {
  skip: skipWithoutPrivateEngine,
  timeout: 300_000,
}, () => {
  const cleanUp = cleanUpOfSuite(after)
  let engine: PrivateEngine
  let installation: Installation
  let service: Service

  before(async () => {
    engine = await startPrivateEngine(cleanUp)
    process.env['LIVE_ENGINE'] = engine.host
    installation = await install(cleanUp, {
      name: 'engine',
      store: 'directory',
      subnets: '10.236.0.0/20',
      catalogue: catalogueOf({ dies: students, hangs: students, both: students }),
      // One student after the other, so that there is one who has not been stopped yet.
      env: { SWEEP_SECONDS: '1', COLLECT_CONCURRENCY: '1' },
    })
    service = await installation.start()
  })

  /** A class of students who worked, on its way down, with the archive of the first being sent to the store. */
  async function inTheMiddle(classId: string) {
    const { sessionId } = await upClass(service, classId)
    const files = new Map<string, Sums>()
    for (const studentId of students) files.set(studentId, await work(`class-${classId}--${studentId}`, script))
    const { headers } = await service.post('/room/down-class', { classId }, { prefer: 'respond-async' })
    const operation = async () => shaped(OperationAnswer, (await service.get(headers['location'] ?? '')).body)
    await until('the first files to be stored', async () => {
      const { done, total } = shaped(Progress, (await operation()).progress).files
      assert.ok(done < total || total === 0, 'the archive was over too soon')
      return done > 0
    })
    return { classId, sessionId, files, operation }
  }

  type Middle = Awaited<ReturnType<typeof inTheMiddle>>

  const ended = async ({ operation }: Middle) =>
    await until('the end of the operation', async () => (await operation()).state !== 'running')

  async function assertFinishes({ classId, sessionId, files }: Middle): Promise<void> {
    const record = async () =>
      shaped(Record, (await service.get(`/room/classes/${classId}/sessions/${sessionId}`)).body).ended?.answer
    await until('the end of the down', async () => (await record()) !== undefined)
    const answer = await record()
    assert.deepEqual([answer?.state, answer?.leaked], ['down', []])
    for (const [studentId, sums] of files) {
      const bag = answer?.students.find((each) => each.studentId === studentId)?.bag
      assert.deepEqual(await bagSums(installation.artifacts, bag ?? ''), sums, studentId)
    }
    assert.deepEqual(await leftovers(installation.label, `class-runtime.class=${classId}`), [])
  }

  test('it dies and is started again: the down finishes by itself', async () => {
    const middle = await inTheMiddle('dies')
    await engine.kill()
    await ended(middle)
    assert.equal((await middle.operation()).state, 'failed')
    await engine.start()
    await assertFinishes(middle)
  })

  test('it hangs and goes on: the service answers meanwhile, and the very same down finishes', async (t) => {
    const middle = await inTheMiddle('hangs')
    t.after(() => engine.goOn())
    await engine.hang()
    assert.equal((await service.get('/healthz')).status, 200)
    assert.equal((await middle.operation()).state, 'running')
    await engine.goOn()
    await ended(middle)
    assert.equal((await middle.operation()).state, 'succeeded')
    await assertFinishes(middle)
  })

  test('it hangs, is killed and started again: the down finishes by itself', async () => {
    const middle = await inTheMiddle('both')
    await engine.hang()
    await engine.kill()
    await ended(middle)
    assert.equal((await middle.operation()).state, 'failed')
    await engine.start()
    await assertFinishes(middle)
  })
})
