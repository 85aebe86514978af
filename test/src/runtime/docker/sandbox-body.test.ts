// What the engine makes a class from, in full for one lab: a change of any value is seen here. What no lab and no request can
// get into it is in sandbox-closed.proof.ts.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FrozenLab } from '../../../../src/catalogue/frozen-lab.ts'
import type { ProxyConfig } from '../../../../src/config.ts'
import { networkBody, sandboxBody, volumeBody } from '../../../../src/runtime/docker/sandbox-body.ts'
import type { SessionPlan } from '../../../../src/runtime/port.ts'

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
  token: 'a-token-of-traefik',
  entrypoints: 'websecure',
  middlewares: 'auth@file',
  labDomain: 'lab.example',
  sandboxes: '10.201.0.0/16',
}

test('the whole create body of a lab is this and nothing else', () => {
  assert.deepStrictEqual(sandboxBody('campus', plan, 'SV001'), {
    Image: 'sha256:0123',
    Cmd: ['httpd', '-f', '-p', '8080'],
    Env: ['HOME=/home/student', 'LANG=vi_VN.UTF-8', 'EMPTY='],
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
      'class-runtime.port': '8080',
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
      Mounts: [
        {
          Type: 'volume',
          Source: 'class-os101-a--sv001--20260102t030405678z-00ff',
          Target: '/home',
          VolumeOptions: { NoCopy: true },
        },
      ],
    },
    NetworkingConfig: { EndpointsConfig: { 'class-os101-a': {} } },
  })
})

test('what a lab leaves out is left to the image', () => {
  const { command: _, healthCheck: __, env: ___, ...bare } = lab
  const body = sandboxBody('campus', { ...plan, frozenLab: bare }, 'SV001')
  assert.ok(!('Cmd' in body) && !('Healthcheck' in body))
  assert.deepEqual(body.Env, ['HOME=/home/student'])
})

test('what a lab loosens changes these members of the body and no other', () => {
  const bodyOf = (change: Partial<FrozenLab>) =>
    sandboxBody('campus', { ...plan, frozenLab: { ...lab, ...change } }, 'SV001')
  const hostOf = (change: Partial<FrozenLab>) => bodyOf(change).HostConfig
  const closed = hostOf({})
  assert.deepStrictEqual(hostOf({ internet: true }), closed)
  assert.deepStrictEqual(hostOf({ writableRoot: true }), { ...closed, ReadonlyRootfs: false })
  assert.deepStrictEqual(hostOf({ writableRoot: false }), closed)
  const { SecurityOpt: _, ...others } = closed ?? {}
  assert.deepStrictEqual(hostOf({ capabilities: ['NET_RAW'] }), { ...others, CapAdd: ['NET_RAW'] })
  assert.deepStrictEqual(hostOf({ runtime: 'runsc' }), { ...closed, Runtime: 'runsc' })
  const outside = ({ HostConfig: _, Labels: __, ...rest }: ReturnType<typeof bodyOf>) => rest
  const all: Partial<FrozenLab> = { internet: true, writableRoot: true, capabilities: ['NET_RAW'] }
  assert.deepStrictEqual(outside(bodyOf(all)), outside(bodyOf({})))
})

test('an address of its own is in the place that the container has in the class network, and nowhere else', () => {
  const { NetworkingConfig, ...rest } = sandboxBody('campus', plan, 'SV001', '10.200.0.3')
  const place = { 'class-os101-a': { IPAMConfig: { IPv4Address: '10.200.0.3' } } }
  assert.deepStrictEqual(NetworkingConfig, { EndpointsConfig: place })
  const { NetworkingConfig: _, ...without } = sandboxBody('campus', plan, 'SV001')
  assert.deepStrictEqual(rest, without)
})

test('the network of a session with seats keeps a part for who has none, and says whether packets may be made by hand', () => {
  const seated = { ...plan, seats: [], frozenLab: { ...lab, capabilities: ['NET_RAW' as const] } }
  const { IPAM, Labels } = networkBody('campus', proxy, seated, '10.200.0.0/24')
  assert.deepEqual(IPAM, {
    Config: [{ Subnet: '10.200.0.0/24', IPRange: '10.200.0.240/28', Gateway: '10.200.0.1' }],
  })
  assert.deepEqual(Labels, { ...labelsOfSession, 'class-runtime.raw-packets': 'true' })
})

const labelsOfSession = {
  'class-runtime.installation': 'campus',
  'class-runtime.class': 'OS101-A',
  'class-runtime.session': '20260102t030405678z-00ff',
  'class-runtime.subject': 'os101',
  'class-runtime.lab': 'linux-shell',
  'class-runtime.created-by': 't-lan',
  'class-runtime.expires-at': '2026-01-02T06:04:05.678Z',
}

test('the whole body of a network: internal, with no address for the host, and the session in its labels', () => {
  assert.deepStrictEqual(networkBody('campus', proxy, plan, '10.200.0.0/24'), {
    Name: 'class-os101-a',
    Driver: 'bridge',
    Internal: true,
    Labels: { ...labelsOfSession, 'class-runtime.raw-packets': 'false' },
    IPAM: { Config: [{ Subnet: '10.200.0.0/24' }] },
    Options: { 'com.docker.network.bridge.inhibit_ipv4': 'true' },
  })
})

test('without a proxy the host itself reaches the sandboxes; with the internet it is their way out', () => {
  const direct = networkBody('campus', { ...proxy, container: undefined }, plan, '10.200.0.0/24')
  assert.deepEqual([direct.Internal, direct.Options], [true, undefined])
  const outward = { ...plan, frozenLab: { ...lab, internet: true } }
  const open = networkBody('campus', proxy, outward, '10.200.0.0/24')
  assert.deepEqual([open.Internal, open.Options], [false, undefined])
})

test('the whole body of a volume: its name and labels', () => {
  assert.deepStrictEqual(volumeBody('campus', plan, 'SV001'), {
    Name: 'class-os101-a--sv001--20260102t030405678z-00ff',
    Labels: {
      ...labelsOfSession,
      'class-runtime.student': 'SV001',
      'class-runtime.spec': '532ce6da278b734a0d791b2ceb82fc46',
      'class-runtime.collect':
        '{"workspace":"/home/student","stopSeconds":5,' +
        '"rules":{"exclude":["**/node_modules/**"],"maxBytes":1000,"maxFiles":10}}',
    },
  })
})
