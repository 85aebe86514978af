// Says which engine answers at DOCKER_HOST; exits 1, with the reason, where none does.

import { createEngine } from '../engine-api/index.ts'

try {
  const engine = createEngine({ host: process.env['DOCKER_HOST'] ?? '' })
  const info = await engine.system.info({ signal: AbortSignal.timeout(10_000) })
  console.log(`engine: ${info.ServerVersion} on ${info.OperatingSystem}, ${info.NCPU} CPUs, storage ${info.Driver}`)
  await engine.close()
} catch (error) {
  console.error(`engine: ${error instanceof Error ? error.message : error}`)
  process.exitCode = 1
}
