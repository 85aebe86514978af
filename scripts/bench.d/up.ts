// up-class of 30: against dockerode, and against the same containers made by as few calls as can be.

import { Type } from '@sinclair/typebox'
import { packTar } from '../../engine-api/index.ts'
import { docker, inspect, inspectContainers } from '../../test/support/docker.ts'
import { type CleanUp, downOf, openClassroom, raise } from './classroom.ts'
import { type Contestant, compare, timed } from './measure.ts'
import { hasPeers, runPeer } from './peer.ts'
import { callEngine, pooled } from './plain-http.ts'

const rounds = 3
const students = 30
const atOnce = 8

interface Sandbox {
  readonly name: string
  readonly volume: string
  /** Of its creation: what the service asked for. */
  readonly body: object
}

export async function run(cleanUp: CleanUp): Promise<void> {
  const room = await openClassroom(cleanUp, { store: 'directory', count: students })
  const service = await room.start()
  const made = await raise(service, 'a', room.students)
  const { network, sandboxes } = await describe(made)
  await downOf(service, made)

  /** The same sandboxes by other means, in a network like the class's, removed again. */
  const byHand = (name: string, make: () => Promise<number>): Contestant => ({
    name,
    async run() {
      const ms = await make()
      await remove(sandboxes, network.Name)
      return { ms }
    },
  })
  const raw = (withWorkspace: boolean): Promise<number> =>
    timed(async () => {
      await callEngine('POST', '/networks/create', network)
      await pooled(atOnce, sandboxes, (sandbox) => makeRaw(sandbox, withWorkspace))
    })
  const peer = byHand('dockerode, one after the other', async () => {
    return (await runPeer('seed-up.mjs', { network, sandboxes })).ms
  })
  await compare(`up of ${students}`, rounds, [
    byHand(`floor: volume, create, start; ${atOnce} at once`, () => raw(false)),
    byHand('floor, and whose workspace it is (an archive each)', () => raw(true)),
    {
      name: 'class-runtime',
      async run() {
        const ms = await timed(() => raise(service, 'a', room.students))
        await downOf(service, made)
        return { ms }
      },
    },
    ...(hasPeers() ? [peer] : []),
  ])
  await service.stop()
}

async function makeRaw({ name, volume, body }: Sandbox, withWorkspace: boolean): Promise<void> {
  await callEngine('POST', '/volumes/create', { Name: volume })
  const { Id } = JSON.parse(await callEngine('POST', `/containers/create?name=${name}`, body))
  if (withWorkspace) await callEngine('PUT', `/containers/${Id}/archive?path=/home`, await workspace())
  await callEngine('POST', `/containers/${Id}/start`)
}

async function workspace(): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  const directory = { name: 'student', type: 'directory', mode: 0o755, uid: 20_000, gid: 20_000, mtimeMs: 0 } as const
  for await (const chunk of packTar([directory])) chunks.push(chunk)
  return Buffer.concat(chunks)
}

const Described = Type.Object({
  Config: Type.Record(Type.String(), Type.Unknown()),
  HostConfig: Type.Record(Type.String(), Type.Unknown()),
  NetworkSettings: Type.Object({
    Networks: Type.Record(Type.String(), Type.Object({ IPAMConfig: Type.Unknown() })),
  }),
})
const Network = Type.Object({
  Name: Type.String(),
  IPAM: Type.Unknown(),
  Options: Type.Unknown(),
  Internal: Type.Boolean(),
})

const otherNetwork = 'bench-other'

/** What the service asked for, under other names. */
async function describe({ network, students: named }: Awaited<ReturnType<typeof raise>>) {
  const found = await inspectContainers(
    named.map(({ container }) => container),
    Described,
  )
  const sandboxes = found.map(({ Config, HostConfig, NetworkSettings }, index): Sandbox => {
    const { container = '', volume = '' } = named[index] ?? {}
    const [endpoint] = Object.values(NetworkSettings.Networks).map(({ IPAMConfig }) => ({ IPAMConfig }))
    const NetworkingConfig = { EndpointsConfig: { [otherNetwork]: endpoint } }
    const asked = { ...Config, HostConfig: { ...HostConfig, NetworkMode: otherNetwork }, NetworkingConfig }
    // The volume is named in its mount.
    const body: object = JSON.parse(JSON.stringify(asked).replaceAll(volume, `other-${volume}`))
    return { name: `other-${container}`, volume: `other-${volume}`, body }
  })
  return { sandboxes, network: { ...(await inspect('network', network, Network)), Name: otherNetwork } }
}

async function remove(sandboxes: readonly Sandbox[], network: string): Promise<void> {
  await docker(['rm', '--force', ...sandboxes.map(({ name }) => name)])
  await docker(['volume', 'rm', ...sandboxes.map(({ volume }) => volume)])
  await docker(['network', 'rm', network])
}
