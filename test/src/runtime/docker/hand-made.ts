// What the tests of the runtime share where the engine's answers are hand-made.

import type { TestContext } from 'node:test'
import { createEngine } from '../../../../engine-api/index.ts'
import { parseCatalogue } from '../../../../src/catalogue/catalogue.ts'
import { containerName, label, volumeName } from '../../../../src/names.ts'
import type { DockerContext } from '../../../../src/runtime/docker/context.ts'
import { HealthLooks } from '../../../../src/runtime/docker/health.ts'
import { Proofs } from '../../../../src/runtime/docker/proofs.ts'
import { RuntimeError, type RuntimeErrorCode } from '../../../../src/runtime/errors.ts'
import type { SessionPlan } from '../../../../src/runtime/port.ts'
import { answerOf, type RawServer, type Respond, rawServer } from '../../../engine-api/raw-server.ts'
import { catalogueText, classId } from '../../../support/memory-class.ts'
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
    networks: { engine, driver: 'bridge' },
    installation,
    proxy: noProxy,
    subnets: { base: 10 * 2 ** 24, prefix: 24, size: 28 },
    reservedSubnets: new Set(),
    givenUpSubnets: new Map(),
    health: new HealthLooks(engine),
    proofs: new Proofs(),
  }
  return { context, server }
}

/** A container as inspected, never started. */
export const inspectedContainer = (id: string, name: string, Labels: Readonly<Record<string, string>> = {}) => ({
  Id: id,
  Name: `/${name}`,
  Created: '2026-01-02T03:04:05Z',
  Image: 'sha256:image',
  RestartCount: 0,
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

/** One student's sandbox of one session. */
export const studentId = 'SV001'
export const plan = makePlan()
export const volume = volumeName(plan.classId, studentId, plan.sessionId)
export const ours = { [label.installation]: installation, [label.session]: plan.sessionId }
/** Its container, or another one of that name. */
export const container = (labels: Readonly<Record<string, string>>) =>
  inspectedContainer('found', containerName(plan.classId, studentId), labels)

function makePlan(): SessionPlan {
  const catalogue = parseCatalogue(catalogueText())
  const { name, lab } = catalogue.findLab(catalogue.findClass(classId), undefined)
  return {
    classId,
    sessionId: '20260102t030405678z-00ff',
    subject: 'os101',
    lab: name,
    createdBy: 't-lan',
    expiresAt: '2026-01-02T06:04:05.678Z',
    frozenLab: { ...lab, name, imageId: 'sha256:image' },
  }
}

type Answer = Buffer | typeof lost

/** Breaks the connection instead of an answer: what was asked for may have been done. */
export const lost = 'lost'

/** An engine that answers `METHOD /path` as told, a list one by one, and has nothing else. */
export async function serve(t: TestContext, told: Readonly<Record<string, Answer | readonly Answer[]>>) {
  const nothing = answerOf(404, JSON.stringify({ message: 'page not found' }))
  const callOf = ({ method, target }: { method: string; target: string }) =>
    `${method} ${target.replace(/^\/v[\d.]+/, '').replace(/\?.*$/, '')}`
  const answers = new Map(Object.entries(told).map(([call, answer]) => [call, [answer].flat()]))
  const { context, server } = await contextWith(t, (socket, request) => {
    const ofCall = answers.get(callOf(request)) ?? []
    const answer = (ofCall.length > 1 ? ofCall.shift() : ofCall[0]) ?? nothing
    if (answer === lost) socket.destroy()
    else socket.write(answer)
  })
  return { context, calls: () => server.requests.map(callOf), requests: server.requests }
}

export const json = (status: number, body: object): Buffer => answerOf(status, JSON.stringify(body))

export const isError = (code: RuntimeErrorCode) => (error: unknown) =>
  error instanceof RuntimeError && error.code === code
