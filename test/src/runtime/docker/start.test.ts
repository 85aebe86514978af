// A sandbox that is made where the engine has other things than expected: foreign volumes and containers are never taken for the
// student's. The engine's answers are hand-made; what goes well runs on recorded ones.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { specHash } from '../../../../src/catalogue/frozen-lab.ts'
import { containerName, label } from '../../../../src/names.ts'
import { startSandbox } from '../../../../src/runtime/docker/start.ts'
import { type HeldSandbox, withoutRunner } from '../../../../src/runtime/held.ts'
import { answerOf } from '../../../engine-api/raw-server.ts'
import { container, inspectedContainer, isError, json, ours, plan, serve, studentId, volume } from './hand-made.ts'

const { classId } = plan

test('a volume of our name that another service or another session made is not used, and not taken back', async (t) => {
  for (const labels of [{ ...ours, [label.installation]: 'other' }, { ...ours, [label.session]: 'earlier' }, null]) {
    const { context, calls } = await serve(t, {
      'POST /volumes/create': json(201, { Name: volume, Driver: 'local', Labels: labels }),
    })
    const started = await startSandbox(context, plan, studentId, undefined)
    assert.ok(isError('name-taken')(started.fault), `${started.fault}`)
    assert.deepEqual([started.id, started.madeFiles], [undefined, undefined])
    assert.deepEqual(calls(), ['POST /volumes/create'])
  }
})

test('a container of our name is adopted where it is the very one that was asked for, and else left alone', async (t) => {
  const same = { ...ours, [label.student]: studentId, [label.spec]: specHash(plan.frozenLab) }
  const inspect = `GET /containers/${containerName(classId, studentId)}/json`
  const startedWith = async (labels: Readonly<Record<string, string>>) => {
    const { context, calls } = await serve(t, {
      'POST /volumes/create': json(201, { Name: volume, Driver: 'local', Labels: ours }),
      'POST /containers/create': json(409, { message: 'The container name is already in use' }),
      [inspect]: json(200, container(labels)),
      'PUT /containers/found/archive': answerOf(200),
      'POST /containers/found/start': answerOf(204),
    })
    return { ...(await startSandbox(context, plan, studentId, undefined)), calls: calls().slice(2) }
  }
  const adopted = await startedWith(same)
  assert.deepEqual([adopted.fault, adopted.id], [undefined, 'found'])
  assert.deepEqual(adopted.calls, [inspect, 'PUT /containers/found/archive', 'POST /containers/found/start'])
  for (const name of Object.keys(same)) {
    const { fault, id, calls } = await startedWith({ ...same, [name]: 'another' })
    assert.ok(isError('name-taken')(fault), `${name}: ${fault}`)
    assert.deepEqual([id, calls], [undefined, [inspect]], name)
  }
})

const held: HeldSandbox = {
  ...withoutRunner({ studentId, files: volume, collect: '' }),
  state: 'exited',
  id: 'c',
  name: 'c',
  filesOnly: false,
  spec: specHash(plan.frozenLab),
}

test('a container with our labels and another specification is left alone, running or not', async (t) => {
  const { context, calls } = await serve(t, {})
  for (const state of ['running', 'exited', 'created'] as const) {
    const { fault } = await startSandbox(context, plan, studentId, { ...held, state, spec: 'another' })
    assert.ok(isError('name-taken')(fault), `${fault}`)
  }
  assert.deepEqual(calls(), [])
})

test('a sandbox that ended is started again, with the restart policy that a stop has taken away', async (t) => {
  const { context, calls, requests } = await serve(t, {
    'POST /containers/c/update': json(200, { Warnings: null }),
    'POST /containers/c/start': answerOf(204),
  })
  await startSandbox(context, plan, studentId, held)
  assert.deepEqual(calls(), ['POST /containers/c/update', 'POST /containers/c/start'])
  assert.deepEqual(JSON.parse(`${requests[0]?.body}`), { RestartPolicy: { Name: 'unless-stopped' } })
})

test('an image that has another id on this engine is taken by its digest; without one it is missing', async (t) => {
  const imageDigest = `busybox@sha256:${'7'.repeat(64)}`
  for (const [digest, answers, images, code] of [
    [imageDigest, [json(404, { message: 'No such image' }), json(201, { Id: 'made' })], ['sha256:image', imageDigest]],
    [imageDigest, [json(404, { message: 'No such image' })], ['sha256:image', imageDigest], 'image-missing'],
    [undefined, [json(404, { message: 'No such image' })], ['sha256:image'], 'image-missing'],
    [imageDigest, [json(201, { Id: 'made' })], ['sha256:image']],
  ] as const) {
    const { context, requests } = await serve(t, {
      'POST /volumes/create': json(201, { Name: volume, Driver: 'local', Labels: ours }),
      'POST /containers/create': answers,
      'PUT /containers/made/archive': answerOf(200),
      'POST /containers/made/start': answerOf(204),
    })
    const frozenLab = { ...plan.frozenLab, ...(digest === undefined ? {} : { imageDigest: digest }) }
    const { id, fault } = await startSandbox(context, { ...plan, frozenLab }, studentId, undefined)
    const asked = requests.filter(({ target }) => target.includes('/containers/create'))
    assert.deepEqual(
      asked.map(({ body }) => JSON.parse(`${body}`).Image),
      images,
    )
    if (code) assert.ok(isError(code)(fault), `${fault}`)
    else assert.deepEqual([id, fault], ['made', undefined])
  }
})

test('one that the survey saw before its first start, and that has run meanwhile, gets nothing put into it', async (t) => {
  const contents = async function* () {
    yield* []
    assert.fail('contents were read')
  }
  const inspected = inspectedContainer('c', 'c', {})
  const ran = { ...inspected, State: { ...inspected.State, Running: true, StartedAt: '2026-01-02T03:04:05Z' } }
  const inspect = 'GET /containers/c/json'
  const answers = {
    'PUT /containers/c/archive': answerOf(200),
    'POST /containers/c/update': json(200, { Warnings: null }),
    'POST /containers/c/start': answerOf(304),
  }
  const seen = { ...held, state: 'created' as const }
  const late = await serve(t, { ...answers, [inspect]: json(200, ran) })
  assert.equal((await startSandbox(late.context, plan, studentId, seen, contents)).fault, undefined)
  assert.deepEqual(late.calls(), [inspect, 'POST /containers/c/update', 'POST /containers/c/start'])
  const early = await serve(t, { ...answers, [inspect]: json(200, inspected) })
  assert.equal((await startSandbox(early.context, plan, studentId, seen)).fault, undefined)
  assert.deepEqual(early.calls(), [inspect, 'PUT /containers/c/archive', 'POST /containers/c/start'])
})

const classNetwork = `/networks/class-${plan.classId.toLowerCase()}`
/** Podman tells no IPRange: what says that a network is divided is the label that came with it. */
const networkWith = (Subnet: string, Labels: object = { [label.rawPackets]: 'false' }) =>
  json(200, { Id: 'n', Name: 'n', Driver: 'bridge', Internal: true, IPAM: { Config: [{ Subnet }] }, Labels })
const seated = { ...plan, seats: [{ studentId, number: 4 }] }
const detached = { ...held, isDetached: true }

test('a sandbox that lost its network comes back into it at its own address, running or not', async (t) => {
  for (const state of ['exited', 'running'] as const) {
    const { context, calls, requests } = await serve(t, {
      [`GET ${classNetwork}`]: networkWith('10.9.0.0/24'),
      [`POST ${classNetwork}/connect`]: answerOf(200),
      'POST /containers/c/update': json(200, { Warnings: null }),
      'POST /containers/c/start': answerOf(204),
    })
    await startSandbox(context, seated, studentId, { ...detached, state })
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
  await startSandbox(context, seated, studentId, { ...detached, state: 'running' })
  assert.deepEqual(JSON.parse(`${requests[1]?.body}`), { Container: 'c', EndpointConfig: {} })
})

test('a seat that the network has no address for, and an address that another took, are told in words', async (t) => {
  const small = await serve(t, {
    [`GET ${classNetwork}`]: networkWith('10.9.0.0/29'),
  })
  const unseated = await startSandbox(small.context, seated, studentId, { ...detached, state: 'running' })
  assert.match(`${unseated.fault}`, /CLASS_SUBNET_SIZE/)

  const taken = await serve(t, {
    'POST /containers/c/update': json(200, { Warnings: null }),
    'POST /containers/c/start': json(500, { message: 'Address already in use' }),
  })
  const { fault } = await startSandbox(taken.context, seated, studentId, held)
  assert.match(`${fault}`, /taken by a container of another hand/)
})
