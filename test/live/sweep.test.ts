// What the service does by itself, on a real engine: no call is made after the fault. And two processes of one installation.

import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { Type } from '@sinclair/typebox'
import { UpAnswer } from '../support/answers.ts'
import { catalogueOf, image, studentsOf } from '../support/catalogue.ts'
import { docker, inspect, leftovers } from '../support/docker.ts'
import {
  assertSafe,
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
import { type StoreKind, s3Server, skipWithoutEngine, skipWithoutStore } from '../support/live.ts'
import { type Installation, install, type Service } from '../support/service.ts'
import { shaped } from '../support/shape.ts'
import { openS3Door } from '../support/store-faults.ts'
import { until } from '../support/until.ts'

const students = studentsOf(2)
const everySecond = { SWEEP_SECONDS: '1' }

async function openInstallation(
  t: TestContext,
  env: Record<string, string> = {},
  store: StoreKind = 'directory',
): Promise<Installation> {
  return await install(t, {
    name: 'sweep',
    store,
    subnets: '10.239.0.0/20',
    catalogue: catalogueOf({ a: students, b: students, c: students }),
    env: { ...everySecond, ...env },
  })
}

async function upWithWork(service: Service, classId: string) {
  const { sessionId } = await upClass(service, classId)
  return await workIn(classId, sessionId)
}

async function workIn(classId: string, sessionId: string) {
  const files = new Map<string, Sums>()
  for (const studentId of students) {
    files.set(studentId, await work(`class-${classId}--${studentId}`, randomFiles(20, 1000)))
  }
  return { classId, sessionId, files }
}

/** With no call to the service: the engine holds nothing of the class any more, and every file is in a committed bag. */
async function finishesByItself(
  { artifacts, label }: Installation,
  { classId, sessionId, files }: Awaited<ReturnType<typeof workIn>>,
): Promise<void> {
  const ended = async () =>
    JSON.parse((await artifacts.read(`${classId}/${sessionId}/session.json`)).toString()).ended !== undefined
  await until(`class ${classId} to be down`, ended)
  assert.deepEqual(await leftovers(label, `class-runtime.class=${classId}`), [])
  for (const [studentId, sums] of files) await assertSafe(artifacts, `${classId}/${sessionId}/${studentId}/`, sums)
}

test('a down that a kill interrupted is finished by the next service', { skip: skipWithoutEngine }, async (t) => {
  const installation = await openInstallation(t)
  const service = await installation.start()
  const worked = await upWithWork(service, 'a')
  const call = service.post('/room/down-class', { classId: 'a' }).catch(() => undefined)
  await nextEvent('container die', 'class-a--s', 1)
  await service.kill()
  await call
  const restarted = Date.now()
  const next = await installation.start()
  await until('the down to go on', async () => /the sweep goes on with a session/.test(next.logs()))
  t.diagnostic(`went on ${((Date.now() - restarted) / 1000).toFixed(1)} s after the start of the process`)
  await finishesByItself(installation, worked)
})

test('a class whose time is over goes down', { skip: skipWithoutEngine }, async (t) => {
  const installation = await openInstallation(t)
  const service = await installation.start()
  const worked = await upWithWork(service, 'a')
  const stays = await upWithWork(service, 'b')
  const path = join(installation.folder, 'artifacts', 'a', worked.sessionId, 'session.json')
  const record = JSON.parse(await readFile(path, 'utf8'))
  await writeFile(path, JSON.stringify({ ...record, expiresAt: new Date().toISOString() }))
  await finishesByItself(installation, worked)
  assert.equal((await leftovers(installation.label, 'class-runtime.class=b')).length, 1 + 2 * students.length)
  const { students: down } = await downClass(service, stays.classId)
  assert.equal(down.length, students.length)
})

test('a recreated Traefik is attached again', { skip: skipWithoutEngine }, async (t) => {
  const traefik = `stand-in-${process.pid}`
  const installation = await openInstallation(t, { TRAEFIK_CONTAINER: traefik })
  const run = ['run', '-d', '--name', traefik, '--label', installation.testLabel, image, 'sleep', 'infinity']
  await docker(run)
  const service = await installation.start()
  await upClass(service, 'a')
  const attached = async (): Promise<boolean> => {
    const { NetworkSettings } = await inspect(
      'container',
      traefik,
      Type.Object({ NetworkSettings: Type.Object({ Networks: Type.Record(Type.String(), Type.Unknown()) }) }),
    )
    return NetworkSettings.Networks['class-a'] !== undefined
  }
  assert.ok(await attached())
  await docker(['rm', '-f', traefik])
  await docker(run)
  await until('the new Traefik to be attached', attached)
  assert.equal((await downClass(service, 'a')).state, 'down')
})

test('a down that failed for a store that was away is finished when it is back', {
  skip: skipWithoutStore('s3'),
}, async (t) => {
  const cleanUp = cleanUpOfSuite(t.after.bind(t))
  const door = await openS3Door(cleanUp, s3Server(), () => {})
  const installation = await openInstallation(t, { MINIO_ENDPOINT: door.endpoint }, 's3')
  const service = await installation.start()
  const worked = await upWithWork(service, 'a')
  const stopped = nextEvent('container die', 'class-a--s', 1)
  const call = service.post('/room/down-class', { classId: 'a' })
  await stopped
  await door.close(cleanUp)
  problemOf(await call, [503, 'store-unavailable'], FailedDown)
  await door.open()
  const back = Date.now()
  await finishesByItself(installation, worked)
  t.diagnostic(`down ${((Date.now() - back) / 1000).toFixed(1)} s after the store came back`)
})

test('two processes of one installation do each other no harm', { skip: skipWithoutEngine }, async (t) => {
  const installation = await openInstallation(t)
  const first = await installation.start()
  const second = await installation.start({ env: { LISTEN: join(installation.folder, 'second.sock') } })
  const both = [first, second]
  const classes = ['a', 'b', 'c']

  /** Asked again and again until it says 200: that answer. */
  const asked = async (service: Service, path: string, classId: string): Promise<unknown> => {
    let body: unknown
    await until(`200 from ${path} for ${classId}`, async () => {
      const answer = await service.post(path, { classId })
      if (answer.status !== 200) problemOf(answer, [409, 'operation-in-progress'])
      body = answer.body
      return answer.status === 200
    })
    return body
  }
  /** Both are asked for every class at once. */
  const everywhere = (path: string) =>
    Promise.all(both.flatMap((service) => classes.map((classId) => asked(service, path, classId))))

  // No further up: the sweep of one process may be finishing, for a moment yet, what the other has finished.
  const ups = (await everywhere('/room/up-class')).map((body) => shaped(UpAnswer, body))
  const sessions = new Map(ups.map(({ classId, sessionId }) => [classId, sessionId]))
  assert.equal(new Set(ups.map(({ sessionId }) => sessionId)).size, classes.length, 'both know one session a class')
  const worked = await Promise.all([...sessions].map(([classId, sessionId]) => workIn(classId, sessionId)))
  await everywhere('/room/down-class')
  for (const each of worked) await finishesByItself(installation, each)
})
