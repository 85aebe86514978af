// The service's image, closed in as compose.yaml says and with a store at a name as there: it runs a class, and no byte of it is lost.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { chmod, chown, writeFile } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { Type } from '@sinclair/typebox'
import { DownAnswer, UpAnswer } from '../support/answers.ts'
import { catalogueOf, studentsOf } from '../support/catalogue.ts'
import { docker, inspect, tryDocker } from '../support/docker.ts'
import { bagSums, randomFiles, type Sums, work } from '../support/faults.ts'
import { s3Server, skipWithoutStore } from '../support/live.ts'
import { gatewayAddress } from '../support/real-traefik.ts'
import { install } from '../support/service.ts'
import { buildServiceImage, serviceFlags, skipWithoutNode } from '../support/service-image.ts'
import { shaped } from '../support/shape.ts'
import { newEcKey, now, pemOf, signToken } from '../support/tokens.ts'
import { until } from '../support/until.ts'

const Running = Type.Object({
  NetworkSettings: Type.Object({ IPAddress: Type.String() }),
  State: Type.Object({ ExitCode: Type.Integer(), Health: Type.Object({ Status: Type.String() }) }),
})

/** The store's loopback address, as containers reach it: a port of `host`. */
async function reachableStore(t: TestContext, host: string): Promise<number> {
  const { hostname, port } = new URL(s3Server().endpoint)
  const server = createServer((client) => {
    const store = connect(Number(port), hostname)
    for (const [from, to] of [[client, store] as const, [store, client] as const]) {
      from.pipe(to)
      from.on('error', () => to.destroy())
    }
  })
  t.after(() => server.close())
  server.listen(0, host)
  await once(server, 'listening')
  const address = server.address()
  assert.ok(address !== null && typeof address === 'object')
  return address.port
}

test('the image runs a class as compose.yaml closes it in, and ends when it is told to', {
  skip: skipWithoutStore('s3') || skipWithoutNode,
  timeout: 300_000,
}, async (t) => {
  const students = studentsOf(3)
  const site = await install(t, {
    name: 'image',
    store: 's3',
    subnets: '10.219.0.0/20',
    catalogue: catalogueOf({ image: students }),
  })
  const image = `class-runtime-test/service-${process.pid}`
  t.after(async () => void (await tryDocker(['image', 'rm', '--force', image, `${image}-base`])))
  await buildServiceImage(image, site.folder)

  const { privateKey, publicKey } = newEcKey()
  const [key, catalogue, socket] = ['portal.pem', 'catalogue.json', 'referee.sock'].map((name) =>
    join(site.folder, name),
  )
  assert.ok(key && catalogue && socket)
  await writeFile(key, pemOf(publicKey))
  // A group that only the engine's socket belongs to.
  const group = 12_345
  await chown(socket, 0, group)
  await chmod(socket, 0o660)
  const gateway = await gatewayAddress()
  const { accessKey, secretKey } = s3Server()
  const env = {
    CATALOGUE: '/etc/class-runtime/catalogue.json',
    AUTH_PUBLIC_KEY_FILE: '/run/secrets/portal',
    MINIO_ENDPOINT: `http://minio.localhost:${await reachableStore(t, gateway)}`,
    MINIO_ACCESS_KEY: accessKey,
    MINIO_SECRET_KEY: secretKey,
    MINIO_BUCKET: site.id,
    INSTALLATION_ID: site.id,
    CLASS_SUBNET_POOL: '10.219.0.0/20',
  }
  const name = `${site.id}-service`
  await docker([
    ...['run', '--detach', '--name', name, '--label', site.testLabel, '--add-host', `minio.localhost:${gateway}`],
    ...serviceFlags(group),
    ...['--volume', `${socket}:/var/run/docker.sock`, '--volume', `${catalogue}:${env.CATALOGUE}:ro`],
    ...['--volume', `${key}:${env.AUTH_PUBLIC_KEY_FILE}:ro`],
    ...Object.entries(env).flatMap(([variable, value]) => ['--env', `${variable}=${value}`]),
    image,
  ])
  const { NetworkSettings } = await inspect('container', name, Running)
  const authorization = `Bearer ${signToken('ES256', privateKey, { sub: 'a', role: 'admin', exp: now() + 300 })}`
  const ask = async (path: string, body?: object): Promise<{ status: number; body: unknown }> => {
    const answer = await fetch(`http://${NetworkSettings.IPAddress}:8080${path}`, {
      headers: { authorization, ...(body && { 'content-type': 'application/json', prefer: 'wait=200' }) },
      ...(body && { method: 'POST', body: JSON.stringify(body) }),
    })
    return { status: answer.status, body: await answer.json() }
  }
  const isReady = () =>
    ask('/readyz').then(
      ({ status }) => status === 200,
      () => false,
    )
  await until('the service in the image to be ready', isReady).catch(async (error: unknown) => {
    const { stdout, stderr } = await tryDocker(['logs', name])
    throw new Error(`${String(stdout)}${stderr}`, { cause: error })
  })

  await t.test('its process is user 10001 without a capability, on a root that cannot be written', async () => {
    const script = `const { readFileSync, writeFileSync } = require('node:fs')
      console.log(readFileSync('/proc/1/status', 'utf8'))
      try { writeFileSync('/app/a', '') } catch ({ code }) { console.log(code) }`
    const said = String(await docker(['exec', name, 'node', '--eval', script]))
    assert.match(said, /^Uid:\t10001\t10001\t10001\t10001$/m)
    assert.match(said, /^Gid:\t10001\t10001\t10001\t10001$/m)
    assert.match(said, /^CapEff:\t0+$/m)
    assert.match(said, /^NoNewPrivs:\t1$/m)
    assert.match(said, /^EROFS$/m)
  })

  const up = await ask('/room/up-class', { classId: 'image' })
  assert.equal(up.status, 200, JSON.stringify(up.body))
  assert.equal(shaped(UpAnswer, up.body).state, 'up')
  const sums = new Map<string, Sums>()
  for (const student of students) sums.set(student, await work(`class-image--${student}`, randomFiles(20, 100_000)))
  const down = await ask('/room/down-class', { classId: 'image' })
  assert.equal(down.status, 200, JSON.stringify(down.body))
  const answer = shaped(DownAnswer, down.body)
  assert.equal(answer.state, 'down')
  for (const { studentId, bag, files } of answer.students) {
    assert.equal(files, 20)
    assert.deepEqual(await bagSums(site.artifacts, bag ?? ''), sums.get(studentId))
  }

  await until(
    'the health check',
    async () => (await inspect('container', name, Running)).State.Health.Status === 'healthy',
  )
  await docker(['stop', '--time', '60', name])
  assert.equal((await inspect('container', name, Running)).State.ExitCode, 0)
})
