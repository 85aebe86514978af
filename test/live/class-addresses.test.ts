// A sandbox's address is its own for the whole session, in whatever order the sandboxes start again, whoever else is attached
// meanwhile, and also where the class's network was pruned and is made again. A plain container stands in for Traefik.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Type } from '@sinclair/typebox'
import { catalogueOf, image, studentsOf } from '../support/catalogue.ts'
import { docker, inspect, inspectContainers, shell, tryDocker } from '../support/docker.ts'
import { downClass, FailedUp, problemOf, upClass } from '../support/faults.ts'
import { skipWithoutEngine } from '../support/live.ts'
import { install } from '../support/service.ts'
import { shaped } from '../support/shape.ts'
import { until } from '../support/until.ts'

const students = studentsOf(5)
const network = 'class-seats'
const names = students.map((student) => `${network}--${student}`)
const Place = Type.Object({
  State: Type.Object({ StartedAt: Type.String(), Running: Type.Boolean() }),
  NetworkSettings: Type.Object({ Networks: Type.Record(Type.String(), Type.Object({ IPAddress: Type.String() })) }),
})

async function addresses(): Promise<(string | undefined)[]> {
  const found = await inspectContainers(names, Place)
  return found.map(({ NetworkSettings }) => NetworkSettings.Networks[network]?.IPAddress)
}

test('a class whose addresses stay', { skip: skipWithoutEngine, timeout: 180_000 }, async (t) => {
  const traefik = `addresses-traefik-${process.pid}`
  const site = await install(t, {
    name: 'addresses',
    store: 'directory',
    subnets: '10.245.0.0/20',
    // A page that says whose it is.
    catalogue: catalogueOf({ seats: students }, { command: ['nc', '-ll', '-p', '8080', '-e', 'hostname'], port: 8080 }),
    env: { TRAEFIK_CONTAINER: traefik },
  })
  const run = (name: string, ...flags: readonly string[]) =>
    docker(['run', '-d', '--name', name, '--label', site.testLabel, ...flags, image, 'sleep', 'infinity'])
  await run(traefik)
  const service = await site.start()
  await upClass(service, 'seats')
  const first = await addresses()
  assert.equal(new Set(first).size, students.length)
  const pages = async () =>
    (
      await Promise.all(first.map((address) => tryDocker(['exec', traefik, 'nc', '-w', '2', `${address}`, '8080'])))
    ).map(({ stdout }) => stdout.toString().trim())

  await t.test('the programs of all die at once and are started again', async () => {
    const before = await inspectContainers(names, Place)
    // The command may end with the sandbox that it is in.
    await Promise.all(names.map((name) => tryDocker(['exec', name, 'killall', '-9', 'nc'])))
    await until('each program again', async () => {
      for (const [index, page] of (await pages()).entries()) {
        assert.ok(page === '' || page === students[index], `${page} answers for ${students[index]}`)
      }
      const now = await inspectContainers(names, Place)
      return now.every(({ State }, index) => State.Running && State.StartedAt !== before[index]?.State.StartedAt)
    })
    assert.deepEqual(await addresses(), first)
  })

  await t.test('all are stopped, another container is attached, and they start in another order', async () => {
    await docker(['stop', '-t', '0', ...names])
    const foreign = `addresses-foreign-${process.pid}`
    await run(foreign, '--network', network)
    for (const name of names.toReversed()) await docker(['start', name])
    assert.deepEqual(await addresses(), first)
    await docker(['rm', '-f', foreign])
  })

  await t.test('an address that another container took by name of it is told in words, for that student', async () => {
    const foreign = `addresses-thief-${process.pid}`
    await docker(['stop', '-t', '0', `${names[0]}`])
    await run(foreign, '--network', network, '--ip', `${first[0]}`)
    const problem = problemOf(await service.post('/room/up-class', { classId: 'seats' }), [502, 'up-failed'], FailedUp)
    const details = problem.students.map(({ error }) => error?.detail)
    assert.match(`${details[0]}`, /taken by a container of another hand/)
    assert.deepEqual(details.slice(1), [undefined, undefined, undefined, undefined])
    await docker(['rm', '-f', foreign])
    await upClass(service, 'seats')
    assert.deepEqual(await addresses(), first)
  })

  await t.test(
    'the network is pruned while all are stopped, Traefik too: up brings each back with their work',
    async () => {
      for (const [index, name] of names.entries()) await shell(name, `echo work-${index} > ~/work.txt`)
      await docker(['stop', '-t', '0', ...names, traefik])
      await docker(['network', 'rm', network])
      assert.notEqual((await tryDocker(['start', traefik])).exitCode, 0)
      await upClass(service, 'seats')
      assert.deepEqual(await addresses(), first)
      const works = await Promise.all(names.map((name) => shell(name, 'cat ~/work.txt')))
      assert.deepEqual(
        works.map((work) => work.toString()),
        names.map((_, index) => `work-${index}\n`),
      )
      await docker(['start', traefik])
      await until('each page', async () => (await pages()).join() === students.join())
    },
  )

  await t.test('a sandbox that another hand took out of the network while it runs is back after an up', async () => {
    const { State } = await inspect('container', `${names[1]}`, Place)
    await docker(['network', 'disconnect', '--force', network, `${names[1]}`])
    await upClass(service, 'seats')
    assert.deepEqual(await addresses(), first)
    assert.equal((await inspect('container', `${names[1]}`, Place)).State.StartedAt, State.StartedAt)
  })

  const answer = await downClass(service, 'seats')
  assert.equal(shaped(Type.Object({ state: Type.String() }), answer).state, 'down')
})
