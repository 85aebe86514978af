// An S3 server as the store that is away, refuses, or goes away in the middle, behind a door that the test shuts. Nothing that is not
// safe is removed; with the server back, the same call finishes, and what was safe already is not sent again.

import assert from 'node:assert/strict'
import { after, before, describe, type TestContext, test } from 'node:test'
import { committedBags } from '../referee/bags.ts'
import { openStoreView } from '../referee/store.ts'
import { catalogueOf } from '../support/catalogue.ts'
import { containersOf, leftovers } from '../support/docker.ts'
import { bagSums, cleanUpOfSuite, downClass, randomFiles, upClass, work } from '../support/faults.ts'
import { s3Server, skipWithoutStore } from '../support/live.ts'
import { type Installation, install, type Service } from '../support/service.ts'
import {
  assertNotReady,
  assertUntouched,
  assertUpRefused,
  failedDown,
  openS3Door,
  type S3Door,
  students,
} from '../support/store-faults.ts'
import { until } from '../support/until.ts'

describe('an S3 server as the store', { skip: skipWithoutStore('s3'), timeout: 240_000 }, () => {
  const cleanUp = cleanUpOfSuite(after)
  let installation: Installation
  let door: S3Door
  let onStored = (_count: number): void => {}

  before(async () => {
    door = await openS3Door(cleanUp, s3Server(), (count) => onStored(count))
    const classes = ['away', 'middle', 'killed', 'keys', 'late', 'next']
    installation = await install(cleanUp, {
      name: 's3',
      store: 's3',
      subnets: '10.234.16.0/20',
      catalogue: catalogueOf(Object.fromEntries(classes.map((classId) => [classId, students]))),
      env: { MINIO_ENDPOINT: door.endpoint },
    })
  })

  /** From now on, so many objects still come through; then `fault` happens. */
  function afterObjects(context: TestContext, count: number, fault: () => void): void {
    let left = count
    onStored = () => {
      left -= 1
      if (left === 0) fault()
    }
    context.after(() => {
      onStored = () => {}
    })
  }

  async function startService(context: TestContext, env: Record<string, string> = {}): Promise<Service> {
    const service = await installation.start({ env, waitFor: '/healthz' })
    context.after(() => service.kill())
    return service
  }

  test('started while the server was away: not ready, an up is refused, and both without a restart come right', async (context) => {
    await door.close(context)
    const service = await startService(context)
    await assertNotReady(service)
    await assertUpRefused(installation, service, 'late')
    await door.open()
    // The bucket was never made: the service has to see to it by itself.
    await upClass(service, 'late')
    await until('readyz', async () => (await service.get('/readyz')).status === 200)
    assert.equal((await downClass(service, 'late')).state, 'down')
  })

  test('the server goes away while a class is up: a down touches nothing; with it back it works', async (context) => {
    const service = await startService(context)
    await upClass(service, 'away')
    const files = await work('class-away--s01', randomFiles(5, 1000))
    await door.close(context)
    await assertUntouched(installation, service, 'away')
    await assertUpRefused(installation, service, 'next')
    await door.open()
    const { state, students: down } = await downClass(service, 'away')
    assert.equal(state, 'down')
    assert.deepEqual(await bagSums(installation.artifacts, down[0]?.bag ?? ''), files)
  })

  test('the server goes away in the middle of an upload: kept, and the next down sends only the rest', async (context) => {
    const service = await startService(context)
    const { sessionId } = await upClass(service, 'middle')
    const many = await work('class-middle--s01', randomFiles(60, 10_000))
    const large = await work('class-middle--s02', randomFiles(2, 3_000_000))
    const begun = door.stored.length
    afterObjects(context, 20, () => void door.close(context))
    const kept = await failedDown(service, 'middle')
    assert.deepEqual(
      kept.map(({ state, error }) => [state, error?.code]),
      students.map(() => ['kept', 'store-unavailable']),
    )
    await door.open()
    assert.deepEqual(await committedBags(openStoreView(installation.artifacts.place), `middle/${sessionId}/`), [])
    assert.equal((await containersOf(installation.label)).length, students.length)
    const isPayload = (key: string) => key.includes('/data/workspace/')
    const safe = new Set(door.stored.slice(begun).filter(isPayload))
    assert.ok(safe.size >= 10, `${safe.size} files came through before the end`)

    const resumed = door.stored.length
    const { state, students: down } = await downClass(service, 'middle')
    assert.equal(state, 'down')
    const sentTwice = door.stored.slice(resumed).filter((key) => safe.has(key))
    assert.deepEqual(sentTwice, [])
    assert.deepEqual(await bagSums(installation.artifacts, down[0]?.bag ?? ''), many)
    assert.deepEqual(await bagSums(installation.artifacts, down[1]?.bag ?? ''), large)
    assert.deepEqual(await leftovers(installation.label), [])
  })

  test('the service is killed in the middle of an upload: the next one finishes', async (context) => {
    const first = await startService(context)
    await upClass(first, 'killed')
    const many = await work('class-killed--s01', randomFiles(60, 10_000))
    const killed = new Promise<void>((resolve) => afterObjects(context, 20, () => resolve(first.kill())))
    const unanswered = assert.rejects(first.post('/room/down-class', { classId: 'killed' }))
    await killed
    await unanswered

    const second = await startService(context)
    const { state, students: down } = await downClass(second, 'killed')
    assert.equal(state, 'down')
    assert.deepEqual(await bagSums(installation.artifacts, down[0]?.bag ?? ''), many)
    assert.deepEqual(await leftovers(installation.label), [])
  })

  test('wrong keys: not ready, an up is refused, a down touches nothing', async (context) => {
    const right = await startService(context)
    await upClass(right, 'keys')
    await right.stop()
    const wrong = await startService(context, { MINIO_SECRET_KEY: 'not-the-secret' })
    await assertNotReady(wrong)
    await assertUpRefused(installation, wrong, 'next')
    await assertUntouched(installation, wrong, 'keys')
    assert.doesNotMatch(wrong.logs(), /not-the-secret/)
    await wrong.stop()
    assert.equal((await downClass(await startService(context), 'keys')).state, 'down')
  })
})
