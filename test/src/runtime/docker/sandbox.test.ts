// One sandbox on the engine where the engine has other things than expected: absent workspaces, foreign volumes and
// containers. None is taken for the student's. The engine's answers are hand-made; what goes well runs on recorded ones.
// Over 250 lines, for each case is short and all are told by the same few answers.

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { isEngineError, packTar, type TarInput } from '../../../../engine-api/index.ts'
import { parseCatalogue } from '../../../../src/catalogue/catalogue.ts'
import { specHash } from '../../../../src/catalogue/frozen-lab.ts'
import { containerName, label, volumeName } from '../../../../src/names.ts'
import type { DockerContext } from '../../../../src/runtime/docker/context.ts'
import { closeNetwork } from '../../../../src/runtime/docker/network.ts'
import {
  archiveSandbox,
  raiseSandbox,
  removeSandboxContainer,
  removeSandboxVolume,
  stopSandbox,
} from '../../../../src/runtime/docker/sandbox.ts'
import {
  type RaisedSandbox,
  RuntimeError,
  type RuntimeErrorCode,
  type SessionPlan,
} from '../../../../src/runtime/port.ts'
import { collected } from '../../../engine-api/cut.ts'
import { answerOf } from '../../../engine-api/raw-server.ts'
import { catalogueText, classId } from '../../../support/memory-class.ts'
import { contextWith, inspectedContainer, installation } from './hand-made.ts'

const studentId = 'SV001'

function makePlan(): SessionPlan {
  const catalogue = parseCatalogue(catalogueText())
  const { name, lab } = catalogue.findLab(catalogue.findClass(classId), undefined)
  return {
    classId,
    sessionId: '20260102t030405678z-00ff',
    subject: 'os101',
    lab: name,
    createdBy: 't-lan',
    expiresAt: '2026-01-02T06:04:05.678Z',
    frozenLab: { ...lab, name, imageId: 'sha256:image' },
  }
}

type Answer = Buffer | typeof lost

const plan = makePlan()
const volume = volumeName(classId, studentId, plan.sessionId)
const ours = { [label.installation]: installation, [label.session]: plan.sessionId }

/** Breaks the connection instead of an answer: what was asked for may have been done. */
const lost = 'lost'

/** An engine that answers `METHOD /path` as told, a list one by one, and has nothing else. */
async function serve(t: TestContext, told: Readonly<Record<string, Answer | readonly Answer[]>>) {
  const nothing = answerOf(404, JSON.stringify({ message: 'page not found' }))
  const callOf = ({ method, target }: { method: string; target: string }) =>
    `${method} ${target.replace(/^\/v[\d.]+/, '').replace(/\?.*$/, '')}`
  const answers = new Map(Object.entries(told).map(([call, answer]) => [call, [answer].flat()]))
  const { context, server } = await contextWith(t, (socket, request) => {
    const ofCall = answers.get(callOf(request)) ?? []
    const answer = (ofCall.length > 1 ? ofCall.shift() : ofCall[0]) ?? nothing
    if (answer === lost) socket.destroy()
    else socket.write(answer)
  })
  return { context, calls: () => server.requests.map(callOf), requests: server.requests }
}

const json = (status: number, body: object): Buffer => answerOf(status, JSON.stringify(body))

const isError = (code: RuntimeErrorCode) => (error: unknown) => error instanceof RuntimeError && error.code === code

const container = (labels: Readonly<Record<string, string>>) =>
  inspectedContainer('found', containerName(classId, studentId), labels)

async function pathsOf(context: DockerContext): Promise<string[]> {
  const paths: string[] = []
  for await (const { path } of archiveSandbox(context, 'c', '/home/student', new AbortController().signal)) {
    paths.push(path.toString())
  }
  return paths
}

const facts = { mode: 0o755, uid: 1000, gid: 1000, mtimeMs: 0 }
const workspace = { ...facts, name: 'student', type: 'directory' } as const

const archive = async (...things: TarInput[]): Promise<Buffer> => Buffer.concat(await collected(packTar(things)))

/** What the engine answers where the path is a symbolic link: that link and nothing behind it. */
async function linkArchive(): Promise<Buffer> {
  const tar = await archive({ ...facts, name: 'student', type: 'file' })
  tar.write('2elsewhere', 156)
  const sum = tar
    .fill(' ', 148, 156)
    .subarray(0, 512)
    .reduce((total, byte) => total + byte, 0)
  tar.write(`${sum.toString(8).padStart(6, '0')}\0`, 148)
  return tar
}

test('the entries of a workspace come with their paths from there', async (t) => {
  const tar = await archive(workspace, { ...facts, name: 'student/a', type: 'file', body: Buffer.from('work') })
  const { context } = await serve(t, { 'GET /containers/c/archive': answerOf(200, tar) })
  assert.deepEqual(await pathsOf(context), ['', 'a'])
})

test('a workspace or a sandbox that is not there is an error, never an empty workspace', async (t) => {
  for (const message of ['Could not find the file /home/student in container c', 'No such container: c']) {
    const { context } = await serve(t, { 'GET /containers/c/archive': json(404, { message }) })
    await assert.rejects(pathsOf(context), isError('archive'))
  }
})

test('a sandbox that never ran and was never given a workspace gets one, and no other does', async (t) => {
  const found = answerOf(200, await archive(workspace))
  const absent = json(404, { message: 'Could not find the file /home/student in container c' })
  const mine = { ...ours, [label.class]: classId, [label.student]: studentId }
  const reading = async (name: string, labels: Readonly<Record<string, string>>, StartedAt: string) => {
    const { Config, State, ...inspected } = inspectedContainer('c', name, labels)
    const { context, calls } = await serve(t, {
      'GET /containers/c/archive': [absent, found],
      'GET /containers/c/json': json(200, {
        ...inspected,
        Config: { ...Config, User: '1000:1000' },
        State: { ...State, StartedAt },
      }),
      'PUT /containers/c/archive': answerOf(200),
    })
    return { paths: pathsOf(context), calls }
  }
  const never = '0001-01-01T00:00:00Z'
  const own = containerName(classId, studentId)
  const { paths, calls } = await reading(own, mine, never)
  assert.deepEqual(await paths, [''])
  assert.deepEqual(calls(), [
    'GET /containers/c/archive',
    'GET /containers/c/json',
    'PUT /containers/c/archive',
    'GET /containers/c/archive',
  ])
  const others: Parameters<typeof reading>[] = [
    [own, mine, '2026-01-02T03:04:05Z'],
    // Around a volume that a container of the student's had before.
    [volume, mine, never],
    [own, ours, never],
  ]
  for (const other of others) {
    const { paths, calls } = await reading(...other)
    await assert.rejects(paths, isError('archive'))
    assert.equal(calls().includes('PUT /containers/c/archive'), false)
  }
})

test('a volume that holds nothing at all was made for a sandbox that never came to be, and is read as empty', async (t) => {
  const absent = json(404, { message: 'Could not find the file /home/student in container c' })
  const home = { ...facts, name: 'home', type: 'directory' } as const
  const { Config, ...inspected } = inspectedContainer('c', volume, {
    ...ours,
    [label.class]: classId,
    [label.student]: studentId,
  })
  const reading = async (...above: TarInput[]) => {
    const { context, calls } = await serve(t, {
      'GET /containers/c/archive': [
        absent,
        answerOf(200, await archive(home, ...above)),
        answerOf(200, await archive(workspace)),
      ],
      'GET /containers/c/json': json(200, { ...inspected, Config: { ...Config, User: '' } }),
      'PUT /containers/c/archive': answerOf(200),
    })
    return { paths: pathsOf(context), calls }
  }
  assert.deepEqual(await (await reading()).paths, [''])
  const { paths, calls } = await reading({ ...facts, name: 'home/student.old', type: 'directory' })
  await assert.rejects(paths, isError('archive'))
  assert.equal(calls().includes('PUT /containers/c/archive'), false)
})

test('a workspace that is no directory any more is an error, never an empty workspace', async (t) => {
  const elsewhere = await archive({ ...workspace, name: 'other' })
  for (const tar of [await linkArchive(), await archive({ ...workspace, type: 'file' }), elsewhere]) {
    const { context } = await serve(t, { 'GET /containers/c/archive': answerOf(200, tar) })
    await assert.rejects(pathsOf(context), isError('archive'))
  }
})

test('a directory too deep for the engine is an error, a file with as long a path is not', async (t) => {
  const pathOf = (length: number): string => 'd/'.repeat(length).slice(0, length - '/home/student/'.length)
  const served = async (length: number, type: 'directory' | 'file') => {
    const tar = await archive(workspace, { ...facts, name: `student/${pathOf(length)}`, type })
    return (await serve(t, { 'GET /containers/c/archive': answerOf(200, tar) })).context
  }
  assert.equal((await pathsOf(await served(3499, 'directory'))).length, 2)
  assert.equal((await pathsOf(await served(3501, 'file'))).length, 2)
  await assert.rejects(pathsOf(await served(3501, 'directory')), isError('archive'))
})

async function raise(context: DockerContext): Promise<{ done: RaisedSandbox; outcome: unknown }> {
  const done: RaisedSandbox = { containerId: undefined, createdVolume: undefined }
  const outcome = await raiseSandbox(context, plan, studentId, undefined, done).catch((error: unknown) => error)
  return { done, outcome }
}

test('a volume of our name that another service or another session made is not used, and not taken back', async (t) => {
  for (const labels of [{ ...ours, [label.installation]: 'other' }, { ...ours, [label.session]: 'earlier' }, null]) {
    const { context, calls } = await serve(t, {
      'POST /volumes/create': json(201, { Name: volume, Driver: 'local', Labels: labels }),
    })
    const { done, outcome } = await raise(context)
    assert.ok(isError('name-taken')(outcome), `${outcome}`)
    assert.deepEqual(done, { containerId: undefined, createdVolume: undefined })
    assert.deepEqual(calls(), ['POST /volumes/create'])
  }
})

test('a container of our name is adopted where it is the very one that was asked for, and else left alone', async (t) => {
  const same = { ...ours, [label.student]: studentId, [label.spec]: specHash(plan.frozenLab) }
  const inspect = `GET /containers/${containerName(classId, studentId)}/json`
  const raised = async (labels: Readonly<Record<string, string>>) => {
    const { context, calls } = await serve(t, {
      'POST /volumes/create': json(201, { Name: volume, Driver: 'local', Labels: ours }),
      'POST /containers/create': json(409, { message: 'The container name is already in use' }),
      [inspect]: json(200, container(labels)),
      'PUT /containers/found/archive': answerOf(200),
      'POST /containers/found/start': answerOf(204),
    })
    return { ...(await raise(context)), calls: calls().slice(2) }
  }
  const adopted = await raised(same)
  assert.deepEqual([adopted.outcome, adopted.done.containerId], [undefined, 'found'])
  assert.deepEqual(adopted.calls, [inspect, 'PUT /containers/found/archive', 'POST /containers/found/start'])
  for (const name of Object.keys(same)) {
    const { outcome, done, calls } = await raised({ ...same, [name]: 'another' })
    assert.ok(isError('name-taken')(outcome), `${name}: ${outcome}`)
    assert.deepEqual([done.containerId, calls], [undefined, [inspect]], name)
  }
})

const spec = specHash(plan.frozenLab)

test('a container with our labels and another specification is left alone, running or not', async (t) => {
  const { context, calls } = await serve(t, {})
  for (const state of ['running', 'exited', 'created'] as const) {
    const container = {
      id: 'c',
      name: 'c',
      isWrap: false,
      state,
      endpoint: undefined,
      spec: 'another',
      isDetached: false,
    }
    const held = { studentId, container, volume, collect: '' }
    const outcome = raiseSandbox(context, plan, studentId, held, { containerId: undefined, createdVolume: undefined })
    await assert.rejects(outcome, isError('name-taken'))
  }
  assert.deepEqual(calls(), [])
})

test('a sandbox that ended is started again, with the restart policy that a stop has taken away', async (t) => {
  const { context, calls, requests } = await serve(t, {
    'POST /containers/c/update': json(200, { Warnings: null }),
    'POST /containers/c/start': answerOf(204),
  })
  const container = {
    id: 'c',
    name: 'c',
    isWrap: false,
    state: 'exited',
    endpoint: undefined,
    spec,
    isDetached: false,
  } as const
  const held = { studentId, container, volume, collect: '' }
  await raiseSandbox(context, plan, studentId, held, { containerId: undefined, createdVolume: undefined })
  assert.deepEqual(calls(), ['POST /containers/c/update', 'POST /containers/c/start'])
  assert.deepEqual(JSON.parse(`${requests[0]?.body}`), { RestartPolicy: { Name: 'unless-stopped' } })
})

const classNetwork = `/networks/class-${plan.classId.toLowerCase()}`
/** Podman tells no IPRange: what says that a network is divided is the label that came with it. */
const networkWith = (Subnet: string, Labels: object = { [label.rawPackets]: 'false' }) =>
  json(200, { Id: 'n', Name: 'n', Driver: 'bridge', Internal: true, IPAM: { Config: [{ Subnet }] }, Labels })
const seated = { ...plan, seats: [{ studentId, number: 4 }] }
const detached = { id: 'c', name: 'c', isWrap: false, endpoint: undefined, spec, isDetached: true } as const

test('a sandbox that lost its network comes back into it at its own address, running or not', async (t) => {
  for (const state of ['exited', 'running'] as const) {
    const { context, calls, requests } = await serve(t, {
      [`GET ${classNetwork}`]: networkWith('10.9.0.0/24'),
      [`POST ${classNetwork}/connect`]: answerOf(200),
      'POST /containers/c/update': json(200, { Warnings: null }),
      'POST /containers/c/start': answerOf(204),
    })
    const held = { studentId, container: { ...detached, state }, volume, collect: '' }
    await raiseSandbox(context, seated, studentId, held, { containerId: undefined, createdVolume: undefined })
    const started = state === 'exited' ? ['POST /containers/c/update', 'POST /containers/c/start'] : []
    assert.deepEqual(calls(), [`GET ${classNetwork}`, `POST ${classNetwork}/connect`, ...started])
    const endpoint = { IPAMConfig: { IPv4Address: '10.9.0.7' } }
    assert.deepEqual(JSON.parse(`${requests[1]?.body}`), { Container: 'c', EndpointConfig: endpoint })
  }
})

test('in a network of the time before there were addresses of its own the engine chooses one', async (t) => {
  const { context, requests } = await serve(t, {
    [`GET ${classNetwork}`]: networkWith('10.9.0.0/24', {}),
    [`POST ${classNetwork}/connect`]: answerOf(200),
  })
  const held = { studentId, container: { ...detached, state: 'running' }, volume, collect: '' } as const
  await raiseSandbox(context, seated, studentId, held, { containerId: undefined, createdVolume: undefined })
  assert.deepEqual(JSON.parse(`${requests[1]?.body}`), { Container: 'c', EndpointConfig: {} })
})

test('a seat that the network has no address for, and an address that another took, are told in words', async (t) => {
  const held = { studentId, container: { ...detached, state: 'running' }, volume, collect: '' } as const
  const small = await serve(t, {
    [`GET ${classNetwork}`]: networkWith('10.9.0.0/29'),
  })
  const done = { containerId: undefined, createdVolume: undefined }
  await assert.rejects(raiseSandbox(small.context, seated, studentId, held, done), /CLASS_SUBNET_SIZE/)

  const taken = await serve(t, {
    'POST /containers/c/update': json(200, { Warnings: null }),
    'POST /containers/c/start': json(500, { message: 'Address already in use' }),
  })
  const stopped = { ...held, container: { ...detached, isDetached: false, state: 'exited' } } as const
  await assert.rejects(
    raiseSandbox(taken.context, seated, studentId, stopped, done),
    /taken by a container of another hand/,
  )
})

test('an engine that cannot write the restart policy does not keep a sandbox from being stopped', async (t) => {
  const full = json(500, { message: 'write /var/lib/docker/containers/c/.tmp: no space left on device' })
  const stopped = json(200, { ...container(ours), State: { ...container(ours).State, Status: 'exited' } })
  const { context, calls } = await serve(t, {
    'POST /containers/c/update': full,
    'POST /containers/c/stop': answerOf(204),
    'GET /containers/c/json': stopped,
  })
  assert.equal((await stopSandbox(context, 'c', 1)).exitCode, container(ours).State.ExitCode)
  assert.ok(calls().includes('POST /containers/c/stop'))
})

test('an engine that breaks off while it writes the policy is not taken for one that refuses', async (t) => {
  const refused = json(500, { message: 'no space left on device' })
  const { context } = await serve(t, {
    'POST /containers/c/update': [refused, lost],
    'POST /containers/c/stop': answerOf(204),
  })
  await assert.rejects(stopSandbox(context, 'c', 1), isEngineError)
})

const exited = { ...container(ours), State: { ...container(ours).State, Status: 'exited' } }

/** The calls by which a down changes the engine, and how the engine answers each where it was done already. */
const changes: [call: string, run: (context: DockerContext) => Promise<unknown>, again: Buffer][] = [
  [
    'DELETE /containers/c',
    (context) => removeSandboxContainer(context, 'c'),
    json(404, { message: 'No such container' }),
  ],
  ['DELETE /volumes/v', (context) => removeSandboxVolume(context, 'v'), json(404, { message: 'no such volume' })],
  ['DELETE /networks/n', (context) => closeNetwork(context, 'n'), json(404, { message: 'network n not found' })],
  ['POST /containers/c/update', (context) => stopSandbox(context, 'c', 1), json(200, {})],
  ['POST /containers/c/stop', (context) => stopSandbox(context, 'c', 1), answerOf(304)],
]

for (const [call, run, again] of changes) {
  test(`${call}: where its answer is lost it is asked for once more, and what was done counts as done`, async (t) => {
    const others = {
      'GET /containers/c/json': json(200, exited),
      'POST /containers/c/update': json(200, {}),
      'POST /containers/c/stop': answerOf(204),
    }
    const { context, calls } = await serve(t, { ...others, [call]: [lost, again] })
    await run(context)
    assert.equal(calls().filter((each) => each === call).length, 2)

    const gone = await serve(t, { ...others, [call]: lost })
    await assert.rejects(run(gone.context), (error) => isEngineError(error, 'unreachable'))
    assert.equal(gone.calls().filter((each) => each === call).length, 2, 'an engine that is gone is not asked for ever')
  })
}
