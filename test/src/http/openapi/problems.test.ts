// Every problem that the document lists for a call is one that the call gives: each is provoked here, on every call that lists
// it, and each answer is held against the document (memory-service.ts).

import assert from 'node:assert/strict'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { LightMyRequestResponse } from 'fastify'
import type { AuthConfig } from '../../../../src/config/auth.ts'
import { limit } from '../../../../src/http/limits/rate-limit.ts'
import type { ProblemCode } from '../../../../src/problems.ts'
import { RuntimeError } from '../../../../src/runtime/errors.ts'
import { noSubnetAdvice } from '../../../../src/runtime/room.ts'
import { StoreError } from '../../../../src/store/port.ts'
import { becomeAnotherEngine, becomeAnotherStore } from '../../../support/another-place.ts'
import { readContract } from '../../../support/contract.ts'
import { type Call, callsOf, goodRequest, type Request, send } from '../../../support/contract-calls.ts'
import { catalogueText, classId, type MemoryClass } from '../../../support/memory-class.ts'
import { engineGone } from '../../../support/memory-runtime.ts'
import { type MemoryService, openService, problemOf } from '../../../support/memory-service.ts'
import { setUpTraefik, traefikHeaders } from '../../../support/memory-traefik.ts'
import { goodClaims, newRsaKey, portalAuth, signToken } from '../../../support/tokens.ts'

/** Asks one call so that it gives the problem. Services last as long as `t`. */
type Provoke = (t: TestContext, call: Call) => Promise<LightMyRequestResponse>

const noKeys: AuthConfig = {
  kind: 'jwt',
  key: { kind: 'jwks', url: 'http://127.0.0.1:1/keys' },
  issuer: undefined,
  audience: undefined,
}

const ask = (service: MemoryService, { name, ...call }: Call, change: Request = {}) => {
  const { params, body, headers } = goodRequest(name)
  return send(
    service,
    { name, ...call },
    {
      params: { ...params, ...change.params },
      body: { ...body, ...change.body },
      headers: { ...headers, ...change.headers },
      ...(change.query === undefined ? {} : { query: change.query }),
    },
  )
}

/** Asks all calls, with a change, of one service to which something was done. */
function after(
  arrange: (service: MemoryService) => unknown,
  change: Request | ((call: Call) => Request) = {},
  auth?: AuthConfig,
): Provoke {
  let opened: Promise<MemoryService> | undefined
  const open = async (t: TestContext, setUp?: (ofClass: MemoryClass) => unknown) => {
    const service = await openService(t, {}, auth, undefined, setUp)
    await arrange(service)
    return service
  }
  return async (t, call) => {
    const asked = typeof change === 'function' ? change(call) : change
    if (call.name !== 'traefik-routes') {
      opened ??= open(t)
      return await ask(await opened, call, asked)
    }
    // Else an up would wait for its polls.
    return await ask(await open(t, setUpTraefik), call, { ...asked, headers: { ...traefikHeaders, ...asked.headers } })
  }
}
const nothing = () => {}

const withCatalogue = (change: (catalogue: ReturnType<typeof parse>) => object, request?: Request) =>
  after(({ editCatalogue }) => editCatalogue(JSON.stringify(change(parse()))), request)
const parse = () => JSON.parse(catalogueText())

const withAuth = (auth: AuthConfig, headers: Record<string, string>) => after(nothing, { headers }, auth)

const fails = (beginning: string, error: Error) => (event: string) => {
  if (event.startsWith(beginning)) throw error
}

const cutArchive = new RuntimeError('archive', 'The archive was cut short.')

async function wentDown({ ofClass }: MemoryService): Promise<string> {
  const { sessionId } = await ofClass.up({ students: ['SV001'] })
  await ofClass.down()
  return sessionId
}

const oneRoster = (students: readonly string[]) => (catalogue: ReturnType<typeof parse>) => ({
  ...catalogue,
  classes: { [classId]: { ...catalogue.classes[classId], students } },
})

const provoke: Record<Exclude<ProblemCode, 'too-many-requests' | 'method-not-allowed'>, Provoke> = {
  internal: after(async ({ app, get }) => {
    let isFaulty = false
    app.addHook('onRequest', async () => {
      if (isFaulty) throw new TypeError('nobody foresaw this')
    })
    await get('/healthz')
    isFaulty = true
  }),
  'not-authenticated': withAuth(portalAuth, { authorization: '' }),
  'keys-unavailable': withAuth(noKeys, {
    authorization: `Bearer ${signToken('RS256', newRsaKey().privateKey, goodClaims(), { kid: 'of-the-issuer' })}`,
  }),
  // Of teachers and their classes, access.test.ts knows more.
  forbidden: after(nothing, { headers: { host: 'portal.example' } }),
  'invalid-request': after(nothing, ({ method }) =>
    method === 'POST' ? { body: { image: 'busybox' } } : { query: '?verbose=1' },
  ),
  'payload-too-large': after(nothing, { body: { classId: 'x'.repeat(1024 * 1024) } }),
  'unsupported-media-type': after(nothing, { headers: { 'content-type': 'text/csv' } }),
  'not-found': after(nothing, { params: { asset: 'gone' } }),
  'operation-in-progress': async (t, call) => {
    const service = await openService(t)
    const release = service.ofClass.runtime.hold('survey')
    await service.post('/room/up-class', { classId, ttlMinutes: 7 }, { prefer: 'respond-async' })
    const response = await ask(service, call)
    const running = service.actions.operations.runningFor(classId)
    release()
    await running?.ended
    return response
  },
  'shutting-down': after(({ actions }) => actions.operations.stop()),
  'engine-unavailable': after(
    ({ ofClass }) => {
      ofClass.runtime.before = () => {
        throw engineGone()
      }
    },
    // How a class is spelled is asked of the engine only where neither the catalogue nor the store knows it.
    ({ path }) => ({ params: { classId: path.includes('/sessions') ? 'none' : classId } }),
  ),
  'store-unavailable': async (t, call) => {
    const service = await openService(t)
    await service.ofClass.up()
    service.ofClass.storeHooks = {
      before(_method, key) {
        // What cannot be given up is the bag; without its record a session is told of as one that is kept.
        if (call.name === 'discard-student' && !key.includes('SV001')) return
        throw new StoreError('unreachable', 'connect ECONNREFUSED')
      },
    }
    return await ask(service, call)
  },
  'unknown-class': after(nothing, { params: { classId: 'none' }, body: { classId: 'none' } }),
  'unknown-lab': after(nothing, { body: { lab: 'none' } }),
  'unknown-student': after(
    ({ ofClass }) => ofClass.up(),
    ({ name }) => ({
      params: { studentId: 'SV999' },
      body: name.endsWith('-student') ? { studentId: 'SV999' } : { students: ['SV999'] },
    }),
  ),
  'duplicate-student': after(({ ofClass }) => ofClass.up(), { body: { students: ['SV001', 'sv001'] } }),
  'lab-not-allowed': withCatalogue(
    ({ labs, classes }) => ({
      labs,
      classes,
      subjects: { os101: { labs: ['linux-shell'] } },
    }),
    { body: { lab: 'other' } },
  ),
  'roster-empty': withCatalogue(oneRoster([])),
  'class-too-large': withCatalogue(oneRoster(Array.from({ length: 11 }, (_, index) => `SV${index}`))),
  'quota-exceeded': withCatalogue((catalogue) => ({
    ...catalogue,
    subjects: { os101: { ...catalogue.subjects.os101, quota: { students: 2 } } },
  })),
  'host-full': after(({ ofClass }) => {
    ofClass.runtime.host = { memoryMb: 256, hasFreeSubnet: true }
  }),
  'subnets-exhausted': async (t, call) => {
    const service = await openService(t)
    if (call.name === 'reset-student') {
      await service.ofClass.up()
      service.ofClass.runtime.before = fails('attach-proxy', new RuntimeError('subnets-exhausted', noSubnetAdvice))
    }
    service.ofClass.runtime.host = { memoryMb: 65_536, hasFreeSubnet: false }
    return await ask(service, call)
  },
  'uids-exhausted': after(async ({ ofClass }) => {
    ofClass.sandboxUids.last = ofClass.sandboxUids.first
  }),
  'traefik-missing': async (t, call) => {
    const service = await openService(t)
    if (call.name === 'reset-student') await service.ofClass.up()
    const event = call.name === 'reset-student' ? 'attach-proxy' : 'room'
    const missing = new RuntimeError('proxy-missing', 'There is no container named traefik.')
    service.ofClass.runtime.before = fails(event, missing)
    return await ask(service, call)
  },
  'lab-image-missing': after(({ ofClass }) => ofClass.runtime.images.clear()),
  'lab-image-unfit': async (t, call) => {
    const service = await openService(t)
    if (call.name === 'reset-student') await service.ofClass.up()
    const { runtime } = service.ofClass
    runtime.before = fails('prove', new RuntimeError('image-unfit', "The image has no 'sh'."))
    return await ask(service, call)
  },
  'lab-runtime-unfit': async (t, call) => {
    const service = await openService(t)
    if (call.name === 'reset-student') await service.ofClass.up()
    service.ofClass.runtime.keepsWrites = true
    return await ask(service, call)
  },
  'lab-runtime-missing': withCatalogue(({ labs, ...rest }) => ({
    ...rest,
    labs: { ...labs, 'linux-shell': { ...labs['linux-shell'], runtime: 'runsc' } },
  })),
  'lab-differs': after(({ ofClass }) => ofClass.up(), { body: { lab: 'other' } }),
  'down-unfinished': after(async ({ ofClass, post }) => {
    await ofClass.up()
    ofClass.runtime.before = fails('archive SV002', cutArchive)
    await post('/room/down-class', { classId })
  }),
  'class-not-up': async (t, call) => {
    const service = await openService(t)
    if (call.name !== 'up-class') return await ask(service, call)
    // The up of a process that died, which a repeat of its call joins, and which a down overtook in another process.
    const { ofClass, actions, app } = service
    const { sessionId } = await ofClass.up()
    const record = (await ofClass.record(sessionId)) ?? assert.fail('no record')
    const order = { by: 'tester', at: '', students: ['SV001', 'SV002', 'SV003'], ttlMinutes: 180, allowPartial: false }
    const caller = { actor: 'sweep', requestId: 'f2d8ee1e-8cb2-4a1f-a4c3-b1b0a4a0d2c1', log: app.log }
    await ofClass.down()
    actions.finishUp(record, order, caller)
    return await ask(service, call)
  },
  'restore-failed': async (t, call) => {
    const service = await openService(t)
    await service.ofClass.up()
    const { students } = (await service.post('/room/collect-class', { classId, students: ['SV001'] })).json()
    const [{ bag }] = students
    await writeFile(join(service.ofClass.folder, bag, 'meta/submission.json'), '{}')
    return await ask(service, call, { body: { restore: bag.split('/').at(-2) } })
  },
  'up-failed': async (t, call) => {
    const service = await openService(t)
    if (call.name === 'reset-student') await service.ofClass.up()
    service.ofClass.runtime.startsAs.set('SV001', 'exited')
    return await ask(service, call)
  },
  'collect-failed': async (t, call) => {
    const service = await openService(t)
    await service.ofClass.up()
    // What cannot be collected is just what is given up: there only the removal can fail.
    const isDiscard = call.name === 'discard-student'
    service.ofClass.runtime.before = isDiscard
      ? fails('remove-container', new RuntimeError('failed', 'The engine refused.'))
      : fails('archive SV001', cutArchive)
    return await ask(service, call)
  },
  'store-changed': after(async ({ ofClass }) => {
    const { sessionId } = await ofClass.up()
    await becomeAnotherStore(ofClass, sessionId)
  }),
  'engine-changed': after(async ({ ofClass }) => {
    await ofClass.up()
    becomeAnotherEngine(ofClass.runtime)
  }),
  'unknown-session': after(nothing),
  'unknown-collection': after(({ ofClass }) => ofClass.up(), { body: { restore: 'final' } }),
  'unknown-operation': after(nothing),
  'range-not-satisfiable': async (t, call) => {
    const service = await openService(t)
    const change = { params: { sessionId: await wentDown(service), key: 'bagit.txt' }, headers: { range: 'bytes=55-' } }
    return await ask(service, call, change)
  },
  'unknown-file': async (t, call) => {
    const service = await openService(t)
    const sessionId = await wentDown(service)
    const bag = join(service.ofClass.studentFolder(sessionId, 'SV001'), 'final')
    await rm(join(bag, 'meta/submission.json'))
    return await ask(service, call, { params: { sessionId, key: 'gone' } })
  },
}

const listedCalls = async ({ get }: MemoryService): Promise<Call[]> =>
  callsOf(readContract((await get('/openapi.json')).body).document)

test('too many requests are refused on every call', async (t) => {
  const service = await openService(t)
  const calls = await listedCalls(service)
  // No bucket fills up again.
  t.mock.method(performance, 'now', () => 1e9)
  for (let asked = 0; asked < limit.burst; asked++) await service.app.inject({ url: '/gone' })
  for (const call of calls) {
    assert.ok(call.codes.includes('too-many-requests'), call.name)
    assert.equal(problemOf(await ask(service, call)).code, 'too-many-requests')
  }
})

test('every other problem is provoked on every call that lists it', async (t) => {
  const calls = await listedCalls(await openService(t))
  for (const [code, provoked] of Object.entries(provoke)) {
    const listing = calls.filter(({ codes }) => codes.includes(code))
    assert.ok(listing.length > 0, `no call lists ${code}`)
    for (const call of listing) {
      await t.test(`${code} of ${call.name}`, async () => {
        const response = await provoked(t, call)
        const problem = problemOf(response)
        assert.equal(problem.code, code, problem.detail)
      })
    }
  }
})
