// The body that sandboxes are made from: one example in full, and over random labs what it can never hold.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ProxyConfig } from '../../../src/config.ts'
import type { FrozenLab } from '../../../src/lab.ts'
import type { SessionPlan } from '../../../src/runtime/port.ts'
import { sandboxBody, sandboxLabels, sessionLabels } from '../../../src/runtime/sandbox-body.ts'

const lab: FrozenLab = {
  name: 'linux-shell',
  image: 'busybox:1.36',
  imageId: 'sha256:0123',
  imageDigest: 'busybox@sha256:4567',
  command: ['httpd', '-f', '-p', '8080'],
  env: { LANG: 'vi_VN.UTF-8', EMPTY: '' },
  user: '1000:1001',
  workspace: '/home/student',
  port: 8080,
  cpus: 0.5,
  memoryMb: 128,
  pids: 64,
  tmpMb: 16,
  internet: false,
  stopSeconds: 5,
  healthCheck: { command: ['true'], intervalSeconds: 2 },
  collect: { exclude: ['**/node_modules/**'], maxBytes: 1000, maxFiles: 10 },
  ttlMinutes: 180,
  maxLifeMinutes: 720,
}

const plan: SessionPlan = {
  classId: 'OS101-A',
  sessionId: '20260102t030405678z-00ff',
  subject: 'os101',
  lab: 'linux-shell',
  createdBy: 't-lan',
  expiresAt: '2026-01-02T06:04:05.678Z',
  frozenLab: lab,
}

const proxy: ProxyConfig = {
  container: 'traefik',
  entrypoints: 'websecure',
  middlewares: 'auth@file',
  labDomain: 'lab.example',
}

test('the whole create body of a lab is this and nothing else', () => {
  assert.deepStrictEqual(sandboxBody('campus', proxy, plan, 'SV001'), {
    Image: 'sha256:0123',
    Cmd: ['httpd', '-f', '-p', '8080'],
    Env: ['LANG=vi_VN.UTF-8', 'EMPTY='],
    User: '1000:1001',
    WorkingDir: '/home/student',
    Hostname: 'sv001',
    Labels: {
      'class-runtime.installation': 'campus',
      'class-runtime.class': 'OS101-A',
      'class-runtime.session': '20260102t030405678z-00ff',
      'class-runtime.subject': 'os101',
      'class-runtime.lab': 'linux-shell',
      'class-runtime.created-by': 't-lan',
      'class-runtime.expires-at': '2026-01-02T06:04:05.678Z',
      'class-runtime.student': 'SV001',
      'class-runtime.spec': '532ce6da278b734a0d791b2ceb82fc46',
      'class-runtime.collect':
        '{"workspace":"/home/student","stopSeconds":5,' +
        '"rules":{"exclude":["**/node_modules/**"],"maxBytes":1000,"maxFiles":10}}',
      'traefik.enable': 'true',
      'traefik.docker.network': 'class-os101-a',
      'traefik.http.routers.class-os101-a--sv001.rule': 'Host(`sv001--os101-a.lab.example`)',
      'traefik.http.routers.class-os101-a--sv001.entrypoints': 'websecure',
      'traefik.http.routers.class-os101-a--sv001.service': 'class-os101-a--sv001',
      'traefik.http.routers.class-os101-a--sv001.middlewares': 'auth@file',
      'traefik.http.services.class-os101-a--sv001.loadbalancer.server.port': '8080',
    },
    Healthcheck: { Test: ['CMD', 'true'], Interval: 2_000_000_000, Timeout: 2_000_000_000, Retries: 3 },
    ExposedPorts: { '8080/tcp': {} },
    StopTimeout: 5,
    Tty: false,
    OpenStdin: false,
    HostConfig: {
      NetworkMode: 'class-os101-a',
      CapDrop: ['ALL'],
      SecurityOpt: ['no-new-privileges'],
      PidsLimit: 64,
      Memory: 134_217_728,
      MemorySwap: 134_217_728,
      NanoCpus: 500_000_000,
      ReadonlyRootfs: true,
      Tmpfs: { '/tmp': 'rw,noexec,nosuid,nodev,size=16m,mode=1777' },
      LogConfig: { Type: 'json-file', Config: { 'max-size': '10m', 'max-file': '3' } },
      Init: true,
      IpcMode: 'private',
      AutoRemove: false,
      Privileged: false,
      RestartPolicy: { Name: 'unless-stopped' },
      Mounts: [{ Type: 'volume', Source: 'class-os101-a--sv001--20260102t030405678z-00ff', Target: '/home' }],
    },
    NetworkingConfig: { EndpointsConfig: { 'class-os101-a': {} } },
  })
})

test('what a lab leaves out is left to the image, and without a proxy the sandbox has no middleware', () => {
  const { command: _, healthCheck: __, env: ___, ...bare } = lab
  const direct = { ...proxy, container: undefined, middlewares: undefined }
  const body = sandboxBody('campus', direct, { ...plan, frozenLab: bare }, 'SV001')
  assert.ok(!('Cmd' in body) && !('Healthcheck' in body))
  assert.deepEqual(body.Env, [])
  assert.ok(!Object.keys(body.Labels ?? {}).some((name) => name.endsWith('.middlewares')))
})

test('a network carries the session and no student', () => {
  assert.deepEqual(sessionLabels('campus', plan), {
    'class-runtime.installation': 'campus',
    'class-runtime.class': 'OS101-A',
    'class-runtime.session': '20260102t030405678z-00ff',
    'class-runtime.subject': 'os101',
    'class-runtime.lab': 'linux-shell',
    'class-runtime.created-by': 't-lan',
    'class-runtime.expires-at': '2026-01-02T06:04:05.678Z',
  })
  assert.equal(sandboxLabels('campus', plan, 'SV001')['class-runtime.student'], 'SV001')
})

/** Mulberry32: the same numbers in [0, 1) for the same seed. */
function seededRandom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

const allowedKeys = new Set([
  ...['Image', 'Cmd', 'Env', 'User', 'WorkingDir', 'Hostname', 'Labels', 'Healthcheck', 'ExposedPorts', 'StopTimeout'],
  ...['Tty', 'OpenStdin', 'HostConfig', 'NetworkingConfig'],
])
const allowedHostKeys = [
  ...[
    'AutoRemove',
    'CapDrop',
    'Init',
    'IpcMode',
    'LogConfig',
    'Memory',
    'MemorySwap',
    'Mounts',
    'NanoCpus',
    'NetworkMode',
  ],
  ...['PidsLimit', 'Privileged', 'ReadonlyRootfs', 'RestartPolicy', 'SecurityOpt', 'Tmpfs'],
]

test('no lab, id or proxy setting gets anything into the body that loosens a sandbox', () => {
  const seed = 20261123
  const random = seededRandom(seed)
  const integer = (least: number, most: number) => least + Math.floor(random() * (most - least + 1))
  const pick = <T>(first: T, ...others: T[]): T => {
    const place = integer(0, others.length)
    return place === 0 ? first : (others[place - 1] ?? first)
  }
  const hostile = () =>
    pick(
      '',
      '--privileged',
      '/var/run/docker.sock:/x',
      'HostConfig',
      '"},"Privileged":true,"x":{"',
      '\u0000',
      '`) || Host(`x',
      'é',
    )
  const id = () => pick('a', 'SV001', 'A1-b2', 'host', 'constructor', 'ALL', `Z${'9'.repeat(29)}`)

  for (let run = 0; run < 500; run++) {
    const user = `${integer(1, 99999)}:${integer(1, 99999)}`
    const frozenLab: FrozenLab = {
      ...lab,
      imageId: pick('sha256:1', hostile()),
      user,
      workspace: pick('/home/student', '/a/b', '/srv/x/y/z', '/proc/1'),
      port: integer(1, 65535),
      cpus: pick(0.01, 0.333, 1, 256),
      memoryMb: integer(6, 4_194_304),
      pids: integer(1, 65536),
      tmpMb: integer(1, 1000),
      internet: pick(true, false),
      stopSeconds: integer(0, 600),
      ...(random() < 0.5 ? { command: [hostile(), hostile()] } : {}),
      ...(random() < 0.5 ? { env: { [pick('A', 'PATH', 'DOCKER_HOST')]: hostile() } } : {}),
      ...(random() < 0.5 ? { healthCheck: { command: [hostile()], intervalSeconds: integer(1, 3600) } } : {}),
      collect: { exclude: [hostile()], maxBytes: 1, maxFiles: 1 },
    }
    const settings: ProxyConfig = {
      container: random() < 0.3 ? undefined : pick('traefik', hostile()),
      entrypoints: pick('web', hostile()),
      middlewares: random() < 0.3 ? undefined : hostile(),
      labDomain: pick('lab.localhost', 'x'),
    }
    const studentId = id()
    const ofPlan = { ...plan, classId: id(), createdBy: hostile(), lab: id(), subject: id(), frozenLab }
    const body = sandboxBody('campus', settings, ofPlan, studentId)
    const message = `seed ${seed}, run ${run}`

    for (const key of Object.keys(body)) assert.ok(allowedKeys.has(key), `${message}: ${key}`)
    const host = body.HostConfig ?? assert.fail(message)
    assert.deepEqual(Object.keys(host).sort(), allowedHostKeys, message)
    assert.deepEqual(host.CapDrop, ['ALL'], message)
    assert.deepEqual(host.SecurityOpt, ['no-new-privileges'], message)
    assert.equal(host.Privileged, false, message)
    assert.equal(host.ReadonlyRootfs, true, message)
    assert.equal(host.AutoRemove, false, message)
    assert.equal(host.IpcMode, 'private', message)
    assert.equal(host.Init, true, message)
    assert.deepEqual(host.RestartPolicy, { Name: 'unless-stopped' }, message)
    assert.ok(host.PidsLimit !== undefined && host.PidsLimit > 0, message)
    assert.ok(host.Memory !== undefined && host.Memory >= 6 * 2 ** 20 && host.Memory === host.MemorySwap, message)
    assert.ok(host.NanoCpus !== undefined && host.NanoCpus > 0 && Number.isInteger(host.NanoCpus), message)
    assert.match(host.Tmpfs?.['/tmp'] ?? '', /^rw,noexec,nosuid,nodev,size=\d+m,mode=1777$/, message)
    assert.deepEqual(Object.keys(host.Tmpfs ?? {}), ['/tmp'], message)

    const network = `class-${ofPlan.classId.toLowerCase()}`
    assert.equal(host.NetworkMode, network, message)
    assert.deepEqual(body.NetworkingConfig, { EndpointsConfig: { [network]: {} } }, message)
    const [mount, ...more] = host.Mounts ?? []
    assert.deepEqual(more, [], message)
    const source = `${network}--${studentId.toLowerCase()}--${ofPlan.sessionId}`
    const target = frozenLab.workspace.slice(0, frozenLab.workspace.lastIndexOf('/'))
    assert.deepEqual(mount, { Type: 'volume', Source: source, Target: target }, message)
    assert.equal(body.User, user, message)
    assert.equal(body.Tty, false, message)
    for (const name of Object.keys(body.Labels ?? {})) assert.match(name, /^(class-runtime|traefik)\./, message)
  }
})
