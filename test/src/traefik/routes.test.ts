// The routes that Traefik is given, by the state of each sandbox.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { absentSandbox, type HeldSandbox, type HeldSession, type SandboxState } from '../../../src/runtime/held.ts'
import { routesOf, withSign } from '../../../src/traefik/routes.ts'

const proxy = {
  container: 'traefik',
  token: 'a-token-of-traefik',
  entrypoints: 'web, websecure',
  middlewares: 'sign-in@file',
  labDomain: 'lab.example',
  sandboxes: '10.201.0.0/16',
}
const pages = 'http://service:8080'

const sandbox = (studentId: string, state: SandboxState, change: Partial<HeldSandbox> = {}): HeldSandbox => ({
  ...absentSandbox(studentId),
  state,
  id: `id-${studentId}`,
  server: 'http://10.201.0.3:8080',
  ...change,
})

const session = (...sandboxes: HeldSandbox[]): HeldSession => ({
  classId: 'OS101-A',
  sessionId: '20260102t030405678z-00ff',
  subject: 'os101',
  lab: 'linux-shell',
  createdBy: 't-lan',
  expiresAt: '2026-01-02T06:04:05.678Z',
  network: undefined,
  sandboxes,
})

const routerOf = (held: HeldSandbox) => routesOf(proxy, [session(held)], pages).http.routers?.['class-os101-a--sv001']

test('a sandbox that runs is the whole of this document', () => {
  assert.deepEqual(routesOf(proxy, [session(sandbox('SV001', 'running'))], pages), {
    http: {
      routers: {
        'class-os101-a--sv001': {
          rule: 'Host(`sv001--os101-a.lab.example`)',
          entryPoints: ['web', 'websecure'],
          service: 'class-os101-a--sv001',
          middlewares: ['sign-in@file'],
        },
        'class-os101-a--sv001--inside': {
          rule: 'Host(`sv001--os101-a.lab.example`) && ClientIP(`10.201.0.0/16`)',
          entryPoints: ['web', 'websecure'],
          service: 'noop@internal',
        },
      },
      services: { 'class-os101-a--sv001': { loadBalancer: { servers: [{ url: 'http://10.201.0.3:8080' }] } } },
    },
  })
})

test('a frozen sandbox keeps its route as it is', () => {
  assert.deepEqual(routerOf(sandbox('SV001', 'paused')), routerOf(sandbox('SV001', 'running')))
})

test('a sandbox that cannot be visited keeps its name, behind the operator’s middlewares, and leads to its page', () => {
  const pageOf = {
    ...{ starting: 'starting', restarting: 'starting', unhealthy: 'ill', exited: 'stopped', created: 'stopped' },
    ...{ dead: 'stopped', removing: 'stopped', missing: 'stopped' },
  } as const
  for (const [state, page] of Object.entries(pageOf)) {
    const held = Object.keys(pageOf).find((each): each is keyof typeof pageOf => each === state) ?? assert.fail()
    const { http } = routesOf(proxy, [session(sandbox('SV001', held))], pages)
    const router = http.routers?.['class-os101-a--sv001']
    assert.equal(router?.rule, 'Host(`sv001--os101-a.lab.example`)')
    assert.deepEqual(router.middlewares, ['sign-in@file', `class-runtime-${page}`], state)
    assert.deepEqual(http.middlewares, {
      [`class-runtime-${page}`]: { replacePath: { path: `/room/traefik/${page}` } },
    })
    assert.deepEqual(http.services, { [router.service]: { loadBalancer: { servers: [{ url: pages }] } } })
    assert.equal(http.routers?.['class-os101-a--sv001--inside']?.service, 'noop@internal')
  }
})

test('without an address, or outside its class network, a sandbox is not led to', () => {
  const service = routerOf(sandbox('SV001', 'exited'))?.service
  assert.equal(routerOf(sandbox('SV001', 'running', { server: undefined }))?.service, service)
  assert.equal(routerOf(sandbox('SV001', 'running', { isDetached: true }))?.service, service)
})

test('of two sessions that hold a student, the one that can be visited is led to', () => {
  const old = session(sandbox('SV001', 'exited'))
  const now = session(sandbox('SV001', 'running'))
  for (const sessions of [
    [old, now],
    [now, old],
  ]) {
    assert.deepEqual(routesOf(proxy, sessions, pages), routesOf(proxy, [now], pages))
  }
})

test('of two classes with one student each name leads to the sandbox of its own class', () => {
  const other = sandbox('SV001', 'running', { id: 'another', server: 'http://10.201.1.3:8080' })
  const sessions = [session(sandbox('SV001', 'running')), { ...session(other), classId: 'OS101-B' }]
  const { routers = {}, services = {} } = routesOf(proxy, sessions, pages).http
  const led = Object.values(routers)
    .filter(({ service }) => service !== 'noop@internal')
    .map(({ rule, service }) => [rule, services[service]?.loadBalancer.servers])
  assert.deepEqual(led, [
    ['Host(`sv001--os101-a.lab.example`)', [{ url: 'http://10.201.0.3:8080' }]],
    ['Host(`sv001--os101-b.lab.example`)', [{ url: 'http://10.201.1.3:8080' }]],
  ])
})

test('where no class is up there is no route, and no empty object, which Traefik refuses', () => {
  assert.deepEqual(routesOf(proxy, [], pages), { http: {} })
  const { middlewares } =
    routesOf({ ...proxy, middlewares: undefined }, [session(sandbox('SV001', 'running'))], pages).http.routers?.[
      'class-os101-a--sv001'
    ] ?? assert.fail()
  assert.equal(middlewares, undefined)
})

test('a health check that no visitor comes to shows which routes Traefik uses', () => {
  const bare = routesOf(proxy, [session(sandbox('SV001', 'running'))], pages)
  const { http } = withSign(bare, proxy, pages, 'an-id')
  const { 'class-runtime-in-use': router, ...routers } = http.routers ?? {}
  const { 'class-runtime-in-use': service, ...services } = http.services ?? {}
  assert.deepEqual({ http: { routers, services } }, bare)
  // On the entrypoints of the sandboxes: where Traefik has none of them, it uses neither.
  assert.deepEqual(router, {
    rule: 'Path(`/a`) && Path(`/b`)',
    entryPoints: ['web', 'websecure'],
    service: 'class-runtime-in-use',
  })
  assert.deepEqual(service, {
    loadBalancer: {
      servers: [{ url: pages }],
      healthCheck: { path: '/room/traefik/in-use/an-id', interval: '250ms' },
    },
  })
})
