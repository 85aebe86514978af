// What `ready` says of an endpoint, with a real Traefik that is set up in other ways than docs/operator.md recommends.

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { catalogueOf } from '../support/catalogue.ts'
import { downClass, upClass } from '../support/faults.ts'
import { skipWithoutEngine } from '../support/live.ts'
import {
  skipWithoutTraefik,
  startTraefik,
  traefikArguments,
  traefikEnv,
  traefikPlace,
} from '../support/real-traefik.ts'
import { install } from '../support/service.ts'
import { until } from '../support/until.ts'

const page = `mkdir -p /tmp/www; printf '%s' "$HOSTNAME" >/tmp/www/index.html; exec httpd -f -p 8080 -h /tmp/www`

const skip = skipWithoutEngine || skipWithoutTraefik

async function open(
  t: TestContext,
  port: number,
  change: (args: string[]) => string[],
  env: Record<string, string> = {},
) {
  const place = await traefikPlace('ready', port)
  const site = await install(t, {
    ...{ name: 'ready', store: 'directory', subnets: '10.215.0.0/20' },
    catalogue: catalogueOf({ a: ['s01'], b: ['s01'] }, { command: ['sh', '-c', page] }),
    env: { ...traefikEnv(place), ...env },
  })
  const traefik = await startTraefik(site, place, { command: change(traefikArguments(place)) })
  return { traefik, service: await site.start() }
}

test('with Traefik’s own poll interval and throttle a page is there when its endpoint is ready', {
  ...{ skip, timeout: 180_000 },
}, async (t) => {
  const { traefik, service } = await open(t, 18_084, (args) => args.filter((arg) => !/pollinterval|throttle/.test(arg)))
  for (const classId of ['a', 'b']) {
    const { students } = await upClass(service, classId)
    const { status } = await traefik.get(`s01--${classId}.lab.localhost`)
    // Not 404: what does not listen yet is another matter.
    assert.deepEqual([students[0]?.endpointState, status === 404], ['ready', false])
  }
  for (const classId of ['a', 'b']) await downClass(service, classId)
})

test('an entrypoint that Traefik has not got: the endpoints stay pending, and what to do is told', {
  ...{ skip, timeout: 180_000 },
}, async (t) => {
  const { service } = await open(t, 18_085, (args) => args, { TRAEFIK_ENTRYPOINTS: 'wbe' })
  const { students } = await upClass(service, 'a')
  assert.equal(students[0]?.endpointState, 'pending')
  await until('the state to tell it', async () =>
    /does not use them.*TRAEFIK_ENTRYPOINTS/.test(JSON.stringify((await service.get('/room/classes/a')).body)),
  )
  await downClass(service, 'a')
})

test('behind a TLS entrypoint the endpoints say https, and the pages are there', {
  ...{ skip, timeout: 180_000 },
}, async (t) => {
  const secure = ['--entrypoints.websecure.address=:8443', '--entrypoints.websecure.http.tls=true']
  const { traefik, service } = await open(t, 18_086, (args) => [...args, ...secure], {
    TRAEFIK_ENTRYPOINTS: 'websecure',
  })
  const { students } = await upClass(service, 'a')
  assert.equal(students[0]?.endpoint, 'https://s01--a.lab.localhost/')
  assert.equal(students[0]?.endpointState, 'ready')
  await until('the page', async () => {
    const { status, body } = await traefik.get('s01--a.lab.localhost', '/', { port: 8443, isSecure: true })
    return status === 200 && body === 's01'
  })
  assert.equal((await traefik.get('s01--a.lab.localhost')).status, 404)
  await downClass(service, 'a')
})
