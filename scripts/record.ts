// Records the engine at DOCKER_HOST into fixtures/engine/: `record.ts [--check] [SCENARIO...]`, all scenarios by default.
// --check compares with what is there instead. It makes and removes only what carries its own label, and the image it imports.

import { mkdtemp, rm } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Type } from '@sinclair/typebox'
import { createEngine, type Engine } from '../engine-api/index.ts'
import { classScenario, letWork, runClass } from '../test/fixtures/class-scenario.ts'
import { name, scenarios } from '../test/fixtures/scenarios.ts'
import { headerOf } from '../test/support/http-wire.ts'
import { type Exchange, type Recording, readRecording, writeRecording } from '../test/support/recording.ts'
import { openRecordingProxy, type RawExchange } from '../test/support/recording-proxy.ts'
import { shaped } from '../test/support/shape.ts'
import { comparable, fixtureInstallation, fixtureLabel, normalise } from '../test/support/stand-ins.ts'

const host = process.env['DOCKER_HOST'] ?? 'unix:///var/run/docker.sock'
const socketPath = host.replace(/^unix:\/\//, '')
const engine = createEngine({ host })

/** For what the engine client has no call for. */
function plainCall(method: string, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const call = request({ socketPath, method, path }, (answer) => {
      let text = ''
      answer.setEncoding('utf8')
      answer.on('data', (piece: string) => {
        text += piece
      })
      answer.on('end', () => resolve(text))
    })
    call.on('error', reject).end()
  })
}

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
  await plainCall('DELETE', `/v1.41/images/${name}:latest`)
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

async function record(scenario: string): Promise<RawExchange[]> {
  await removeOurs()
  const proxy = await openRecordingProxy(socketPath)
  try {
    await converse(scenario, proxy.host)
    return [...proxy.exchanges]
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

/** The first exchange that is not what was recorded before. */
function difference(before: readonly Exchange[], now: readonly Exchange[]): string | undefined {
  const count = Math.max(before.length, now.length)
  for (let index = 0; index < count; index++) {
    const [old, fresh] = [before[index], now[index]].map((each) => (each ? comparable(each) : 'nothing'))
    if (old !== fresh) return `exchange ${index + 1}\n  before: ${old}\n  now:    ${fresh}`
  }
  return undefined
}

const chosen = process.argv.slice(2)
const check = chosen.includes('--check')
const asked = chosen.filter((argument) => argument !== '--check')
const { DockerRootDir } = shaped(
  Type.Object({ DockerRootDir: Type.String() }),
  JSON.parse(await plainCall('GET', '/info')),
)

for (const scenario of asked.length > 0 ? asked : [...Object.keys(scenarios), classScenario]) {
  const raw = await record(scenario)
  const exchanges = normalise(raw, DockerRootDir)
  const { folder, ...about } = engineOf(raw)
  const head: Recording['head'] = { recordedAt: new Date().toISOString(), ...about, how: 'recorded' }
  if (!check) {
    await writeRecording(folder, scenario, { head, exchanges })
    console.log(`record: ${folder}/${scenario}: ${exchanges.length} exchanges`)
    continue
  }
  const before = await readRecording(folder, scenario)
  const found = difference(before.exchanges, exchanges)
  console.log(`record: ${folder}/${scenario}: ${found ?? `as on ${before.head.recordedAt.slice(0, 10)}`}`)
  if (found !== undefined) process.exitCode = 1
}
await engine.close()
