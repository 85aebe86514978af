// What the demo does on the engine beside the service: the lab image, a stand-in for Traefik, commands in containers, and the clean-up.

import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { createEngine, type Engine, isEngineError } from '../engine-api/index.ts'

export interface Stage {
  readonly engine: Engine
  /** Runs a command in a container and gives its output; a non-zero exit code is an error. */
  run(container: string, ...command: string[]): Promise<string>
  /** The name of an image to make sandboxes from: the real busybox where it can be had, else one made from this machine's. */
  labImage(): Promise<string>
  /** Starts a container that does nothing; up-class attaches it to the class network, as it would Traefik. */
  startStandIn(image: string): Promise<string>
  /** Ids and names of what the service made and has not removed. */
  remains(): Promise<string[]>
  /** Removes the stand-in and, after a failure, what remains. */
  cleanUp(): Promise<void>
}

/** `installation` is the service's INSTALLATION_ID: it tells our things from everybody else's. */
export function createStage(installation: string, standInName: string, signal: AbortSignal): Stage {
  const engine = createEngine({ host: process.env['DOCKER_HOST'] ?? 'unix:///var/run/docker.sock' })
  const filters = { label: [`class-runtime.installation=${installation}`] }
  return { engine, run, labImage, startStandIn, remains, cleanUp }

  async function run(container: string, ...command: string[]): Promise<string> {
    const result = await engine.exec.run(container, { command, timeoutMs: 60_000, maxOutputBytes: 1_000_000, signal })
    if (result.exitCode !== 0)
      throw new Error(`${command[0]} ended with ${result.exitCode}:\n${result.stdout}${result.stderr}`)
    return result.stdout.toString()
  }

  async function labImage(): Promise<string> {
    const wanted = 'busybox:1.36'
    if (await hasImage(wanted)) return wanted
    try {
      await engine.images.pull(wanted, { signal: AbortSignal.any([signal, AbortSignal.timeout(30_000)]) })
      return wanted
    } catch (error) {
      signal.throwIfAborted()
      console.log(`  no registry gives ${wanted} here (${error instanceof Error ? error.message : error})`)
    }
    // Under a name of its own: on somebody's engine nothing may pass for the real busybox.
    const made = 'class-runtime-demo:busybox'
    const script = join(import.meta.dirname, 'lab-image.ts')
    const maker = spawnSync(process.execPath, ['--import', 'tsx', script, made], { stdio: 'inherit' })
    if (maker.status !== 0) throw new Error('there is no lab image')
    console.log(`  on an engine of yours it stays for the next time; 'docker rmi ${made}' removes it`)
    return made
  }

  async function hasImage(name: string): Promise<boolean> {
    try {
      await engine.images.inspect(name, { signal })
      return true
    } catch (error) {
      if (isEngineError(error, 'not-found')) return false
      throw error
    }
  }

  async function startStandIn(image: string): Promise<string> {
    const body = { Image: image, Cmd: ['sleep', '86400'], HostConfig: { Init: true } }
    const { Id } = await engine.containers.create({ name: standInName, body }, { signal })
    await engine.containers.start(Id, { signal })
    return Id
  }

  async function remains(): Promise<string[]> {
    const containers = await engine.containers.list({ all: true, filters })
    const volumes = await engine.volumes.list({ filters })
    const networks = await engine.networks.list({ filters })
    return [...containers.map(({ Id }) => Id), ...volumes.map(({ Name }) => Name), ...networks.map(({ Name }) => Name)]
  }

  async function cleanUp(): Promise<void> {
    const standIns = await engine.containers.list({ all: true, filters: { name: [`^/${standInName}$`] } })
    const sandboxes = await engine.containers.list({ all: true, filters })
    for (const { Id } of [...sandboxes, ...standIns]) {
      await engine.containers.stop(Id, { graceSeconds: 1 })
      await engine.containers.remove(Id)
    }
    for (const { Name } of await engine.volumes.list({ filters })) await engine.volumes.remove(Name)
    for (const { Id } of await engine.networks.list({ filters })) await engine.networks.remove(Id)
    await engine.close()
  }
}
