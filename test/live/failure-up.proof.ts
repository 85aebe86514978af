// An up that cannot succeed: what it made is gone again, what was there before stays, and what is not ours is never touched.
// The engine is looked at by the docker command, so that "nothing is left" does not rest on the service's own word.

import assert from 'node:assert/strict'
import { after, before, describe, type TestContext, test } from 'node:test'
import { type Static, Type } from '@sinclair/typebox'
import { catalogueOf, image } from '../support/catalogue.ts'
import { containersOf, docker, inspect, leftovers } from '../support/docker.ts'
import { bagSums, cleanUpOfSuite, downClass, FailedUp, problemOf, upClass, work } from '../support/faults.ts'
import { skipWithoutEngine } from '../support/live.ts'
import { type Installation, install, type Service } from '../support/service.ts'

const two = ['s01', 's02']
const labs = {
  missing: { command: ['/bin/no-such-program'] },
  ending: { command: ['sh', '-c', 'echo done; exit 3'] },
  unhealthy: { healthCheck: { command: ['false'], intervalSeconds: 1 } },
  imageless: { image: 'class-runtime-test/no-such-image:1' },
}

function catalogue() {
  const base = catalogueOf({})
  const shell = base.labs['shell'] ?? {}
  const variants = Object.entries(labs).map(([name, change]) => [name, { ...shell, ...change }])
  const classOf = (lab: string, students: string[]) => ({ subject: 'subject', lab, students })
  return {
    labs: { ...base.labs, ...Object.fromEntries(variants) },
    subjects: { subject: { labs: ['shell', ...Object.keys(labs)] } },
    classes: {
      ...Object.fromEntries(Object.keys(labs).map((lab) => [lab, classOf(lab, two)])),
      a: classOf('shell', two),
      b: classOf('shell', two),
      crowd: classOf('shell', ['s01', 's02', 's03', 's04', 's05']),
    },
  }
}

const Labelled = Type.Object({
  Id: Type.String(),
  State: Type.Object({ Running: Type.Boolean() }),
  Config: Type.Object({ Labels: Type.Record(Type.String(), Type.String()) }),
})

describe('an up that cannot succeed', { skip: skipWithoutEngine, timeout: 180_000 }, () => {
  const cleanUp = cleanUpOfSuite(after)
  let installation: Installation
  let service: Service

  before(async () => {
    const options = { name: 'up', store: 'directory', subnets: '10.232.0.0/24', catalogue: catalogue() } as const
    // Subnets of four sandboxes each, so that a class can be too large.
    installation = await install(cleanUp, { ...options, env: { CLASS_SUBNET_SIZE: '29' } })
    service = await installation.start()
  })

  const nothingLeftOf = async (classId: string) =>
    assert.deepEqual(await leftovers(installation.label, `class-runtime.class=${classId}`), [])

  async function failedUp(request: object): Promise<Static<typeof FailedUp>['students']> {
    const problem = problemOf(await service.post('/room/up-class', request), [502, 'up-failed'], FailedUp)
    assert.match(problem.detail, /did not come up/)
    return problem.students
  }

  /** A container that somebody else made under a name that the service would need. */
  async function foreignContainer(context: TestContext, name: string): Promise<Static<typeof Labelled>> {
    context.after(() => docker(['rm', '--force', name]))
    await docker(['run', '--detach', '--name', name, '--label', installation.testLabel, image, 'sleep', 'infinity'])
    return await inspect('container', name, Labelled)
  }

  for (const [lab, reason] of [
    ['missing', /^The program '\/bin\/no-such-program' of lab 'missing' is not in the image \(exit code 127\)\./],
    ['ending', /^Its command ended with exit code 3\b/],
    ['unhealthy', /unhealthy/],
  ] as const) {
    test(`lab '${lab}': every student has the reason, and nothing stays on the engine`, async () => {
      const students = await failedUp({ classId: lab })
      assert.deepEqual(
        students.map(({ studentId, state }) => [studentId, state]),
        two.map((studentId) => [studentId, 'failed']),
      )
      for (const { error } of students) assert.match(error?.detail ?? '', reason)
      await nothingLeftOf(lab)
      const partial = await failedUp({ classId: lab, allowPartial: true })
      assert.equal(partial.length, 2, 'a class of which nobody is up is not up-partial')
      await nothingLeftOf(lab)
    })
  }

  test('what ran for a moment is in a bag before it is taken back', async () => {
    await failedUp({ classId: 'ending' })
    const logs = [...(await installation.artifacts.list('ending/')).keys()].filter((key) => key.endsWith('stdout.log'))
    assert.ok(logs.length >= 2, `bags of both students: ${logs}`)
    for (const key of logs) {
      assert.match((await installation.artifacts.read(key)).toString(), /^(done\n)+$/)
      await bagSums(installation.artifacts, key.replace(/data\/logs\/stdout\.log$/, ''))
    }
  })

  test("a name that somebody else's container has: all goes back without allowPartial, and theirs is untouched", async (context) => {
    const foreign = await foreignContainer(context, 'class-a--s02')
    const [first, second] = await failedUp({ classId: 'a' })
    assert.equal(first?.state, 'running')
    assert.deepEqual([second?.state, second?.error?.code], ['failed', 'name-taken'])
    await nothingLeftOf('a')
    assert.deepEqual(await inspect('container', foreign.Id, Labelled), foreign)
  })

  test('the same with allowPartial: the others are up, and go down without it', async (context) => {
    const foreign = await foreignContainer(context, 'class-a--s02')
    const up = await upClass(service, 'a', { allowPartial: true })
    assert.equal(up.state, 'up-partial')
    assert.deepEqual(
      up.students.map(({ state, error }) => [state, error?.code]),
      [
        ['running', undefined],
        ['failed', 'name-taken'],
      ],
    )
    assert.equal((await containersOf(installation.label)).length, 1)
    const files = await work('class-a--s01', 'echo mine >file')
    const down = await downClass(service, 'a')
    assert.deepEqual(
      down.students.map(({ studentId }) => studentId),
      ['s01'],
    )
    assert.deepEqual(await bagSums(installation.artifacts, down.students[0]?.bag ?? ''), files)
    await nothingLeftOf('a')
    assert.deepEqual(await inspect('container', foreign.Id, Labelled), foreign)
  })

  test('who was up before a failed up stays up, files and all; a repeat converges', async (context) => {
    const before = await upClass(service, 'a', { students: ['s01'] })
    const files = await work('class-a--s01', 'echo before >file')
    const foreign = await foreignContainer(context, 'class-a--s02')
    await failedUp({ classId: 'a' })
    assert.deepEqual(await containersOf(installation.label), [before.students[0]?.containerId])
    await docker(['rm', '--force', foreign.Id])

    const again = await upClass(service, 'a')
    assert.equal(again.sessionId, before.sessionId)
    assert.equal(again.students[0]?.containerId, before.students[0]?.containerId)
    assert.deepEqual(await work('class-a--s01', ''), files)
    await downClass(service, 'a')
    await nothingLeftOf('a')
  })

  test("a network that somebody else made under the class's name is refused and untouched", async () => {
    const network = 'class-b'
    await docker(['network', 'create', '--label', installation.testLabel, network])
    const Network = Type.Object({ Id: Type.String(), Containers: Type.Object({}, { additionalProperties: false }) })
    const foreign = await inspect('network', network, Network)
    const problem = problemOf(await service.post('/room/up-class', { classId: 'b' }), [502, 'up-failed'])
    assert.match(problem.detail, /network named class-b exists.*operator/)
    await nothingLeftOf('b')
    assert.deepEqual(await inspect('network', network, Network), foreign)
    await docker(['network', 'rm', foreign.Id])
    await upClass(service, 'b')
    await downClass(service, 'b')
  })

  test('a lab whose image is not on the engine is refused before anything is made', async () => {
    const problem = problemOf(await service.post('/room/up-class', { classId: 'imageless' }), [
      409,
      'lab-image-missing',
    ])
    assert.match(problem.detail, /no-such-image:1.*operator/)
    await nothingLeftOf('imageless')
    assert.equal((await installation.artifacts.list('imageless/')).size, 0)
  })

  test('a class larger than its subnet is refused before anything is made', async () => {
    const problem = problemOf(await service.post('/room/up-class', { classId: 'crowd' }), [409, 'class-too-large'])
    assert.match(problem.detail, /5 students.*3.*CLASS_SUBNET_SIZE/)
    await nothingLeftOf('crowd')
    assert.equal((await installation.artifacts.list('crowd/')).size, 0)
    const fitting = await upClass(service, 'crowd', { students: ['s01', 's02', 's03'] })
    assert.equal(fitting.students.length, 3)
    problemOf(await service.post('/room/up-class', { classId: 'crowd', students: ['s04'] }), [409, 'class-too-large'])
    await downClass(service, 'crowd')
    await nothingLeftOf('crowd')
  })

  test('a third class where the pool holds two subnets is refused, and comes up when one is free', async (context) => {
    const small = await install(context, {
      name: 'pool',
      store: 'directory',
      subnets: '10.232.2.0/28',
      catalogue: catalogueOf({ one: ['s01'], two: ['s01'], three: ['s01'] }),
      env: { CLASS_SUBNET_SIZE: '29' },
    })
    const smallService = await small.start()
    await upClass(smallService, 'one')
    await upClass(smallService, 'two')
    const made = await leftovers(small.label)
    const refused = await smallService.post('/room/up-class', { classId: 'three' })
    assert.match(problemOf(refused, [503, 'subnets-exhausted']).detail, /CLASS_SUBNET_POOL/)
    assert.deepEqual(await leftovers(small.label), made)
    assert.equal((await small.artifacts.list('three/')).size, 0)
    await downClass(smallService, 'one')
    await upClass(smallService, 'three')
    await Promise.all([downClass(smallService, 'two'), downClass(smallService, 'three')])
    assert.deepEqual(await leftovers(small.label), [])
  })

  test('Traefik not on the engine: refused, nothing left; with it there the class comes up behind it', async (context) => {
    const proxied = await install(context, {
      name: 'proxy',
      store: 'directory',
      subnets: '10.232.1.0/24',
      catalogue: catalogueOf({ proxied: two }),
      env: { TRAEFIK_CONTAINER: 'class-runtime-test-traefik' },
    })
    const behindProxy = await proxied.start({ waitFor: '/healthz' })
    const refused = await behindProxy.post('/room/up-class', { classId: 'proxied' })
    assert.match(problemOf(refused, [503, 'traefik-missing']).detail, /TRAEFIK_CONTAINER/)
    assert.deepEqual(await leftovers(proxied.label), [])
    assert.equal((await proxied.artifacts.list('proxied/')).size, 0)

    const name = ['--name', 'class-runtime-test-traefik', '--label', proxied.testLabel]
    await docker(['run', '--detach', ...name, image, 'sleep', 'infinity'])
    await upClass(behindProxy, 'proxied')
    // Gone again while the class is up: that keeps nobody from going down.
    await docker(['rm', '--force', 'class-runtime-test-traefik'])
    assert.equal((await downClass(behindProxy, 'proxied')).state, 'down')
    assert.deepEqual(await leftovers(proxied.label), [])
  })
})
