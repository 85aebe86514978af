// What a student reaches over the network, tried from inside a sandbox against everything that GET /room/classes/:classId says
// it reaches or does not. The same tries are made in three kinds of network, so each can fail: one that is closed, one that
// the host is in (no Traefik is set up), and one that leads out (the lab says internet).

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { Type } from '@sinclair/typebox'
import { catalogueOf, image } from '../support/catalogue.ts'
import { docker, inspect, shell, tryDocker } from '../support/docker.ts'
import { cleanUpOfSuite, upClass } from '../support/faults.ts'
import { skipWithoutEngine } from '../support/live.ts'
import { install, type Service } from '../support/service.ts'
import { shaped } from '../support/shape.ts'
import { until } from '../support/until.ts'

const port = 47_613
const metadata = '169.254.169.254'
/** Says one word to whoever calls; the address is every one that the network it runs in has. */
const listen = ['nc', '-ll', '-p', String(port), '-e', 'echo', 'reached']

const Reach = Type.Union([Type.Literal('blocked'), Type.Literal('reachable')])
const Told = Type.Object({
  isolation: Type.Object(
    {
      classmates: Reach,
      otherClasses: Reach,
      host: Reach,
      engine: Reach,
      store: Reach,
      cloudMetadata: Reach,
      internet: Reach,
    },
    { additionalProperties: false },
  ),
})
const Networks = Type.Object({
  NetworkSettings: Type.Object({
    Networks: Type.Record(Type.String(), Type.Object({ IPAddress: Type.String() })),
  }),
})

async function addressOf(container: string): Promise<string> {
  const { NetworkSettings } = await inspect('container', container, Networks)
  const [{ IPAddress } = assert.fail(`${container} is in no network`)] = Object.values(NetworkSettings.Networks)
  return IPAddress
}

/** Whether somebody who listens answers to a student. */
async function reaches(container: string, address: string): Promise<boolean> {
  const { stdout } = await tryDocker(['exec', container, 'timeout', '3', 'nc', '-w', '2', address, String(port)])
  return stdout.toString() === 'reached\n'
}

/** A listener takes a moment to begin. */
const reachesSoon = (container: string, address: string): Promise<void> =>
  until(`an answer from ${address}`, () => reaches(container, address))

describe('what a student reaches over the network', { skip: skipWithoutEngine, timeout: 180_000 }, () => {
  const cleanUp = cleanUpOfSuite(after)
  const hostAddresses: string[] = []
  const hostAddresses6: string[] = []
  let direct: Service
  let proxied: Service
  let hasMetadata = false
  let strangerAddress = ''

  before(async () => {
    const { labs } = catalogueOf({})
    const closed = labs['shell'] ?? {}
    const inLab = (lab: string) => ({ subject: 'subject', lab, students: ['s01', 's02'] })
    const catalogue = (classes: Readonly<Record<string, string>>) => ({
      labs: { closed, open: { ...closed, internet: true }, raw: { ...closed, capabilities: ['NET_RAW'] } },
      subjects: { subject: { labs: ['closed', 'open', 'raw'] } },
      classes: Object.fromEntries(Object.entries(classes).map(([name, lab]) => [name, inLab(lab)])),
    })
    const traefik = `reach-traefik-${process.pid}`
    const options = {
      store: 'directory',
      catalogue: catalogue({ shut: 'closed', other: 'closed', wide: 'open', raw: 'raw' }),
    } as const
    const behindTraefik = await install(cleanUp, {
      ...options,
      name: 'reach',
      subnets: '10.244.0.0/20',
      env: { TRAEFIK_CONTAINER: traefik },
    })
    const onHost = await install(cleanUp, {
      name: 'reach-direct',
      store: 'directory',
      subnets: '10.244.16.0/20',
      catalogue: catalogue({ direct: 'closed' }),
    })
    const run = (name: string, flags: readonly string[], command: readonly string[]) =>
      docker(['run', '-d', '--name', name, '--label', behindTraefik.testLabel, ...flags, image, ...command])
    await run(traefik, [], ['sleep', 'infinity'])
    // As a store in a container of its own would stand there.
    const stranger = `reach-stranger-${process.pid}`
    await run(stranger, [], listen)
    strangerAddress = await addressOf(stranger)
    // As an engine's or a store's port on the host would.
    const host = `reach-host-${process.pid}`
    await run(host, ['--network', 'host', '--cap-add', 'NET_ADMIN'], listen)
    proxied = await behindTraefik.start()
    direct = await onHost.start()
    for (const classId of ['shut', 'other', 'wide', 'raw']) await upClass(proxied, classId)
    await upClass(direct, 'direct')
    for (const each of ['shut--s02', 'other--s01', 'wide--s02', 'direct--s02']) {
      await docker(['exec', '--detach', `class-${each}`, ...listen])
    }
    const listed = await shell(host, "ip -4 -o address | awk '{ print $4 }' | cut -d / -f 1")
    hostAddresses.push(
      ...listed
        .toString()
        .split('\n')
        .filter((each) => each !== '' && !each.startsWith('127.')),
    )
    const listed6 = await shell(host, "ip -6 -o address | awk '{ print $4 }' | cut -d / -f 1")
    hostAddresses6.push(
      ...listed6
        .toString()
        .split('\n')
        .filter((each) => each !== '' && each !== '::1'),
    )
    // Only where nothing has this address, such as in an engine of its own network: a cloud's own stays what it is.
    hasMetadata = (await tryDocker(['exec', host, 'ip', 'route', 'get', metadata])).exitCode !== 0
    if (hasMetadata) {
      await docker(['exec', host, 'ip', 'address', 'add', `${metadata}/32`, 'dev', 'lo'])
      cleanUp.after(
        async () => void (await docker(['exec', host, 'ip', 'address', 'del', `${metadata}/32`, 'dev', 'lo'])),
      )
    }
  })

  const toldOf = async (service: Service, classId: string) =>
    shaped(Told, (await service.get(`/room/classes/${classId}`)).body).isolation

  /** The host's addresses that answer, the one that it would have in the class's own network among them. */
  async function hostReachedFrom(classId: string): Promise<string[]> {
    const container = `class-${classId}--s01`
    const gateway = (await addressOf(container)).replace(/\.\d+$/, '.1')
    const tried = [...new Set([...hostAddresses, gateway])]
    const reached = await Promise.all(tried.map((address) => reaches(container, address)))
    return tried.filter((_, index) => reached[index])
  }

  test('the listeners answer to those who may call', async () => {
    assert.ok(hostAddresses.length > 0)
    const fromHost = [...hostAddresses, strangerAddress, await addressOf('class-direct--s02')]
    for (const address of fromHost) await reachesSoon(`reach-host-${process.pid}`, address)
    for (const each of ['shut--s02', 'other--s01', 'wide--s02']) {
      await reachesSoon(`class-${each}`, await addressOf(`class-${each}`))
    }
  })

  test('in a closed network: classmates, and nothing else', async () => {
    const isolation = await toldOf(proxied, 'shut')
    assert.deepEqual(isolation, {
      ...{ classmates: 'reachable', otherClasses: 'blocked', host: 'blocked', engine: 'blocked', store: 'blocked' },
      ...{ cloudMetadata: 'blocked', internet: 'blocked' },
    })
    const student = 'class-shut--s01'
    await reachesSoon(student, await addressOf('class-shut--s02'))
    assert.equal(await reaches(student, await addressOf('class-other--s01')), false)
    assert.equal(await reaches(student, await addressOf('class-wide--s02')), false)
    assert.equal(await reaches(student, strangerAddress), false)
    assert.equal(await reaches(student, metadata), false)
    assert.deepEqual(await hostReachedFrom('shut'), [])
    // No second way by IPv6: no interface but its own loopback has an address of it.
    const addresses = (await shell(student, 'cat /proc/net/if_inet6 2>/dev/null || true')).toString()
    assert.doesNotMatch(addresses, / (?!lo$)\S+$/m)
    for (const address of hostAddresses6) {
      assert.equal(await reaches(student, `${address}%eth0`), false, address)
      assert.equal(await reaches(student, address), false, address)
    }
  })

  test('with NET_RAW a student can make packets for the host by hand, as it is told', async () => {
    const { host, engine, store, internet, otherClasses } = await toldOf(proxied, 'raw')
    assert.deepEqual([host, engine, store], ['reachable', 'reachable', 'reachable'])
    assert.deepEqual([internet, otherClasses], ['blocked', 'blocked'])
    // The host has an address of IPv6 in this network, whatever it is told about IPv4; the sandbox has none to call from.
    const { Id } = await inspect('network', 'class-raw', Type.Object({ Id: Type.String() }))
    const bridge = await shell(`reach-host-${process.pid}`, `ip -6 -o address show dev br-${Id.slice(0, 12)}`)
    assert.match(bridge.toString(), /inet6 fe80:/)
    const addresses = (await shell('class-raw--s01', 'cat /proc/net/if_inet6 2>/dev/null || true')).toString()
    assert.doesNotMatch(addresses, / (?!lo$)\S+$/m)
  })

  test('without Traefik the host is in the network, and reachable: as it is told', async () => {
    const isolation = await toldOf(direct, 'direct')
    assert.deepEqual(isolation, {
      ...{
        classmates: 'reachable',
        otherClasses: 'blocked',
        host: 'reachable',
        engine: 'reachable',
        store: 'reachable',
      },
      ...{ cloudMetadata: 'reachable', internet: 'blocked' },
    })
    assert.notDeepEqual(await hostReachedFrom('direct'), [])
    // Of the rest of the host, metadata included, it depends on the engine: Docker 20.10 leads there, 28 does not.
    await reachesSoon('class-direct--s01', await addressOf('class-direct--s02'))
    assert.equal(await reaches('class-direct--s01', await addressOf('class-shut--s02')), false)
    assert.equal(await reaches('class-direct--s01', strangerAddress), false)
  })

  test('with internet: the host and what it can reach, as it is told', async () => {
    assert.deepEqual(new Set(Object.values(await toldOf(proxied, 'wide'))), new Set(['reachable']))
    assert.notDeepEqual(await hostReachedFrom('wide'), [])
    if (hasMetadata) await reachesSoon('class-wide--s01', metadata)
    // Told as reachable, since not every engine keeps such networks apart as Docker does.
    assert.equal(await reaches('class-wide--s01', await addressOf('class-shut--s02')), false)
  })
})
