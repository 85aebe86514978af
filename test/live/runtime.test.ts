// The runtime on a real Docker Engine does what every runtime must. Other hands are a client of their own, the docker command, and
// a proxy before the engine's socket that refuses or cuts an answer.

import { execFileSync, spawnSync } from 'node:child_process'
import { access, constants, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, type TestContext } from 'node:test'
import { Type } from '@sinclair/typebox'
import { createEngine, type Engine } from '../../engine-api/index.ts'
import { createDockerRuntime } from '../../src/runtime/docker/runtime.ts'
import type { SessionPlan } from '../../src/runtime/port.ts'
import { type EngineProxy, openEngineProxy } from '../faults/engine-proxy.ts'
import type { Hands, Site } from '../src/runtime/conformance/site.ts'
import { conformance } from '../src/runtime/conformance.ts'
import { commandFor } from '../support/commands-of-things.ts'
import { docker, inspect, shell, tryDocker } from '../support/docker.ts'
import { cleanUpOfSuite } from '../support/faults.ts'
import { freezeLab } from '../support/frozen-lab.ts'
import { engineHost, skipWithoutEngine } from '../support/live.ts'
import { noProxy } from '../support/no-proxy.ts'
import { rootIdOf } from '../support/remapped.ts'
import { until } from '../support/until.ts'

const installation = `runtime-${process.pid}`
const own = `class-runtime.installation=${installation}`
/** On what these tests make by other hands. */
const foreign = `class-runtime-test=${installation}`
const traefik = `${installation}-traefik`
const image = 'busybox:1.36'
/** Four subnets. */
const subnets = { base: 10 * 2 ** 24 + 246 * 2 ** 16, prefix: 27, size: 29 }

const cleanUp = cleanUpOfSuite(after)

const asleep = ['--init', image, 'sleep', 'infinity']
let hasProxy = false

async function runProxy(): Promise<void> {
  await docker(['run', '-d', '--name', traefik, ...asleep])
  hasProxy = true
}

async function removeProxy(): Promise<void> {
  await docker(['rm', '--force', traefik])
  hasProxy = false
}

const Data = Type.Object({ UpperDir: Type.String() })
/** Absent or null where the images are containerd's. */
const Layer = Type.Object({ GraphDriver: Type.Optional(Type.Object({ Data: Type.Union([Data, Type.Null()]) })) })

async function removeNetwork({ networks }: Engine, id: string): Promise<void> {
  const attached = Object.keys((await networks.inspect(id)).Containers ?? {})
  for (const container of attached) await networks.disconnect(id, container, { force: true })
  await networks.remove(id)
}

/** Removes everything with this label. */
async function clear(engine: Engine, label: string): Promise<void> {
  const filters = { label: [label] }
  const containers = await engine.containers.list({ all: true, filters })
  if (containers.length > 0) await docker(['rm', '--force', ...containers.map(({ Id }) => Id)])
  for (const { Id } of await engine.networks.list({ filters })) await removeNetwork(engine, Id)
  for (const { Name } of await engine.volumes.list({ filters })) await engine.volumes.remove(Name)
}

function handsOf(engine: Engine, { plan }: EngineProxy): Hands {
  return {
    write: async (id, things) => void (await shell(id, ['umask 022', ...things.map(commandFor)].join('\n'))),
    print: async (id, stream, line) =>
      void (await shell(id, `cat >/proc/1/fd/${stream === 'stdout' ? 1 : 2} <<'.'\n${line}.\n`)),
    async kill(id) {
      await engine.containers.kill(id)
      await until('the list tells it', async () => {
        const [listed] = await engine.containers.list({ all: true, filters: { id: [id] } })
        return listed?.State === 'exited'
      })
    },
    async exhaustMemory(id) {
      await shell(id, 'touch ~/go')
      await until('it to run again', async () => {
        const { State, RestartCount } = await engine.containers.inspect(id)
        return RestartCount > 0 && State.Running && !State.Restarting
      })
    },
    start: async (id) => void (await engine.containers.start(id)),
    pause: async (id) => void (await engine.containers.pause(id)),
    removeContainer: async (id) => void (await docker(['rm', '--force', id])),
    removeNetwork: (id) => removeNetwork(engine, id),
    async take(kind, name) {
      const words = kind === 'container' ? ['create', '--name', name, '--label', foreign, image, 'true'] : undefined
      const range = kind === 'network' ? ['--subnet', '10.246.1.0/29'] : []
      await docker(words ?? [kind, 'create', '--label', foreign, ...range, name])
    },
    async enter(id) {
      const name = `${installation}-stranger`
      await docker(['run', '-d', '--name', name, '--label', foreign, '--network', id, ...asleep])
      return async () => void (await docker(['rm', '--force', name]))
    },
    async useUpSubnets() {
      for (const at of [0, 8, 16, 24]) {
        const name = `${installation}-${at}`
        await tryDocker(['network', 'create', '--label', foreign, '--subnet', `10.246.0.${at}/29`, name])
      }
    },
    async isProxyIn(id) {
      const { Name } = await engine.networks.inspect(id)
      const { Networks } = (await engine.containers.inspect(traefik)).NetworkSettings
      return Name in (Networks ?? {})
    },
    async renewProxy(present) {
      await removeProxy()
      if (present) await runProxy()
    },
    keepWrites: () => false,
    refuseStart: () => plan.set({ fault: 'error-500', method: 'POST', url: /\/start$/, nth: 1 }),
    cutArchive: () => plan.set({ fault: 'cut-at-boundary', method: 'GET', url: /\/archive\?/, nth: 1 }),
    async halfRemove(id) {
      const { UpperDir } = (await inspect('container', id, Layer)).GraphDriver?.Data ?? {}
      if (UpperDir === undefined) return undefined
      const isHere = await access(UpperDir, constants.W_OK).then(
        () => true,
        () => false,
      )
      if (!isHere || spawnSync('sh', ['-c', 'command -v chattr']).status !== 0) return undefined
      const path = join(UpperDir, 'stays')
      await writeFile(path, '')
      execFileSync('chattr', ['+i', path])
      cleanUp.after(async () => void spawnSync('chattr', ['-i', path]))
      await tryDocker(['rm', '--force', id])
      return async () => void execFileSync('chattr', ['-i', path])
    },
  }
}

let opened: Promise<Site & { readonly engine: Engine }> | undefined
let proxy: EngineProxy | undefined

async function openSite() {
  const engine = createEngine({ host: engineHost() })
  const folder = await mkdtemp(join(tmpdir(), 'runtime-'))
  proxy = await openEngineProxy({ socketPath: engineHost().replace('unix://', '') }, join(folder, 'engine.sock'))
  const runtime = createDockerRuntime(
    { host: proxy.host },
    { installation, subnets, proxy: { ...noProxy, container: traefik } },
  )
  cleanUp.after(async () => {
    if (hasProxy) await removeProxy()
    await Promise.all([runtime.close(), engine.close()])
    await proxy?.close()
    await rm(folder, { recursive: true })
  })
  const info = await engine.system.info()
  return {
    engine,
    runtime,
    hands: handsOf(engine, proxy),
    lab: { ...freezeLab(await runtime.image(image)), user: '1000:1000' },
    greedy: (plan: SessionPlan) => {
      const command = ['sh', '-c', 'until [ -e ~/go ]; do sleep 0.1; done; rm ~/go; exec tail /dev/zero']
      return { ...plan, frozenLab: { ...plan.frozenLab, command, memoryMb: 16 } }
    },
    nodes: [],
    rootId: rootIdOf(info),
    // Seen on Docker 20.10; forgotten on 26 and 28. In between nothing was run.
    remembersExhaustion: Number.parseInt(info.ServerVersion, 10) < 26,
    ending: (plan: SessionPlan) => ({ ...plan, frozenLab: { ...plan.frozenLab, command: ['false'] } }),
  }
}

async function open(t: TestContext): Promise<Site> {
  opened ??= openSite()
  const site = await opened
  if (!hasProxy) await runProxy()
  t.after(async () => {
    proxy?.plan.set(undefined)
    await clear(site.engine, own)
    await clear(site.engine, foreign)
  })
  return site
}

conformance('Docker', open, skipWithoutEngine)
