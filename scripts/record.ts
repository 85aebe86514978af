// Records the engine at DOCKER_HOST into fixtures/engine/: `record.ts [--check] [SCENARIO...]`, by default all scenarios for what it
// is: in no Swarm, or a manager or a worker of `scripts/engine swarm`.
// --check compares with what is there instead. It makes and removes only what carries its own label, and the image it imports.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Type } from '@sinclair/typebox'
import { createEngine, type Engine } from '../engine-api/index.ts'
import { classScenario, letWork, runClass } from '../test/fixtures/class-scenario.ts'
import { name, scenarios } from '../test/fixtures/scenarios.ts'
import { headerOf } from '../test/support/http-wire.ts'
import {
  type Exchange,
  type Recording,
  readRecording,
  recordedEngines,
  writeRecording,
} from '../test/support/recording.ts'
import { openRecordingProxy, type RawExchange } from '../test/support/recording-proxy.ts'
import { rootIdOf } from '../test/support/remapped.ts'
import { shaped } from '../test/support/shape.ts'
import { comparable, fixtureInstallation, fixtureLabel, normalise } from '../test/support/stand-ins.ts'

const host = process.env['DOCKER_HOST'] ?? 'unix:///var/run/docker.sock'
const socketPath = host.replace(/^unix:\/\//, '')
const engine = createEngine({ host })

async function removeOurs(): Promise<void> {
  for (const label of [`${fixtureLabel}=yes`, `class-runtime.installation=${fixtureInstallation}`]) {
    const filters = { label: [label] }
    for (const { Id } of await engine.containers.list({ all: true, filters })) {
      await engine.containers.stop(Id, { graceSeconds: 0 })
      await engine.containers.remove(Id)
    }
    for (const { Name } of await engine.volumes.list({ filters })) await engine.volumes.remove(Name)
    for (const { Id } of await engine.networks.list({ filters })) await engine.networks.remove(Id)
  }
  for (const tag of ['latest', 'second']) await engine.images.remove(`${name}:${tag}`)
}

async function converse(scenario: string, recordedHost: string): Promise<void> {
  if (scenario === classScenario) {
    const folder = await mkdtemp(join(tmpdir(), 'record-'))
    await runClass(recordedHost, folder, () => letWork(engine)).finally(() => rm(folder, { recursive: true }))
    return
  }
  const found = scenarios[scenario]
  if (found === undefined) throw new Error(`there is no scenario ${scenario}`)
  await found.prepare?.(engine)
  const recorded: Engine = createEngine({ host: recordedHost })
  await Promise.resolve(found.run(recorded)).finally(() => recorded.close())
}

async function record(scenario: string): Promise<readonly RawExchange[]> {
  await removeOurs()
  const proxy = await openRecordingProxy(socketPath)
  try {
    await converse(scenario, proxy.host)
    return await proxy.exchanges()
  } finally {
    await proxy.close()
    await removeOurs()
  }
}

/** Such as `docker-20.10`, by what the engine calls itself. */
function engineOf(exchanges: readonly RawExchange[]): { folder: string; engine: string; api: string } {
  const headers = exchanges[0]?.response ?? { headers: [] }
  const server = headerOf(headers, 'server') ?? ''
  const [, product, version] = /^(\w+)\/(\d+\.\d+)/.exec(server) ?? []
  if (product === undefined) throw new Error(`the engine calls itself '${server}'`)
  const folder = `${product === 'Libpod' ? 'podman' : product.toLowerCase()}-${version}`
  return { folder, engine: server, api: headerOf(headers, 'api-version') ?? '' }
}

/** Where the first exchange differs from what was recorded before, with what stands around it. */
function difference(before: readonly Exchange[], now: readonly Exchange[]): string | undefined {
  const count = Math.max(before.length, now.length)
  for (let index = 0; index < count; index++) {
    const [old = '', fresh = ''] = [before[index], now[index]].map((each) => (each ? comparable(each) : 'nothing'))
    if (old === fresh) continue
    let at = 0
    while (old[at] === fresh[at]) at++
    const around = (text: string): string => text.slice(Math.max(0, at - 150), at + 150)
    return `exchange ${index + 1} differs\n  before: ${around(old)}\n  now:    ${around(fresh)}`
  }
  return undefined
}

/** Why this engine on this host cannot be as it was recorded, whatever it answers. */
async function incomparable(folder: string, head: Recording['head']): Promise<string | undefined> {
  const engines = recordedEngines()
  if (rootIdOf(info) > 0) return 'this engine remaps its users, and none was recorded that does'
  if (!engines.includes(folder)) return `${folder} is not recorded, only ${engines.join(', ')}`
  const { engine, cgroupVersion } = readRecording(folder, 'system-ping').head
  if (engine !== head.engine) return `this is ${head.engine}, and recorded is ${engine}`
  if (cgroupVersion === head.cgroupVersion) return undefined
  return `this host has cgroups ${head.cgroupVersion}, and it was recorded with ${cgroupVersion}`
}

function fitting(): string[] {
  const { LocalNodeState, ControlAvailable } = info.Swarm ?? { LocalNodeState: 'inactive', ControlAvailable: false }
  const node = ControlAvailable ? 'manager' : 'worker'
  const place = LocalNodeState === 'inactive' ? undefined : node
  const names = Object.keys(scenarios).filter((each) => scenarios[each]?.on === place)
  return place === undefined ? [...names, classScenario] : names
}

const began = performance.now()
const chosen = process.argv.slice(2)
const check = chosen.includes('--check')
const asked = chosen.filter((argument) => argument !== '--check')
const info = await engine.system.info()
const { DockerRootDir, CgroupVersion } = shaped(
  Type.Object({ DockerRootDir: Type.String(), CgroupVersion: Type.String() }),
  info,
)
const { folder, ...about } = engineOf(await record('system-ping'))
const head: Recording['head'] = {
  recordedAt: new Date().toISOString(),
  ...about,
  cgroupVersion: CgroupVersion,
  how: 'recorded',
}
const reason = check ? await incomparable(folder, head) : undefined
if (reason === undefined) await goThrough(asked.length > 0 ? asked : fitting())
else console.log(`record: not compared: ${reason}`)
await engine.close()

async function goThrough(names: readonly string[]): Promise<void> {
  let different = 0
  for (const scenario of names) {
    const raw = await record(scenario).catch((error: unknown) => {
      console.error(`record: ${folder}/${scenario} failed:`, error)
      process.exitCode = 1
    })
    if (raw === undefined) continue
    const exchanges = normalise(raw, DockerRootDir)
    if (!check) {
      await writeRecording(folder, scenario, { head, exchanges })
      console.log(`record: ${folder}/${scenario}: ${exchanges.length} exchanges`)
      continue
    }
    const before = readRecording(folder, scenario)
    const found = difference(before.exchanges, exchanges)
    if (found === undefined) continue
    different++
    console.error(`record: ${folder}/${scenario}, recorded on ${before.head.recordedAt.slice(0, 10)}: ${found}`)
  }
  const took = `${((performance.now() - began) / 1000).toFixed(1)} s`
  if (!check) console.log(`record: ${names.length} scenarios of ${folder} in ${took}`)
  else if (different === 0) console.log(`record: ${folder} answers as recorded: ${names.length} scenarios in ${took}`)
  else {
    console.error(`record: ${folder} answers otherwise in ${different} of ${names.length} scenarios`)
    process.exitCode = 1
  }
}
