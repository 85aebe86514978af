// The fleet runtime on a real Swarm of two nodes does what every runtime must. The sandboxes are on the worker, Traefik's place is
// on the manager. Other hands are clients of their own; a proxy before each engine's socket refuses or cuts an answer.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, type TestContext } from 'node:test'
import type { Engine } from '../../engine-api/index.ts'
import { createSwarmRuntime } from '../../src/runtime/docker/swarm.ts'
import type { SessionPlan } from '../../src/runtime/port.ts'
import { type EngineProxy, openEngineProxy } from '../faults/engine-proxy.ts'
import type { Hands, Site } from '../src/runtime/conformance/site.ts'
import { conformance } from '../src/runtime/conformance.ts'
import { commandFor } from '../support/commands-of-things.ts'
import { cleanUpOfSuite } from '../support/faults.ts'
import { freezeLab } from '../support/frozen-lab.ts'
import { quiet } from '../support/memory-class.ts'
import { noProxy } from '../support/no-proxy.ts'
import { engineOfNode, nodeAddress, nodeNames, skipWithoutSwarm, swarmFolder } from '../support/swarm-lab.ts'
import { until } from '../support/until.ts'

const installation = `fleet-runtime-${process.pid}`
const own = [`class-runtime.installation=${installation}`]
const test = { 'class-runtime-test': installation }
const foreign = [`class-runtime-test=${installation}`]
const traefik = `${installation}-traefik`
const image = 'busybox:1.36'
/** Four subnets, each with an address for either node. */
const subnets = { base: 10 * 2 ** 24 + 249 * 2 ** 16, prefix: 24, size: 26 }

const cleanUp = cleanUpOfSuite(after)
let hasTraefik = false

async function asleep(engine: Engine, name: string, network?: string): Promise<void> {
  const HostConfig = { Init: true, ...(network === undefined ? {} : { NetworkMode: network }) }
  const body = { Image: image, Cmd: ['sleep', 'infinity'], Labels: test, HostConfig }
  const { Id } = await engine.containers.create({ name, body })
  await engine.containers.start(Id)
}

async function remove({ containers }: Engine, id: string): Promise<void> {
  await containers.unpause(id).catch(() => undefined)
  await containers.stop(id, { graceSeconds: 0 })
  await containers.remove(id)
}

async function removeNetwork(engines: readonly Engine[], id: string): Promise<void> {
  for (const engine of engines) {
    const network = await engine.networks.inspect(id).catch(() => undefined)
    const attached = Object.keys(network?.Containers ?? {}).filter((each) => !each.startsWith('lb-'))
    for (const container of attached) await engine.networks.disconnect(id, container, { force: true })
  }
  await until('the network to go', async () =>
    (engines[0] ?? assert.fail()).networks.remove(id).then(
      () => true,
      () => false,
    ),
  )
}

/** Removes everything with this label. */
async function clear(engines: readonly Engine[], label: string[]): Promise<void> {
  const [manager] = engines
  const filters = { label }
  for (const engine of engines) {
    for (const { Id } of await engine.containers.list({ all: true, filters })) await remove(engine, Id)
  }
  for (const { Id } of (await manager?.networks.list({ filters })) ?? []) await removeNetwork(engines, Id)
  for (const engine of engines) {
    for (const { Name } of await engine.volumes.list({ filters })) await engine.volumes.remove(Name)
  }
}

function handsOf(engines: readonly [Engine, Engine], proxies: readonly EngineProxy[]): Hands {
  const [manager, worker] = engines
  const engineOf = async (id: string): Promise<Engine> => {
    for (const engine of engines) {
      const found = await engine.containers.inspect(id).catch(() => undefined)
      if (found) return engine
    }
    return assert.fail(`no node has ${id}`)
  }
  const shell = async (id: string, script: string): Promise<void> => {
    const node = (await engineOf(id)) === manager ? 'a' : 'b'
    const host = `unix://${join(swarmFolder(), node, 'docker.sock')}`
    execFileSync('docker', ['-H', host, 'exec', '-i', id, 'sh', '-e', '-s'], { input: script })
  }
  return {
    write: (id, things) => shell(id, ['umask 022', ...things.map(commandFor)].join('\n')),
    print: (id, stream, line) => shell(id, `cat >/proc/1/fd/${stream === 'stdout' ? 1 : 2} <<'.'\n${line}.\n`),
    async kill(id) {
      const engine = await engineOf(id)
      await engine.containers.kill(id)
      await until('the list tells it', async () => {
        const [listed] = await engine.containers.list({ all: true, filters: { id: [id] } })
        return listed?.State === 'exited'
      })
    },
    async exhaustMemory(id) {
      const engine = await engineOf(id)
      await shell(id, 'touch ~/go')
      await until('it to run again', async () => {
        const { State, RestartCount } = await engine.containers.inspect(id)
        return RestartCount > 0 && State.Running && !State.Restarting
      })
    },
    start: async (id) => void (await (await engineOf(id)).containers.start(id)),
    pause: async (id) => void (await (await engineOf(id)).containers.pause(id)),
    removeContainer: async (id) => remove(await engineOf(id), id),
    removeNetwork: (id) => removeNetwork(engines, id),
    async take(kind, name) {
      const IPAM = { Config: [{ Subnet: '10.249.9.0/29' }] }
      if (kind === 'network') await manager.networks.create({ Name: name, Driver: 'bridge', Labels: test, IPAM })
      if (kind === 'volume') await worker.volumes.create({ Name: name, Labels: test })
      const body = { Image: image, Cmd: ['true'], Labels: test, HostConfig: {} }
      if (kind === 'container') await worker.containers.create({ name, body })
    },
    async enter(id) {
      const name = `${installation}-stranger`
      await asleep(worker, name, id)
      return () => remove(worker, name)
    },
    async useUpSubnets() {
      for (const at of [0, 64, 128, 192]) {
        const IPAM = { Config: [{ Subnet: `10.249.0.${at}/26` }] }
        const body = { Name: `${installation}-${at}`, Driver: 'bridge', Labels: test, IPAM } as const
        await manager.networks.create(body).catch(() => undefined)
      }
    },
    async isProxyIn(id) {
      const { Networks } = (await manager.containers.inspect(traefik)).NetworkSettings
      return Object.values(Networks ?? {}).some(({ NetworkID }) => NetworkID === id)
    },
    async renewProxy(present) {
      await remove(manager, traefik)
      hasTraefik = false
      if (present) await asleep(manager, traefik)
      hasTraefik = present
    },
    keepWrites: () => false,
    refuseStart() {
      for (const { plan } of proxies) plan.set({ fault: 'error-500', method: 'POST', url: /\/start$/, nth: 1 })
    },
    cutArchive() {
      for (const { plan } of proxies) plan.set({ fault: 'cut-at-boundary', method: 'GET', url: /\/archive\?/, nth: 1 })
    },
    halfRemove: async () => undefined,
  }
}

let opened: Promise<Site> | undefined
const proxies: EngineProxy[] = []
const engines: [Engine, Engine][] = []

async function openSite(): Promise<Site> {
  const both: [Engine, Engine] = [engineOfNode('a'), engineOfNode('b')]
  engines.push(both)
  const folder = await mkdtemp(join(tmpdir(), 'fleet-runtime-'))
  for (const name of nodeNames) {
    const socketPath = join(swarmFolder(), name, 'docker.sock')
    proxies.push(await openEngineProxy({ socketPath }, join(folder, `${nodeAddress[name]}.sock`)))
  }
  const runtime = createSwarmRuntime(
    { host: `unix://${join(swarmFolder(), 'a', 'docker.sock')}` },
    `unix://${folder}/{addr}.sock`,
    { installation, subnets, proxy: { ...noProxy, container: traefik } },
    { placements: async () => [], log: quiet },
  )
  cleanUp.after(async () => {
    if (hasTraefik) await remove(both[0], traefik)
    await Promise.all([runtime.close(), ...both.map((engine) => engine.close())])
    for (const proxy of proxies) await proxy.close()
    await rm(folder, { recursive: true })
  })
  const nodes = await Promise.all(both.map(async (engine) => (await engine.system.info()).Swarm?.NodeID ?? ''))
  return {
    ...{ runtime, nodes, rootId: 0, remembersExhaustion: true, hands: handsOf(both, proxies) },
    lab: { ...freezeLab(await runtime.image(image)), user: '1000:1000' },
    greedy: (plan: SessionPlan) => {
      const command = ['sh', '-c', 'until [ -e ~/go ]; do sleep 0.1; done; rm ~/go; exec tail /dev/zero']
      return { ...plan, frozenLab: { ...plan.frozenLab, command, memoryMb: 16 } }
    },
    ending: (plan: SessionPlan) => ({ ...plan, frozenLab: { ...plan.frozenLab, command: ['false'] } }),
  }
}

async function open(t: TestContext): Promise<Site> {
  opened ??= openSite()
  const site = await opened
  const [both] = engines
  assert.ok(both)
  if (!hasTraefik) await asleep(both[0], traefik)
  hasTraefik = true
  t.after(async () => {
    for (const { plan } of proxies) plan.set(undefined)
    await clear(both, own)
    const [manager] = both
    for (const { Id, Names } of await manager.containers.list({ all: true, filters: { label: foreign } })) {
      if (!Names?.includes(`/${traefik}`)) await remove(manager, Id)
    }
    await clear([both[1]], foreign)
    for (const { Id } of await manager.networks.list({ filters: { label: foreign } })) await removeNetwork(both, Id)
  })
  return site
}

conformance('Swarm', open, skipWithoutSwarm)
