// The service's side of Traefik, over an engine in memory: what an up waits for, when Traefik is attached, what is told of it.

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { RuntimeError } from '../../../src/runtime/errors.ts'
import type { Traefik } from '../../../src/traefik/traefik.ts'
import { classId } from '../../support/memory-class.ts'
import { engineGone } from '../../support/memory-runtime.ts'
import { openService, problemOf } from '../../support/memory-service.ts'
import { setUpTraefik, signOf, traefikHeaders } from '../../support/memory-traefik.ts'

async function open(t: TestContext) {
  let traefik: Traefik | undefined
  const service = await openService(t, {}, undefined, undefined, (ofClass) => {
    traefik = setUpTraefik(ofClass)
  })
  assert.ok(traefik)
  const set = traefik
  t.after(() => set.stop())
  const ask = (headers: Record<string, string> = traefikHeaders) => service.get('/room/traefik', headers)
  const use = async (routes: { json(): unknown }) => {
    const { statusCode } = await service.get(signOf(routes.json()))
    assert.equal(statusCode, 200)
  }
  /** And uses at once what it is given. */
  const poll = async () => {
    const routes = await ask()
    if (routes.statusCode === 200) await use(routes)
    return routes
  }
  return { ...service, runtime: service.ofClass.runtime, traefik: set, ask, use, poll }
}

/** Polls until `work` has ended, as Traefik does. */
async function polled<T>(poll: () => Promise<unknown>, work: Promise<T>): Promise<T> {
  let ended = false
  const end = () => {
    ended = true
  }
  void work.then(end, end)
  // A poll alone leaves the up no turn.
  while (!ended) {
    await poll()
    await setImmediate()
  }
  return await work
}

test('an up answers when Traefik uses its routes, and then its endpoints are ready', async (t) => {
  const { traefik, ofClass, poll, get } = await open(t)
  traefik.start()
  const up = ofClass.up()
  const { students } = await polled(poll, up)
  assert.deepEqual(new Set(students.map(({ endpointState }) => endpointState)), new Set(['ready']))
  const { sandboxes } = (await get(`/room/classes/${classId}`)).json()
  assert.ok(sandboxes.every(({ endpointState }: { endpointState: string }) => endpointState === 'ready'))
})

test('an up answers not before Traefik uses its routes, however often it was given them', async (t) => {
  const { traefik, ofClass, ask, use, poll } = await open(t)
  traefik.start()
  const before = await poll()
  const up = ofClass.up()
  let ended = false
  void up.then(() => {
    ended = true
  })
  let routes = before
  while (signOf(routes.json()) === signOf(before.json())) {
    routes = await ask()
    await setImmediate()
  }
  for (let polls = 0; polls < 50; polls++) {
    await ask()
    await use(before)
    await setImmediate()
  }
  assert.equal(ended, false)
  await polled(poll, up)
})

test('what Traefik uses is known by the last that it shows, and by nothing once it ends or begins', async (t) => {
  const { traefik, ofClass, runtime, get, ask, use, poll } = await open(t)
  traefik.start()
  const { students } = await polled(poll, ofClass.up())
  const id = students[0]?.containerId ?? undefined
  const routes = await ask()
  assert.equal(signOf((await ask()).json()), signOf(routes.json()), 'routes that have not changed are the same ones')
  await use(routes)
  assert.equal(traefik.leadsTo(classId, id), true)
  for (const tell of runtime.watchers) tell('proxy')
  assert.equal(traefik.leadsTo(classId, id), false)
  assert.equal((await get('/room/traefik/in-use/anything')).statusCode, 200)
  assert.equal(traefik.leadsTo(classId, id), false)
  await ask()
  await use(routes)
  assert.equal(traefik.leadsTo(classId, id), true)
})

test('an up whose routes Traefik does not ask for answers all the same: its endpoints are pending', async (t) => {
  const { traefik, ofClass, poll } = await open(t)
  traefik.start()
  t.mock.method(traefik, 'hasRoutes', async () => false)
  const { students } = await ofClass.up()
  assert.deepEqual(new Set(students.map(({ endpointState }) => endpointState)), new Set(['pending']))
  await poll()
  assert.equal(traefik.leadsTo(classId, students[0]?.containerId ?? undefined), true)
})

test('who shows no token, or another one, is told nothing; where nobody shows the right one, that is told', async (t) => {
  const { traefik, ofClass, ask, poll } = await open(t)
  traefik.start()
  await polled(poll, ofClass.up())
  assert.equal(problemOf(await ask({})).code, 'not-authenticated')
  assert.equal(traefik.trouble(), undefined)
  const refused = await ask({ authorization: 'Bearer another-token-of-traefik' })
  assert.equal(problemOf(refused).code, 'not-authenticated')
  assert.ok(!refused.body.includes('os101'))
  assert.equal(traefik.trouble(), undefined, 'a stranger beside a Traefik that is well')
  const clock = performance.now.bind(performance)
  t.mock.method(performance, 'now', () => clock() + 12_000)
  await ask({ authorization: 'Bearer another-token-of-traefik' })
  assert.equal(traefik.trouble()?.code, 'refused')
  await poll()
  assert.equal(traefik.trouble(), undefined)
})

test('while the engine cannot be asked the poll is refused, rather than answered with fewer routes', async (t) => {
  const { traefik, ofClass, runtime, poll } = await open(t)
  traefik.start()
  await polled(poll, ofClass.up())
  const before = (await poll()).json()
  runtime.before = (event) => {
    if (event === 'survey') throw engineGone()
  }
  for (const tell of runtime.watchers) tell('sandboxes')
  const refused = await poll()
  assert.equal(refused.statusCode, 503)
  assert.equal(problemOf(refused).code, 'engine-unavailable')
  runtime.before = () => {}
  assert.deepEqual((await poll()).json(), before)
})

test('routes that have not changed cost the engine nothing', async (t) => {
  const { traefik, ofClass, runtime, poll } = await open(t)
  traefik.start()
  await polled(poll, ofClass.up())
  await poll()
  let surveys = 0
  runtime.before = (event) => {
    if (event === 'survey') surveys++
  }
  for (let asked = 0; asked < 20; asked++) await poll()
  assert.equal(surveys, 0)
})

test('a poll is answered though something happens on the engine again and again', async (t) => {
  const { traefik, ofClass, runtime, poll } = await open(t)
  traefik.start()
  await polled(poll, ofClass.up())
  let surveys = 0
  runtime.before = (event) => {
    if (event !== 'survey') return
    assert.ok(++surveys < 10, 'the poll asks the engine without end')
    for (const tell of runtime.watchers) tell('sandboxes')
  }
  for (const tell of runtime.watchers) tell('sandboxes')
  assert.equal((await poll()).statusCode, 200)
})

test('where Traefik is in trouble an up does not wait for it', async (t) => {
  const { traefik, ofClass, runtime } = await open(t)
  runtime.proxyState = { isRunning: false, version: undefined }
  await traefik.look()
  const never = new AbortController().signal
  assert.equal(await Promise.race([traefik.hasRoutes(never), setImmediate('it waits')]), false)
  const { students } = await ofClass.up()
  assert.deepEqual(new Set(students.map(({ endpointState }) => endpointState)), new Set(['pending']))
})

test('a Traefik that was made anew is attached at once, though the class has an operation and the store hangs', async (t) => {
  const { traefik, ofClass, runtime, poll } = await open(t)
  traefik.start()
  await polled(poll, ofClass.up())
  await traefik.look()
  const [network = ''] = runtime.networks.keys()
  ofClass.storeHooks = { before: () => new Promise(() => {}) }
  runtime.unattached.add(network)
  runtime.events.length = 0
  for (const tell of runtime.watchers) tell('proxy')
  await traefik.look()
  assert.deepEqual(runtime.events, [`attach-proxy ${network}`])
  await traefik.look()
  assert.equal(runtime.events.length, 1)
})

test('what is wrong with Traefik is told in the class’s state and in /readyz, until it is well', async (t) => {
  const { traefik, ofClass, runtime, ask, poll, get } = await open(t)
  await polled(poll, ofClass.up())
  const clock = performance.now.bind(performance)
  let passed = 0
  t.mock.method(performance, 'now', () => clock() + passed)
  const told = async () => {
    // An answer of /readyz is kept for a second.
    passed += 2_000
    await traefik.look()
    const { problem, sandboxes } = (await get(`/room/classes/${classId}`)).json()
    const ready = await get('/readyz')
    assert.equal(ready.statusCode, traefik.trouble() ? 503 : 200, ready.body)
    const state = problem ? 'pending' : 'ready'
    assert.ok(sandboxes.every((each: { endpointState: string }) => each.endpointState === state))
    return [problem?.code, traefik.troubleOf(classId)?.code]
  }
  await poll()
  assert.deepEqual(await told(), [undefined, undefined])

  runtime.proxyState = { isRunning: false, version: undefined }
  assert.deepEqual(await told(), ['traefik-unusable', 'stopped'])
  runtime.proxyState = { isRunning: true, version: '2.4.14' }
  assert.deepEqual(await told(), ['traefik-unusable', 'old'])
  runtime.proxyState = { isRunning: true, version: 'v3.6.1' }
  runtime.hasProxy = false
  assert.deepEqual(await told(), ['traefik-unusable', 'missing'])
  runtime.hasProxy = true
  runtime.unattached.add([...runtime.networks.keys()][0] ?? '')
  runtime.before = (event) => {
    if (event.startsWith('attach-proxy')) throw new RuntimeError('failed', 'The engine refused.')
  }
  assert.deepEqual(await told(), ['traefik-unusable', 'unattached'])
  assert.equal(traefik.trouble(), undefined)
  assert.equal(traefik.troubleOf('another-class'), undefined, 'it is told at its own class only')
  runtime.before = () => {}
  await poll()
  assert.deepEqual(await told(), [undefined, undefined])
  passed += 40_000
  assert.deepEqual(await told(), ['traefik-unusable', 'silent'])
  await ask()
  assert.deepEqual(await told(), ['traefik-unusable', 'unused'])
  await poll()
  assert.deepEqual(await told(), [undefined, undefined])
})

test('the page in the place of a sandbox is a 503 of that state, by every method and with any query', async (t) => {
  const { app } = await open(t)
  const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const
  for (const method of methods) {
    const url = '/room/traefik/starting?a=b'
    const payload = method === 'POST' ? { payload: 'x=1', headers: { 'content-type': 'text/odd' } } : {}
    const { statusCode, headers, body } = await app.inject({ method, url, ...payload })
    assert.equal(statusCode, 503, method)
    assert.match(headers['content-type']?.toString() ?? '', /^text\/html/)
    assert.match(body, /sandbox is starting/)
    assert.equal(headers['retry-after'], '5')
  }
  assert.match((await app.inject('/room/traefik/ill')).body, /does not answer as it should/)
  assert.match((await app.inject('/room/traefik/stopped')).body, /is stopped/)
  assert.equal((await app.inject('/room/traefik/other')).statusCode, 404)
})
