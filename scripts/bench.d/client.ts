// What a call of the engine costs the caller in processor time: our client, dockerode, and node:http with JSON.parse.

import { createEngine } from '../../engine-api/index.ts'
import { engineHost } from '../../test/support/live.ts'
import { type CleanUp, openClassroom, raise } from './classroom.ts'
import { compare, type Sample } from './measure.ts'
import { hasPeers, runPeer } from './peer.ts'
import { callEngine } from './plain-http.ts'

const rounds = 3
const warm = 300

export async function run(cleanUp: CleanUp): Promise<void> {
  for (const [count, times] of [
    [20, 1000],
    [200, 200],
  ] as const) {
    const room = await openClassroom(cleanUp, { store: 'directory', count })
    const service = await room.start()
    const { students } = await raise(service, 'a', room.students)
    const container = students[0]?.container ?? ''
    await compareCalls(count, times, container)
    await service.post('/room/down-class', { classId: 'a' })
    await service.stop()
  }
}

async function compareCalls(count: number, times: number, container: string): Promise<void> {
  const engine = createEngine({ host: engineHost() })
  const calls = {
    ping: { ours: () => engine.system.ping(), plain: () => callEngine('GET', '/_ping') },
    inspect: {
      ours: () => engine.containers.inspect(container),
      plain: async () => JSON.parse(await callEngine('GET', `/containers/${container}/json`)),
    },
    list: {
      ours: () => engine.containers.list({ all: true }),
      plain: async () => JSON.parse(await callEngine('GET', '/containers/json?all=true')),
    },
  }
  for (const [call, { ours, plain }] of Object.entries(calls)) {
    if (count > 20 && call !== 'list') continue
    const peer = { name: 'dockerode', run: () => runPeer('client.mjs', { call, container, times, warm }) }
    await compare(`processor time of a call: ${call}${call === 'list' ? ` of ${count}` : ''}`, rounds, [
      { name: 'node:http', run: () => costOf(plain, times) },
      { name: 'engine-api', run: () => costOf(ours, times) },
      ...(hasPeers() ? [peer] : []),
    ])
  }
  await engine.close()
}

async function costOf(call: () => Promise<unknown>, times: number): Promise<Sample> {
  for (let count = 0; count < warm; count++) await call()
  const before = process.cpuUsage()
  for (let count = 0; count < times; count++) await call()
  const { user, system } = process.cpuUsage(before)
  return { ms: (user + system) / 1000 / times }
}
