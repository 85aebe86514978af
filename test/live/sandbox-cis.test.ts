// The container section of the CIS Docker Benchmark 1.6 (section 5) over running sandboxes: our own reading of it, item by item,
// as `docker inspect` tells it. An outside tool that reads it for itself is run by scripts/cis-check, where there is one.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type Static, Type } from '@sinclair/typebox'
import { catalogueOf } from '../support/catalogue.ts'
import { inspect, shell } from '../support/docker.ts'
import { cleanUpOfSuite, upClass } from '../support/faults.ts'
import { skipWithoutEngine } from '../support/live.ts'
import { install } from '../support/service.ts'

const ListOrNull = Type.Union([Type.Array(Type.String()), Type.Null()])
const Inspected = Type.Object({
  Image: Type.String(),
  State: Type.Object({ Health: Type.Optional(Type.Object({ Status: Type.String() })) }),
  Config: Type.Object({ Image: Type.String(), User: Type.String() }),
  HostConfig: Type.Object({
    CapAdd: ListOrNull,
    CapDrop: ListOrNull,
    Privileged: Type.Boolean(),
    Binds: ListOrNull,
    PortBindings: Type.Union([Type.Record(Type.String(), Type.Unknown()), Type.Null()]),
    PublishAllPorts: Type.Boolean(),
    NetworkMode: Type.String(),
    Memory: Type.Integer(),
    MemorySwap: Type.Integer(),
    CpuShares: Type.Integer(),
    ReadonlyRootfs: Type.Boolean(),
    RestartPolicy: Type.Object({ Name: Type.String() }),
    PidMode: Type.String(),
    IpcMode: Type.String(),
    UTSMode: Type.String(),
    UsernsMode: Type.String(),
    CgroupParent: Type.String(),
    Devices: Type.Union([Type.Array(Type.Unknown()), Type.Null()]),
    SecurityOpt: ListOrNull,
    PidsLimit: Type.Integer(),
  }),
  Mounts: Type.Array(
    Type.Object({ Type: Type.String(), Destination: Type.String(), Propagation: Type.Optional(Type.String()) }),
  ),
})
type Inspected = Static<typeof Inspected>

type Item = readonly [item: string, holds: (sandbox: Inspected) => boolean]

/** Held by every sandbox of a lab that loosens nothing. */
const held: readonly Item[] = [
  [
    '5.4 capabilities are restricted',
    ({ HostConfig: { CapAdd, CapDrop } }) => !CapAdd?.length && CapDrop?.join() === 'ALL',
  ],
  ['5.5 not privileged', ({ HostConfig }) => !HostConfig.Privileged],
  [
    '5.6 no directory of the host',
    ({ HostConfig, Mounts }) => !HostConfig.Binds && Mounts.every(({ Type: type }) => type === 'volume'),
  ],
  [
    '5.8 no privileged port is mapped',
    ({ HostConfig: { PortBindings } }) => Object.keys(PortBindings ?? {}).length === 0,
  ],
  ['5.9 no port is published', ({ HostConfig }) => !HostConfig.PublishAllPorts],
  ['5.10 not the network of the host', ({ HostConfig }) => HostConfig.NetworkMode === 'class-cis'],
  ['5.11 memory is limited', ({ HostConfig: { Memory, MemorySwap } }) => Memory > 0 && MemorySwap === Memory],
  ['5.13 the root is read-only', ({ HostConfig }) => HostConfig.ReadonlyRootfs],
  [
    '5.14 nothing listens on an address of the host',
    ({ HostConfig: { PortBindings } }) => Object.keys(PortBindings ?? {}).length === 0,
  ],
  ['5.16 not the processes of the host', ({ HostConfig }) => HostConfig.PidMode === ''],
  ['5.17 not the IPC of the host', ({ HostConfig }) => HostConfig.IpcMode === 'private'],
  ['5.18 no device of the host', ({ HostConfig }) => !HostConfig.Devices?.length],
  [
    '5.20 no mount is shared back',
    ({ Mounts }) => Mounts.every(({ Propagation }) => !/shared/.test(Propagation ?? '')),
  ],
  ['5.21 not the host name of the host', ({ HostConfig }) => HostConfig.UTSMode === ''],
  ['5.22 the default seccomp profile is on', ({ HostConfig }) => !/seccomp/.test(HostConfig.SecurityOpt?.join() ?? '')],
  ['5.25 the cgroup that the engine chooses', ({ HostConfig }) => HostConfig.CgroupParent === ''],
  ['5.26 no further privileges', ({ HostConfig }) => HostConfig.SecurityOpt?.includes('no-new-privileges') ?? false],
  ['5.27 health is checked where the lab says how', ({ State }) => State.Health !== undefined],
  ['5.28 the image is the one of the id that was frozen', ({ Config, Image }) => Config.Image === Image],
  ['5.29 processes are limited', ({ HostConfig }) => HostConfig.PidsLimit > 0],
  [
    '5.30 not the default bridge',
    ({ HostConfig }) => HostConfig.NetworkMode !== 'bridge' && HostConfig.NetworkMode !== 'default',
  ],
  ['5.31 not the user namespace of the host by name', ({ HostConfig }) => HostConfig.UsernsMode !== 'host'],
  [
    '5.32 no socket of the engine',
    ({ Mounts }) => Mounts.every(({ Destination }) => !/docker\.sock/.test(Destination)),
  ],
]

/** Not held, and why; when one of these begins to hold, this list is out of date. */
const departures: readonly Item[] = [
  // A limit instead (NanoCpus), which also holds while the others are idle.
  ['5.12 the weight of the CPU is set', ({ HostConfig }) => HostConfig.CpuShares > 0],
  // `unless-stopped`: a host that was restarted has the class's sandboxes back, however often.
  ['5.15 restarted at most five times', ({ HostConfig }) => HostConfig.RestartPolicy.Name === 'on-failure'],
]

// Not of a sandbox's settings: 5.2 AppArmor and 5.3 SELinux are the host's, and an engine on a host that has them uses its own
// profile; 5.19 ulimits are the engine's; 5.23 and 5.24: the service's exec has no field for a user or a privilege.

describe('section 5 of the CIS Docker Benchmark', { skip: skipWithoutEngine, timeout: 120_000 }, () => {
  const cleanUp = cleanUpOfSuite(after)
  let sandboxes: Inspected[] = []

  before(async () => {
    const lab = { healthCheck: { command: ['true'], intervalSeconds: 1 } }
    const catalogue = catalogueOf({ cis: ['s01', 's02'] }, lab)
    const site = await install(cleanUp, { name: 'cis', store: 'directory', subnets: '10.245.0.0/20', catalogue })
    await upClass(await site.start(), 'cis')
    const names = ['class-cis--s01', 'class-cis--s02']
    sandboxes = await Promise.all(names.map((name) => inspect('container', name, Inspected)))
  })

  for (const [item, holds] of held) test(item, () => assert.ok(sandboxes.length > 0 && sandboxes.every(holds)))

  for (const [item, holds] of departures) test(`not held: ${item}`, () => assert.ok(!sandboxes.some(holds)))

  test('5.7 no sshd runs', async () => {
    const processes = (await shell('class-cis--s01', 'ps')).toString()
    assert.match(processes, /sleep infinity/)
    assert.doesNotMatch(processes, /sshd/)
  })
})
