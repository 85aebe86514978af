// The service is killed at each step of a down, when its request has not had an effect yet and when it has: the next service
// finishes, and nothing is lost. Steps in turn take the one moment and the other; FAULT_MATRIX=all kills at both moments of all.

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { type EngineProxy, openEngineProxy } from '../faults/engine-proxy.ts'
import { places } from '../faults/matrix.ts'
import { type S3Proxy, startS3Proxy } from '../faults/s3-proxy.ts'
import { catalogueOf, studentsOf } from '../support/catalogue.ts'
import { leftovers } from '../support/docker.ts'
import { bagSums, cleanUpOfSuite, downClass, randomFiles, type Sums, until, upClass, work } from '../support/faults.ts'
import { s3Server, skipWithoutStore } from '../support/live.ts'
import { type Installation, install, type Service } from '../support/service.ts'

const moments = [
  { moment: 'before', fault: 'hang' },
  { moment: 'after', fault: 'withheld' },
] as const

const everything = process.env['FAULT_MATRIX'] === 'all'
const kills = places.flatMap((place, index) => {
  const chosen = moments.filter((_, which) => everything || which === index % 2)
  return chosen.map((moment, which) => ({ ...place, ...moment, classId: `k${index}-${which}` }))
})

describe('a service killed at each step of a down', { skip: skipWithoutStore('s3'), timeout: 1_200_000 }, () => {
  const cleanUp = cleanUpOfSuite(after)
  let installation: Installation
  let engineProxy: EngineProxy
  let s3Proxy: S3Proxy

  before(async () => {
    installation = await install(cleanUp, {
      name: 'kill',
      store: 's3',
      subnets: '10.241.0.0/20',
      catalogue: catalogueOf(Object.fromEntries(kills.map(({ classId }) => [classId, studentsOf(2)]))),
      env: { COLLECT_CONCURRENCY: '1' },
    })
    const socketPath = installation.refereedHost.slice('unix://'.length)
    engineProxy = await openEngineProxy({ socketPath }, join(installation.folder, 'engine.sock'))
    cleanUp.after(() => engineProxy.close())
    s3Proxy = await startS3Proxy(s3Server().endpoint)
    cleanUp.after(s3Proxy.goDown)
    service = await startService()
  })

  let service: Service
  const startService = () => installation.start({ env: { DOCKER_HOST: engineProxy.host, MINIO_ENDPOINT: s3Proxy.url } })

  /** Ends the service while the request of this kind is on its way. */
  async function killAt({ at, method, url, nth, fault, classId }: (typeof kills)[number]): Promise<void> {
    const { plan } = at === 'engine' ? engineProxy : s3Proxy
    plan.set({ fault, method, url, nth })
    const call = service.post('/room/down-class', { classId }).catch(() => undefined)
    await until('the step', () => (fault === 'hang' ? plan.hits : plan.withheld) > 0)
    await service.kill()
    await call
    plan.set(undefined)
    service = await startService()
  }

  for (const kill of kills) {
    const { step, moment, classId } = kill
    test(`killed ${moment} ${step}`, async () => {
      const { students } = await upClass(service, classId)
      const truth = new Map<string, Sums>()
      for (const { studentId } of students) {
        const script = `${randomFiles(3, 1000)}; head -c 1200000 /dev/urandom >large; echo ${studentId} >answer; : >empty`
        truth.set(studentId, await work(`class-${classId}--${studentId}`, script))
      }
      await killAt(kill)

      const down = await downClass(service, classId)
      assert.deepEqual([down.state, down.leaked], ['down', []])
      assert.deepEqual(
        down.students.map(({ studentId, state, files }) => [studentId, state, files]),
        [...truth].map(([studentId, sums]) => [studentId, 'removed', sums.size]),
      )
      for (const { studentId, bag } of down.students) {
        assert.deepEqual(await bagSums(installation.artifacts, bag ?? ''), truth.get(studentId))
      }
      assert.deepEqual(await leftovers(installation.label, `class-runtime.class=${classId}`), [])
    })
  }

  after(() => console.log(`kill matrix: ${kills.length} of ${places.length * moments.length} kills`))
})
