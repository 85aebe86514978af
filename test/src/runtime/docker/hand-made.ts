// What the tests of the runtime share where the engine's answers are hand-made.

import type { TestContext } from 'node:test'
import { createEngine } from '../../../../engine-api/index.ts'
import type { DockerContext } from '../../../../src/runtime/docker/context.ts'
import { type RawServer, type Respond, rawServer } from '../../../engine-api/raw-server.ts'
import { noProxy } from '../../../support/no-proxy.ts'

export const installation = 'campus'

/** A runtime's context on an engine that answers as `respond` does; the engine is closed with the test. */
export async function contextWith(
  t: TestContext,
  respond: Respond,
): Promise<{ context: DockerContext; server: RawServer }> {
  const server = await rawServer(t, respond)
  const engine = createEngine({ host: server.host })
  t.after(() => engine.close())
  const context: DockerContext = {
    engine,
    installation,
    proxy: noProxy,
    subnets: { base: 10 * 2 ** 24, prefix: 24, size: 28 },
    reservedSubnets: new Set(),
  }
  return { context, server }
}

/** A container as inspected, never started. */
export const inspectedContainer = (id: string, name: string, Labels: Readonly<Record<string, string>> = {}) => ({
  Id: id,
  Name: `/${name}`,
  Created: '2026-01-02T03:04:05Z',
  Image: 'sha256:image',
  Config: { Image: 'sha256:image', Labels, Tty: false },
  State: {
    Status: 'created',
    Running: false,
    Paused: false,
    Restarting: false,
    OOMKilled: false,
    Dead: false,
    ExitCode: 0,
    Error: '',
    StartedAt: '0001-01-01T00:00:00Z',
    FinishedAt: '0001-01-01T00:00:00Z',
  },
  HostConfig: { RestartPolicy: { Name: 'unless-stopped' }, Memory: 0, NanoCpus: 0 },
  Mounts: [],
  NetworkSettings: { Networks: {} },
})
