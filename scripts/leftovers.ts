// Lists what the service left on the engine at DOCKER_HOST: every container, volume and network with our installation label.
// Exits 1 when there is any: after a class is down, or a failed up, nothing may stay.

import { createEngine } from '../engine-api/index.ts'

const engine = createEngine({ host: process.env['DOCKER_HOST'] ?? 'unix:///var/run/docker.sock' })
const filters = { label: ['class-runtime.installation'] }
const containers = await engine.containers.list({ all: true, filters })
const volumes = await engine.volumes.list({ filters })
const networks = await engine.networks.list({ filters })
await engine.close()

const left = [
  ...containers.map((container) => `container ${container.Names?.join(' ') ?? container.Id} (${container.State})`),
  ...volumes.map((volume) => `volume ${volume.Name}`),
  ...networks.map((network) => `network ${network.Name}`),
]
for (const line of left) console.error(`leftovers: ${line}`)
console.log(`leftovers: ${left.length} of class-runtime on the engine`)
process.exitCode = left.length === 0 ? 0 : 1
