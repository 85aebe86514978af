// What can never get into what the engine makes a class from: over random catalogues, requests, settings and ids that their
// own schemas accept, every key and every value is of the closed lists here.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import { Value } from '@sinclair/typebox/value'
import { CatalogueError, parseCatalogue } from '../../../../src/catalogue/catalogue.ts'
import type { FrozenLab } from '../../../../src/catalogue/frozen-lab.ts'
import { Id, Lab } from '../../../../src/catalogue/schema.ts'
import { orderUp } from '../../../../src/classes/up/order.ts'
import type { ProxyConfig } from '../../../../src/config.ts'
import { UpClassBody } from '../../../../src/http/calls/up-class.ts'
import { newSessionId } from '../../../../src/names.ts'
import { Problem } from '../../../../src/problems.ts'
import {
  networkBody,
  proofBody,
  proofVolumeBody,
  sandboxBody,
  volumeBody,
} from '../../../../src/runtime/docker/sandbox-body.ts'
import type { SessionPlan } from '../../../../src/runtime/port.ts'
import { type Random, randomFrom } from '../../../support/random.ts'
import { drawValue } from '../../../support/random-values.ts'

const cases = 10_000
const seed = 20261123

interface Case {
  readonly plan: SessionPlan
  readonly lab: FrozenLab
  readonly proxy: ProxyConfig
  readonly studentId: string
  /** `class-<classid>` */
  readonly network: string
}

type Rule = (value: unknown, of: Case) => boolean
type Rules = Readonly<Record<string, Rule>>

const is =
  (expected: unknown): Rule =>
  (value) =>
    isDeepStrictEqual(value, expected)
const matches =
  (pattern: RegExp): Rule =>
  (value) =>
    typeof value === 'string' && pattern.test(value)
const wholeFrom =
  (least: number, most = Number.MAX_SAFE_INTEGER): Rule =>
  (value) =>
    typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most
const sameAs =
  (expected: (of: Case) => unknown): Rule =>
  (value, of) =>
    isDeepStrictEqual(value, expected(of))

const mebibyte = 2 ** 20
const idPattern = /^[A-Za-z0-9-]{1,30}$/
const volume = ({ network, studentId, plan }: Case) => `${network}--${studentId.toLowerCase()}--${plan.sessionId}`
const parentOf = (path: string) => path.slice(0, path.lastIndexOf('/'))
const anyText: Rule = (value) => typeof value === 'string'

const sessionLabels: Rules = {
  'class-runtime.installation': is('campus'),
  'class-runtime.class': matches(idPattern),
  'class-runtime.session': matches(/^\d{8}t\d{9}z-[0-9a-f]{4}$/),
  'class-runtime.subject': matches(idPattern),
  'class-runtime.lab': matches(idPattern),
  'class-runtime.created-by': anyText,
  'class-runtime.expires-at': anyText,
}
const sandboxLabels: Rules = {
  ...sessionLabels,
  'class-runtime.student': matches(idPattern),
  'class-runtime.spec': matches(/^[0-9a-f]{32}$/),
  'class-runtime.collect': anyText,
  'class-runtime.port': matches(/^[1-9]\d{0,4}$/),
}

/** A container's own settings. Absent on purpose: Volumes, Entrypoint, Domainname, MacAddress, Shell, OnBuild. */
const containerRules: Rules = {
  Image: is('sha256:image'),
  Cmd: sameAs(({ lab }) => lab.command),
  Env: sameAs(({ lab }) => Object.entries({ HOME: lab.workspace, ...lab.env }).map((pair) => pair.join('='))),
  User: matches(/^[1-9]\d{0,8}:[1-9]\d{0,8}$/),
  WorkingDir: sameAs(({ lab }) => lab.workspace),
  Hostname: sameAs(({ studentId }) => studentId.toLowerCase()),
  Labels: (value, of) => isClosed(value, sandboxLabels, of),
  Healthcheck: (value, of) =>
    isClosed(value, { Test: sameAs(({ lab }) => ['CMD', ...(lab.healthCheck?.command ?? [])]), ...times }, of),
  ExposedPorts: sameAs(({ lab }) => ({ [`${lab.port}/tcp`]: {} })),
  StopTimeout: wholeFrom(0, 600),
  Tty: is(false),
  OpenStdin: is(false),
  HostConfig: (value, of) =>
    isClosed(value, hostRules, of) &&
    Object.keys(hostDefaults).every((key) => has(value, key)) &&
    has(value, of.lab.capabilities === undefined ? 'SecurityOpt' : 'CapAdd'),
  NetworkingConfig: sameAs(({ network }) => ({
    EndpointsConfig: { [network]: { IPAMConfig: { IPv4Address: '10.200.0.3' } } },
  })),
}
const times: Rules = { Interval: wholeFrom(1e9), Timeout: wholeFrom(1e9), Retries: is(3) }

/** In every sandbox. Absent on purpose: Binds, Devices, every *Mode but two, PortBindings, Links, Sysctls, GroupAdd and the rest. */
const hostDefaults: Rules = {
  NetworkMode: sameAs(({ network }) => network),
  CapDrop: is(['ALL']),
  PidsLimit: wholeFrom(1, 65_536),
  Memory: sameAs(({ lab }) => lab.memoryMb * mebibyte),
  MemorySwap: sameAs(({ lab }) => lab.memoryMb * mebibyte),
  NanoCpus: wholeFrom(1),
  ReadonlyRootfs: sameAs(({ lab }) => lab.writableRoot !== true),
  Tmpfs: (value, of) => isClosed(value, { '/tmp': matches(/^rw,noexec,nosuid,nodev,size=[1-9]\d*m,mode=1777$/) }, of),
  LogConfig: is({ Type: 'json-file', Config: { 'max-size': '10m', 'max-file': '3' } }),
  Init: is(true),
  IpcMode: is('private'),
  AutoRemove: is(false),
  Privileged: is(false),
  RestartPolicy: is({ Name: 'unless-stopped' }),
  Mounts: sameAs((of) => [
    { Type: 'volume', Source: volume(of), Target: parentOf(of.lab.workspace), VolumeOptions: { NoCopy: true } },
  ]),
}
const addable = ['CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'KILL', 'NET_BIND_SERVICE', 'NET_RAW', 'SETGID', 'SETUID']
/** One of the two: a sandbox that may gain nothing, or one whose lab names what programs of its image may gain. */
const hostRules: Rules = {
  ...hostDefaults,
  Runtime: (value, { lab }) => value === lab.runtime && (value === 'runsc' || value === 'sysbox-runc'),
  SecurityOpt: (value, { lab }) => lab.capabilities === undefined && isDeepStrictEqual(value, ['no-new-privileges']),
  CapAdd: (value, { lab }) =>
    Array.isArray(value) && value.every((name) => addable.includes(name)) && isDeepStrictEqual(value, lab.capabilities),
}

const networkRules: Rules = {
  Name: sameAs(({ network }) => network),
  Driver: is('bridge'),
  Internal: sameAs(({ lab }) => !lab.internet),
  Labels: (value, of) =>
    isClosed(value, { ...sessionLabels, 'class-runtime.raw-packets': matches(/^(true|false)$/) }, of),
  IPAM: is({ Config: [{ Subnet: '10.200.0.0/24' }] }),
  Options: is({ 'com.docker.network.bridge.inhibit_ipv4': 'true' }),
}
const volumeRules: Rules = { Name: sameAs(volume), Labels: (value, of) => isClosed(value, sandboxLabels, of) }

const proving = ['sh', '-c', 'true']
const proofVolume = ({ network }: Case) => `${network}.proof`
/** As a sandbox, but with a command of the service's, in no network, and never started again. */
const proofRules: Rules = {
  ...containerRules,
  NetworkingConfig: () => false,
  Entrypoint: is(proving),
  Cmd: is([]),
  Labels: (value, of) => isClosed(value, { ...sessionLabels, 'class-runtime.proof': is('true') }, of),
  HostConfig: (value, of) =>
    isClosed(
      value,
      {
        ...hostRules,
        NetworkMode: is('none'),
        RestartPolicy: is({ Name: 'no' }),
        Mounts: is([
          {
            Type: 'volume',
            Source: proofVolume(of),
            Target: parentOf(of.lab.workspace),
            VolumeOptions: { NoCopy: true },
          },
        ]),
      },
      of,
    ) && Object.keys(hostDefaults).every((key) => has(value, key)),
}

const has = (value: unknown, key: string): boolean =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, key)

/** No key that no rule is for, no value that its rule refuses; what is wrong is in `faults`. */
function isClosed(value: unknown, rules: Rules, of: Case): boolean {
  return typeof value === 'object' && value !== null && faults(value, rules, of).length === 0
}

const faults = (value: object, rules: Rules, of: Case): string[] =>
  Object.entries(value)
    .filter(([key, member]) => !(Object.hasOwn(rules, key) && rules[key]?.(member, of)))
    .map(([key, member]) => `${key}: ${JSON.stringify(member)}`)

const text = (value: unknown): string => (typeof value === 'string' ? value : assert.fail('not a text'))

/** gVisor asks for more than the schema does; whether a lab is refused for that is the catalogue's own test. */
function withRoom(drawn: unknown): object {
  const lab = Object(drawn)
  return lab.runtime === 'runsc' ? { ...lab, pids: Math.max(lab.pids, 128), memoryMb: Math.max(lab.memoryMb, 64) } : lab
}

/** Undefined where the catalogue's own rules refuse what its schema accepts, such as a class with two equal students. */
function drawCase(random: Random): Case | undefined {
  const id = () => text(drawValue(Id, random))
  const [labName, subject, classId, studentId] = [id(), id(), id(), id()]
  const inClass = { subject, lab: labName, students: [...new Set([studentId, id()])] }
  const file = {
    labs: { [labName]: withRoom(drawValue(Lab, random)) },
    subjects: { [subject]: { labs: [labName] } },
    classes: { [classId]: inClass },
  }
  const request = { ...Object(drawValue(UpClassBody, random)), classId, students: [studentId] }
  if (!Value.Check(UpClassBody, request)) assert.fail('the request is not one')
  try {
    const {
      labName: name,
      lab: ofCatalogue,
      students,
    } = orderUp(parseCatalogue(JSON.stringify(file)), {
      ...request,
      lab: labName,
    })
    const lab = { ...ofCatalogue, name, imageId: 'sha256:image' }
    const sessionId = newSessionId()
    const createdBy = random.pick(['t-lan', '', '"},"Privileged":true,"x":{"', '\u0000'])
    const plan = { classId, sessionId, subject, lab: name, createdBy, expiresAt: 'later', frozenLab: lab }
    const proxy: ProxyConfig = {
      container: random.pick(['traefik', '']) || undefined,
      token: random.pick(['a-token-of-traefik', '']) || undefined,
      entrypoints: random.pick(['web', 'websecure', '--privileged', '`) || Host(`x']),
      middlewares: random.pick(['auth@file', '', '"},"Privileged":true']) || undefined,
      labDomain: random.pick(['lab.localhost', 'x', 'a-b.example']),
      sandboxes: '10.201.0.0/16',
    }
    return { plan, lab, proxy, studentId: students[0] ?? '', network: `class-${classId.toLowerCase()}` }
  } catch (error) {
    if (error instanceof CatalogueError || error instanceof Problem) return undefined
    throw error
  }
}

test(`no catalogue, request, id or setting gets anything else into what the engine is asked for, ${cases} times`, () => {
  const random = randomFrom(seed)
  const drawn = { run: 0, refused: 0 }
  while (drawn.run < cases) {
    const of = drawCase(random)
    if (of === undefined) {
      drawn.refused += 1
      continue
    }
    drawn.run += 1
    const { plan, proxy, studentId } = of
    const found = [
      ...faults(sandboxBody('campus', plan, studentId, '10.200.0.3'), containerRules, of),
      ...faults(networkBody('campus', proxy, plan, '10.200.0.0/24'), networkRules, of),
      ...faults(volumeBody('campus', plan, studentId), volumeRules, of),
      ...faults(proofBody('campus', plan, proving), proofRules, of),
      ...faults(
        proofVolumeBody('campus', plan),
        { Name: sameAs(proofVolume), Labels: proofRules['Labels'] ?? is('') },
        of,
      ),
    ]
    if (found.length > 0) assert.fail(`seed ${seed}, case ${drawn.run}: ${found.join('\n')}\n${JSON.stringify(of)}`)
  }
  assert.ok(drawn.refused < cases, `${drawn.refused} were refused`)
})
