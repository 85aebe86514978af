// The proof that what is written in a sandbox comes out of it: what is asked of the engine, what refuses an up, what is
// remembered, and that nothing of it stays. The engine's answers are hand-made; a real runtime that keeps writes to itself is in test/live.

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { packTar } from '../../../../engine-api/index.ts'
import { label, proofName } from '../../../../src/names.ts'
import { closeNetwork } from '../../../../src/runtime/docker/network.ts'
import { proveCollection } from '../../../../src/runtime/docker/prove.ts'
import { proofBody } from '../../../../src/runtime/docker/sandbox-body.ts'
import type { SessionPlan } from '../../../../src/runtime/port.ts'
import { collected } from '../../../engine-api/cut.ts'
import { answerOf } from '../../../engine-api/raw-server.ts'
import { inspectedContainer, installation, isError, json, ours, plan, serve } from './hand-made.ts'

const name = proofName(plan.classId)
const labels = { ...ours, [label.proof]: 'true' }
const never = new AbortController().signal
const onGvisor: SessionPlan = { ...plan, frozenLab: { ...plan.frozenLab, runtime: 'runsc' } }

const info = (runtimeArgs: readonly string[] = []) =>
  json(200, {
    ServerVersion: '20.10.24',
    OperatingSystem: 'Debian',
    Driver: 'overlay2',
    MemTotal: 1,
    NCPU: 1,
    Runtimes: { runc: { path: 'runc' }, runsc: { path: 'runsc', runtimeArgs } },
    DefaultRuntime: 'runc',
  })

/** The workspace as the engine reads it; with `text`, a file of it as the proof writes it. */
async function workspace(text?: string): Promise<Buffer> {
  const facts = { mode: 0o755, uid: 1000, gid: 1000, mtimeMs: 0 }
  const written = { ...facts, name: 'student/written', type: 'file', body: Buffer.from(text ?? '') } as const
  const tar = packTar([{ ...facts, name: 'student', type: 'directory' }, ...(text === undefined ? [] : [written])])
  return answerOf(200, Buffer.concat(await collected(tar)))
}

const found = json(200, inspectedContainer('c', name, labels))
const foundVolume = (of: Readonly<Record<string, string>> = labels, status = 200) =>
  json(status, { Name: name, Driver: 'local', Mountpoint: '/v', Labels: of, Scope: 'local' })
const absent = json(404, { message: 'No such thing' })
const done = answerOf(204, '')

/** An engine on which nothing stands in the way, as far as `told` does not say otherwise. */
async function open(t: TestContext, told: Parameters<typeof serve>[1] = {}) {
  const served = await serve(t, {
    'GET /info': info(),
    [`GET /containers/${name}/json`]: [absent, found],
    [`GET /volumes/${name}`]: [absent, foundVolume()],
    'POST /volumes/create': foundVolume(labels, 201),
    'POST /containers/create': json(201, { Id: 'c' }),
    'PUT /containers/c/archive': answerOf(200, ''),
    'POST /containers/c/start': done,
    'POST /containers/c/wait': json(200, { StatusCode: 0 }),
    'GET /containers/c/archive': await workspace('word'),
    'POST /containers/c/stop': done,
    'DELETE /containers/c': done,
    [`DELETE /volumes/${name}`]: done,
    ...told,
  })
  const changes = () => served.calls().filter((call) => !/^(GET|HEAD) |archive$/.test(call))
  return { ...served, changes, prove: (of = plan) => proveCollection(served.context, of, never) }
}

const removals = ['POST /containers/c/stop', 'DELETE /containers/c', `DELETE /volumes/${name}`]
const whole = [
  'POST /volumes/create',
  'POST /containers/create',
  'POST /containers/c/start',
  'POST /containers/c/wait',
  ...removals,
]

test('a sandbox that never ran before writes a word, is read when it has ended, and is removed with its volume', async (t) => {
  const { prove, calls, changes } = await open(t)
  await prove()
  assert.deepEqual(changes(), whole)
  const order = calls().filter((call) => /archive$|start$|wait$/.test(call))
  assert.deepEqual(order, [
    'PUT /containers/c/archive',
    'POST /containers/c/start',
    'POST /containers/c/wait',
    'GET /containers/c/archive',
  ])
})

test('it has the walls of every sandbox, and is in no network', () => {
  const { Image, Entrypoint, Labels, User, HostConfig } = proofBody(installation, onGvisor, ['true'])
  assert.deepEqual([Image, Entrypoint, User], ['sha256:image', ['true'], '65534:65534'])
  assert.equal(Labels?.[label.student], undefined)
  assert.equal(Labels?.[label.proof], 'true')
  const { NetworkMode, CapDrop, SecurityOpt, ReadonlyRootfs, Runtime, RestartPolicy, Mounts } = HostConfig ?? {}
  assert.deepEqual(
    [NetworkMode, CapDrop, SecurityOpt, ReadonlyRootfs, Runtime, RestartPolicy],
    ['none', ['ALL'], ['no-new-privileges'], true, 'runsc', { Name: 'no' }],
  )
  assert.deepEqual(
    Mounts?.map(({ Source, Target }) => [Source, Target]),
    [[name, '/home']],
  )
})

for (const [what, text] of [
  ['nothing', undefined],
  ['an empty file', ''],
] as const) {
  test(`where ${what} comes out, the runtime is refused, with what to do, and nothing stays`, async (t) => {
    const { prove, changes } = await open(t, { 'GET /containers/c/archive': await workspace(text) })
    await assert.rejects(
      prove(onGvisor),
      (error) => isError('runtime-unfit')(error) && /'runsc'.*would be lost.*operator.*--overlay2/.test(String(error)),
    )
    assert.deepEqual(changes(), whole)
    await assert.rejects(prove(onGvisor), isError('runtime-unfit'), 'a failure is not remembered')
  })
}

test('a workspace that cannot be written to is told as such', async (t) => {
  const { prove } = await open(t, { 'POST /containers/c/wait': json(200, { StatusCode: 1 }) })
  await assert.rejects(prove(), (error) => isError('runtime-unfit')(error) && /exit code 1/.test(String(error)))
})

test('an image without a shell is let through on runc alone', async (t) => {
  const { prove } = await open(t, { 'POST /containers/c/wait': json(200, { StatusCode: 127 }) })
  await prove()
  await assert.rejects(prove(onGvisor), isError('image-unfit'))
})

test('a proof is remembered for its runtime, until the engine says that this is set otherwise', async (t) => {
  const { prove, changes } = await open(t, {
    'GET /info': [info(), info(), info(), info(['--overlay2=all:memory'])],
    [`GET /containers/${name}/json`]: [absent, found, absent, absent, found, absent, found],
    [`GET /volumes/${name}`]: [absent, foundVolume(), absent, absent, foundVolume(), absent, foundVolume()],
  })
  await prove()
  await prove()
  assert.deepEqual(changes(), whole)
  await prove(onGvisor)
  assert.deepEqual(changes(), [...whole, ...whole], 'another runtime')
  await prove(onGvisor)
  assert.deepEqual(changes(), [...whole, ...whole, ...whole], 'the same with another argument')
})

test('a proof is not remembered for ever: the program of a runtime may have become another one', async (t) => {
  const { prove, changes } = await open(t, {
    [`GET /containers/${name}/json`]: [absent, found, absent, found],
    [`GET /volumes/${name}`]: [absent, foundVolume(), absent, foundVolume()],
  })
  await prove()
  const now = performance.now()
  t.mock.method(performance, 'now', () => now + 3_600_000)
  await prove()
  assert.deepEqual(changes(), [...whole, ...whole])
})

test('classes that come up at once share one proof, and who waited for one that failed makes their own', async (t) => {
  const { prove, changes } = await open(t, { [`GET /containers/${name}/json`]: [absent, absent, found] })
  await Promise.all([prove(), prove()])
  assert.equal(changes().filter((call) => call === 'POST /containers/create').length, 1)
  const failing = await open(t, {
    [`GET /containers/${name}/json`]: absent,
    'POST /containers/create': [json(500, { message: 'no' }), json(201, { Id: 'c' })],
  })
  const both = await Promise.allSettled([failing.prove(), failing.prove()])
  assert.deepEqual(both.map(({ status }) => status).toSorted(), ['fulfilled', 'rejected'])
})

test('what an interrupted proof left goes before the next one, and with the network', async (t) => {
  const left = { [`GET /containers/${name}/json`]: found, [`GET /volumes/${name}`]: foundVolume() }
  const { prove, changes } = await open(t, left)
  await prove()
  assert.deepEqual(changes(), [...removals, ...whole])
  const network = {
    Id: 'n',
    Name: 'class',
    Driver: 'bridge',
    Internal: true,
    IPAM: { Config: [] },
    Labels: { [label.class]: plan.classId },
  }
  const closing = await open(t, { ...left, 'GET /networks/n': json(200, network), 'DELETE /networks/n': done })
  await closeNetwork(closing.context, 'n')
  assert.deepEqual(closing.changes(), [...removals, 'DELETE /networks/n'])
})

test("what another hand has under the proof's name is left alone, and never read as a proof", async (t) => {
  const foreign = json(200, inspectedContainer('theirs', name, { [label.installation]: installation }))
  const { prove, changes } = await open(t, {
    [`GET /containers/${name}/json`]: foreign,
    [`GET /volumes/${name}`]: foundVolume({}),
    'POST /volumes/create': foundVolume({}, 201),
  })
  await assert.rejects(prove(), isError('name-taken'))
  assert.deepEqual(changes(), ['POST /volumes/create'])
})
