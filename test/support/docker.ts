// The engine by hand, through the docker command: what tests do and see here goes past the product on purpose.

import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { type Static, type TSchema, Type } from '@sinclair/typebox'
import { engineHost } from './live.ts'
import { shaped } from './shape.ts'

export interface Outcome {
  readonly exitCode: number
  readonly stdout: Buffer
  readonly stderr: string
}

/** Runs `docker ...` with `input` as its standard input, whatever its exit code. */
export async function tryDocker(args: readonly string[], input: string | Uint8Array = ''): Promise<Outcome> {
  const child = spawn('docker', ['-H', engineHost(), ...args], { stdio: 'pipe' })
  const ended = new Promise<number>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => resolve(code ?? -1))
  })
  // A command that ends early closes its standard input: its exit code says the rest.
  child.stdin.on('error', () => {})
  child.stdin.end(input)
  const [stdout, stderr] = await Promise.all([bytesOf(child.stdout), bytesOf(child.stderr)])
  return { exitCode: await ended, stdout, stderr: stderr.toString() }
}

/** As `tryDocker`, and fails unless the command succeeds. */
export async function docker(args: readonly string[], input: string | Uint8Array = ''): Promise<Buffer> {
  const { exitCode, stdout, stderr } = await tryDocker(args, input)
  if (exitCode !== 0) throw new Error(`docker ${args.join(' ').slice(0, 300)}: exit code ${exitCode}: ${stderr}`)
  return stdout
}

async function bytesOf(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of stream) chunks.push(chunk)
  return Buffer.concat(chunks)
}

const linesOf = (output: Buffer): string[] => output.toString().split('\n').filter(Boolean)

/** A shell script inside a running container, as the container's own user. Bytes in, bytes out. */
export const shell = (container: string, script: string | Uint8Array): Promise<Buffer> =>
  docker(['exec', '-i', container, 'sh', '-e', '-s'], script)

/** `docker inspect` of one thing, as far as `shape` says. */
export async function inspect<Shape extends TSchema>(
  type: 'container' | 'network' | 'volume' | 'image',
  name: string,
  shape: Shape,
): Promise<Static<Shape>> {
  const [found]: unknown[] = JSON.parse((await docker(['inspect', '--type', type, name])).toString())
  return shaped(shape, found)
}

/** As `inspect` for several containers in one call, in the order of their names or ids. */
export async function inspectContainers<Shape extends TSchema>(
  names: readonly string[],
  shape: Shape,
): Promise<Static<Shape>[]> {
  const found: unknown[] = JSON.parse((await docker(['inspect', '--type', 'container', ...names])).toString())
  return found.map((each) => shaped(shape, each))
}

const labelFilters = (labels: readonly string[]): string[] => labels.flatMap((label) => ['--filter', `label=${label}`])

/** Ids of all containers, running or not, with all of these labels (`name` or `name=value`). */
export const containersOf = async (...labels: string[]): Promise<string[]> =>
  linesOf(await docker(['ps', '--all', '--quiet', '--no-trunc', ...labelFilters(labels)]))

/** Names of all volumes with all of these labels: of several in one call, Podman gives volumes with any. */
export async function volumesOf(...labels: string[]): Promise<string[]> {
  const list = async (label: string) => linesOf(await docker(['volume', 'ls', '--quiet', ...labelFilters([label])]))
  const [first = [], ...others] = await Promise.all(labels.map(list))
  return first.filter((name) => others.every((names) => names.includes(name)))
}

/** Ids of all networks with these labels. */
export const networksOf = async (...labels: string[]): Promise<string[]> =>
  linesOf(await docker(['network', 'ls', '--quiet', '--no-trunc', ...labelFilters(labels)]))

/** What is on the engine with these labels, one line a thing: empty when nothing is. */
export async function leftovers(...labels: string[]): Promise<string[]> {
  const kinds = { container: containersOf, volume: volumesOf, network: networksOf }
  const lists = Object.entries(kinds).map(async ([kind, list]) => (await list(...labels)).map((id) => `${kind} ${id}`))
  return (await Promise.all(lists)).flat()
}

/** Removes by force everything with these labels, attached strangers of a network only being detached. */
export async function removeAll(...labels: string[]): Promise<void> {
  const containers = await containersOf(...labels)
  if (containers.length > 0) await docker(['rm', '--force', ...containers])
  for (const network of await networksOf(...labels)) {
    const { Containers } = await inspect('network', network, AttachedContainers)
    for (const id of Object.keys(Containers)) await docker(['network', 'disconnect', '--force', network, id])
    await docker(['network', 'rm', network])
  }
  const volumes = await volumesOf(...labels)
  if (volumes.length > 0) await docker(['volume', 'rm', '--force', ...volumes])
}

const AttachedContainers = Type.Object({ Containers: Type.Record(Type.String(), Type.Unknown()) })

const EngineEvent = Type.Object({
  Type: Type.String(),
  Action: Type.String(),
  Actor: Type.Object({ ID: Type.String(), Attributes: Type.Record(Type.String(), Type.String()) }),
})
export type EngineEvent = Static<typeof EngineEvent>

export interface EventWatch {
  /** Every event from the start of the watch to this call, in the engine's order. */
  upToNow(): Promise<EngineEvent[]>
}

/** Follows the engine's events until `cleanUp`, because the engine itself remembers only the last 256. */
export function watchEvents(cleanUp: { after(work: () => void): unknown }): EventWatch {
  const since = (Date.now() / 1000).toFixed(3)
  const args = ['-H', engineHost(), 'events', '--since', since, '--format', '{{json .}}']
  const child = spawn('docker', args, { stdio: ['ignore', 'pipe', 'inherit'] })
  cleanUp.after(() => void child.kill())
  const lines = createInterface({ input: child.stdout })
  const events: EngineEvent[] = []
  lines.on('line', (line) => events.push(shaped(EngineEvent, JSON.parse(line))))
  return {
    async upToNow() {
      // Events come in order: when that of this volume is there, so are all earlier ones.
      const marker = `event-marker-${randomUUID()}`
      await docker(['volume', 'create', marker])
      await docker(['volume', 'rm', marker])
      const isMarker = ({ Actor }: EngineEvent) => Actor.ID === marker
      while (!events.some(isMarker)) await once(lines, 'line')
      return events.slice(0, events.findIndex(isMarker)).filter(({ Actor }) => !Actor.ID.startsWith('event-marker-'))
    },
  }
}
