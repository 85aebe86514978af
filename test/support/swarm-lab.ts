// The two nodes of a Swarm that `scripts/engine swarm` started and LIVE_SWARM names, to be killed, crashed, cut off and brought back.

import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { createEngine, type Engine, type SwarmNode } from '../../engine-api/index.ts'
import { until } from './until.ts'

/** `a` is the manager. */
export type NodeName = 'a' | 'b'
export const nodeNames: readonly NodeName[] = ['a', 'b']

/** In the network that `scripts/engine run` enters. */
export const nodeAddress = { a: '10.77.0.11', b: '10.77.0.12' } as const satisfies Record<NodeName, string>

const folder = process.env['LIVE_SWARM']?.trim() || undefined

/** For `test(name, { skip })`: why tests that need a Swarm cannot run, or false. */
export const skipWithoutSwarm: string | false =
  folder === undefined ? 'LIVE_SWARM is not set: scripts/proof swarm starts one' : false

/** Only for code of tests that are not skipped, as all below. */
export function swarmFolder(): string {
  if (folder === undefined) throw new Error('LIVE_SWARM is not set')
  return folder
}

const script = resolve(import.meta.dirname, '../../scripts/engine')

/** `kill` is a power cut, `crash` the death of dockerd alone, which comes back by itself; `cut` and `join` are about the link. */
export async function doToNode(word: 'kill' | 'start' | 'crash' | 'cut' | 'join', node: NodeName): Promise<void> {
  await promisify(execFile)(script, ['swarm', swarmFolder(), word, node])
}

/** What a command prints that runs where both addresses are reached; it is to end well. */
export async function inRoom(...command: readonly string[]): Promise<string> {
  return (await promisify(execFile)(script, ['run', swarmFolder(), ...command])).stdout
}

/** The routes of the node's own network, line by line. */
export async function routesOfNode(node: NodeName): Promise<string> {
  const first = await readFile(join(swarmFolder(), node, 'engine.pid'), 'utf8')
  return (await promisify(execFile)('nsenter', ['--net', '--target', first.trim(), 'ip', 'route'])).stdout
}

/** The node's engine at its Unix socket, which a cut link leaves alone. */
export const engineOfNode = (node: NodeName): Engine =>
  createEngine({ host: `unix://${join(swarmFolder(), node, 'docker.sock')}` })

/** What the manager says of it; undefined where the manager does not answer. */
export async function nodeAtManager(manager: Engine, node: NodeName): Promise<SwarmNode | undefined> {
  const nodes = await manager.nodes.list().catch(() => [])
  return nodes.find(({ Description }) => Description.Hostname === node)
}

export const untilNode = (manager: Engine, node: NodeName, state: string): Promise<void> =>
  until(`node ${node} to be ${state}`, async () => (await nodeAtManager(manager, node))?.Status.State === state)
