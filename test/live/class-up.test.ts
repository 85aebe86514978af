// A class of thirty on a real engine: what its sandboxes are made with (sandbox-walls.test.ts tries it from inside), that
// Traefik is there before them, and that a repeated up changes nothing but what is missing. A plain container stands in for it.
// Every step looks at the same class, which is costly to bring up.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Static, Type } from '@sinclair/typebox'
import type { UpAnswer } from '../support/answers.ts'
import { catalogueOf, image, studentsOf } from '../support/catalogue.ts'
import {
  docker,
  type EngineEvent,
  inspect,
  inspectContainers,
  leftovers,
  shell,
  watchEvents,
} from '../support/docker.ts'
import { downClass, upClass } from '../support/faults.ts'
import { skipWithoutEngine } from '../support/live.ts'
import { type Installation, install } from '../support/service.ts'

const mebibyte = 1024 ** 2
const students = studentsOf(30)
const lateJoiners = ['late-1', 'late-2']
const containerOf = (student: string): string => `class-up--${student}`

const Labels = Type.Record(Type.String(), Type.String())
const Sandbox = Type.Object({
  Id: Type.String(),
  Name: Type.String(),
  Image: Type.String(),
  State: Type.Object({ Status: Type.String(), StartedAt: Type.String() }),
  Config: Type.Intersect([
    Type.Record(Type.String(), Type.Unknown()),
    Type.Object({ Env: Type.Union([Type.Array(Type.String()), Type.Null()]), Labels }),
  ]),
  HostConfig: Type.Record(Type.String(), Type.Unknown()),
  Mounts: Type.Array(Type.Object({ Type: Type.String(), Destination: Type.String(), Name: Type.String() })),
  NetworkSettings: Type.Object({
    Networks: Type.Record(Type.String(), Type.Object({ IPAddress: Type.String() })),
  }),
})
type Sandbox = Static<typeof Sandbox>

const Network = Type.Object({
  Id: Type.String(),
  Driver: Type.String(),
  Internal: Type.Boolean(),
  Labels,
  IPAM: Type.Object({ Config: Type.Array(Type.Object({ Subnet: Type.String() })) }),
  Containers: Type.Record(Type.String(), Type.Unknown()),
})

const inspectStudents = (ids: readonly string[]): Promise<Sandbox[]> => inspectContainers(ids.map(containerOf), Sandbox)

/** What must stay as it is while a repeated up leaves a sandbox alone. */
const lifeOf = ({ Id, State }: Sandbox): string => `${Id} ${State.StartedAt} ${State.Status}`

/** `action name` of everything that happened to containers of the class; a look at one (exec, inspect) is no event of these. */
const happened = (events: readonly EngineEvent[]): string[] =>
  events
    .filter(({ Type: kind, Actor }) => kind === 'container' && Actor.Attributes['class-runtime.class'] === 'up')
    .map(({ Action, Actor }) => `${Action} ${Actor.Attributes['name']}`)

test('a class of thirty', { skip: skipWithoutEngine }, async (t) => {
  const standIn = `stand-in-${process.pid}`
  const site = await install(t, {
    name: 'up',
    store: 'directory',
    subnets: '10.211.0.0/16',
    catalogue: catalogueOf({ up: students }),
    env: { TRAEFIK_CONTAINER: standIn, TRAEFIK_ENTRYPOINTS: 'web', TRAEFIK_MIDDLEWARES: 'sign-in@file' },
  })
  const standInId = (
    await docker(['run', '-d', '--name', standIn, '--label', site.testLabel, image, 'sleep', 'infinity'])
  )
    .toString()
    .trim()
  const service = await site.start()
  const watch = watchEvents(t)
  const began = Date.now()
  const up = await upClass(service, 'up')
  t.diagnostic(`up of ${students.length} took ${((Date.now() - began) / 1000).toFixed(1)} s`)

  await t.test(
    'everybody is in the answer, running, with the container and the address that the engine has',
    async () => {
      const sandboxes = await inspectStudents(students)
      assert.equal(up.state, 'up')
      assert.deepEqual(
        up.students,
        students.map((studentId, index) => ({
          studentId,
          state: 'running',
          containerId: sandboxes[index]?.Id,
          containerName: containerOf(studentId),
          endpoint: `http://${studentId}--up.lab.localhost/`,
          endpointState: 'ready',
        })),
      )
      assert.deepEqual(
        sandboxes.map(({ State }) => State.Status),
        students.map(() => 'running'),
      )
    },
  )

  await t.test('each sandbox is closed in as promised', async () => {
    const { Id: imageId } = await inspect('image', image, Type.Object({ Id: Type.String() }))
    for (const [index, sandbox] of (await inspectStudents(students)).entries()) {
      assertHardened(sandbox, imageId, up, students[index] ?? '')
      assert.deepEqual(sandbox.Config.Labels, await expectedLabels(site, up, students[index] ?? '', sandbox))
    }
  })

  await t.test(
    'the network is internal, from the pool, and Traefik was in it before the first sandbox started',
    async () => {
      const network = await inspect('network', 'class-up', Network)
      assert.deepEqual([network.Driver, network.Internal], ['bridge', true])
      assert.match(network.IPAM.Config[0]?.Subnet ?? '', /^10\.211\.\d+\.0\/24$/)
      assert.deepEqual(network.Labels, {
        ...(await sessionLabels(site, up, network.Labels)),
        'class-runtime.raw-packets': 'false',
      })
      assert.equal(Object.keys(network.Containers).length, students.length + 1)

      const events = await watch.upToNow()
      const attached = events.findIndex(
        ({ Action, Actor }) =>
          Action === 'connect' && Actor.ID === network.Id && Actor.Attributes['container'] === standInId,
      )
      const started = events.findIndex(
        ({ Action, Actor }) => Action === 'start' && Actor.Attributes['class-runtime.class'] === 'up',
      )
      assert.ok(attached !== -1 && attached < started, `attached at event ${attached}, first start at ${started}`)
    },
  )

  await t.test('Traefik reaches what a student serves', async () => {
    await shell(containerOf('s07'), 'echo served >/home/student/page')
    await docker(['exec', '-d', containerOf('s07'), 'httpd', '-f', '-p', '8080', '-h', '/home/student'])
    const [sandbox] = await inspectStudents(['s07'])
    const address = sandbox?.NetworkSettings.Networks['class-up']?.IPAddress
    const page = await docker(['exec', standIn, 'wget', '-q', '-O', '-', `http://${address}:8080/page`])
    assert.equal(page.toString(), 'served\n')
  })

  await t.test('the same call again changes nothing', async () => {
    const before = (await inspectStudents(students)).map(lifeOf)
    const seen = happened(await watch.upToNow()).length
    assert.deepEqual(await upClass(service, 'up'), up)
    assert.deepEqual((await inspectStudents(students)).map(lifeOf), before)
    assert.deepEqual(happened(await watch.upToNow()).slice(seen), [])
  })

  await t.test('two late joiners in the roster: the call adds these two', async () => {
    const before = (await inspectStudents(students)).map(lifeOf)
    const seen = happened(await watch.upToNow()).length
    await site.writeCatalogue(catalogueOf({ up: [...students, ...lateJoiners] }))
    const again = await upClass(service, 'up')
    assert.deepEqual([again.sessionId, again.students.slice(0, students.length)], [up.sessionId, up.students])
    assert.deepEqual((await inspectStudents(students)).map(lifeOf), before)
    const made = happened(await watch.upToNow()).slice(seen)
    const startsOfThese = lateJoiners.flatMap((student) => [
      `create ${containerOf(student)}`,
      `start ${containerOf(student)}`,
    ])
    assert.deepEqual(
      made.filter((each) => /^(create|start|stop|die|destroy|kill) /.test(each)).sort(),
      startsOfThese.sort(),
    )
  })

  await t.test('one killed and one removed by hand: these two come back with their work, the others stay', async () => {
    const [killed, removed] = ['s03', 's04'].map(containerOf)
    const others = [...students, ...lateJoiners].filter((student) => student !== 's03' && student !== 's04')
    for (const container of [killed, removed]) await shell(container ?? '', 'echo kept >/home/student/work')
    const before = await inspectStudents(['s03', 's04'])
    const othersBefore = (await inspectStudents(others)).map(lifeOf)
    // As a reset leaves a sandbox that fails after its stop.
    await docker(['update', '--restart', 'no', killed ?? ''])
    await docker(['kill', killed ?? ''])
    await docker(['rm', '--force', removed ?? ''])

    const again = await upClass(service, 'up')
    assert.deepEqual([again.state, again.sessionId], ['up', up.sessionId])
    const [killedNow, removedNow] = await inspectStudents(['s03', 's04'])
    assert.equal(killedNow?.Id, before[0]?.Id)
    assert.notEqual(killedNow?.State.StartedAt, before[0]?.State.StartedAt)
    assert.deepEqual(killedNow?.HostConfig['RestartPolicy'], { Name: 'unless-stopped', MaximumRetryCount: 0 })
    assert.notEqual(removedNow?.Id, before[1]?.Id)
    assert.deepEqual((await inspectStudents(others)).map(lifeOf), othersBefore)
    for (const container of [killed, removed]) {
      assert.equal((await shell(container ?? '', 'cat /home/student/work')).toString(), 'kept\n')
    }
  })

  await t.test('down: everybody is collected, nothing is left, and Traefik stays', async () => {
    const downBegan = Date.now()
    const down = await downClass(service, 'up')
    t.diagnostic(`down of ${down.students.length} took ${((Date.now() - downBegan) / 1000).toFixed(1)} s`)
    assert.deepEqual([down.state, down.leaked], ['down', []])
    assert.deepEqual(
      down.students.map(({ studentId, state }) => `${studentId} ${state}`).sort(),
      [...students, ...lateJoiners].map((studentId) => `${studentId} removed`).sort(),
    )
    assert.deepEqual(await leftovers(site.label), [])
    const [found] = await inspectContainers([standIn], Sandbox)
    assert.deepEqual([found?.State.Status, Object.keys(found?.NetworkSettings.Networks ?? {})], ['running', ['bridge']])
  })
})

const sessionLabels = async (site: Installation, up: UpAnswer, found: Static<typeof Labels>) => ({
  'class-runtime.installation': site.id,
  'class-runtime.class': 'up',
  'class-runtime.session': up.sessionId,
  'class-runtime.subject': 'subject',
  'class-runtime.lab': 'shell',
  'class-runtime.created-by': 'unauthenticated',
  'class-runtime.expires-at': up.expiresAt,
  'class-runtime.store': JSON.parse((await site.artifacts.read('class-runtime.store.json')).toString()).id,
  'class-runtime.store-name': /^\/.*\/artifacts$/.exec(found['class-runtime.store-name'] ?? '')?.[0],
})

async function expectedLabels(site: Installation, up: UpAnswer, student: string, sandbox: Sandbox) {
  const { 'class-runtime.spec': spec = '', 'class-runtime.collect': collect = '' } = sandbox.Config.Labels
  assert.match(spec, /^[0-9a-f]{32}$/)
  assert.equal(JSON.parse(collect).workspace, '/home/student')
  return {
    ...(await sessionLabels(site, up, sandbox.Config.Labels)),
    'class-runtime.student': student,
    'class-runtime.spec': spec,
    'class-runtime.collect': collect,
    'class-runtime.port': '8080',
  }
}

function assertHardened(
  { Config, HostConfig, Image, Mounts, NetworkSettings }: Sandbox,
  imageId: string,
  up: UpAnswer,
  student: string,
): void {
  const volume = `${containerOf(student)}--${up.sessionId}`
  assert.equal(Image, imageId)
  // Beside what the image brings, and that is nothing or a PATH.
  assert.deepEqual(Config.Env?.filter((each) => !each.startsWith('PATH=')) ?? [], ['HOME=/home/student'])
  const settings = {
    Cmd: ['sleep', 'infinity'],
    Entrypoint: null,
    WorkingDir: '/home/student',
    Hostname: student,
    StopTimeout: 1,
    Tty: false,
    OpenStdin: false,
    Volumes: null,
    ExposedPorts: { '8080/tcp': {} },
  }
  assert.deepEqual(fieldsLike(settings, Config), settings)
  assert.match(`${Config['User']}`, /^(2\d{4}):\1$/)
  const walls = {
    CapDrop: ['ALL'],
    CapAdd: null,
    Privileged: false,
    SecurityOpt: ['no-new-privileges'],
    ReadonlyRootfs: true,
    Tmpfs: { '/tmp': 'rw,noexec,nosuid,nodev,size=8m,mode=1777' },
    PidsLimit: 64,
    Memory: 64 * mebibyte,
    MemorySwap: 64 * mebibyte,
    NanoCpus: 250_000_000,
    LogConfig: { Type: 'json-file', Config: { 'max-size': '10m', 'max-file': '3' } },
    Init: true,
    IpcMode: 'private',
    PidMode: '',
    UTSMode: '',
    UsernsMode: '',
    NetworkMode: 'class-up',
    AutoRemove: false,
    RestartPolicy: { Name: 'unless-stopped', MaximumRetryCount: 0 },
    Binds: null,
    Mounts: [{ Type: 'volume', Source: volume, Target: '/home', VolumeOptions: { NoCopy: true } }],
    VolumesFrom: null,
    DeviceRequests: null,
    PublishAllPorts: false,
    Links: null,
    ExtraHosts: null,
  }
  assert.deepEqual(fieldsLike(walls, HostConfig), walls)
  // These are null or empty by the engine's version.
  for (const field of ['Devices', 'PortBindings', 'GroupAdd', 'Sysctls', 'DeviceCgroupRules']) {
    assert.equal(Object.keys(HostConfig[field] ?? {}).length, 0, field)
  }
  assert.deepEqual(
    Mounts.map(({ Type: type, Name, Destination }) => ({ type, Name, Destination })),
    [{ type: 'volume', Name: volume, Destination: '/home' }],
  )
  assert.deepEqual(Object.keys(NetworkSettings.Networks), ['class-up'])
}

/** The fields of `found` that `expected` has. */
const fieldsLike = (expected: object, found: Readonly<Record<string, unknown>>): object =>
  Object.fromEntries(Object.keys(expected).map((field) => [field, found[field]]))
