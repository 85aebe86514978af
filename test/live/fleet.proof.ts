// Classes over the two nodes of a real Swarm: up, worked in, down, every file in its bag and nothing left on either; and the same
// while a node dies, is cut off or is drained. The class actions run in this process, on the fleet runtime and a store in a folder.

import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, type TestContext, test } from 'node:test'
import type { Engine } from '../../engine-api/index.ts'
import { parseCatalogue } from '../../src/catalogue/catalogue.ts'
import { ClassActions } from '../../src/classes/class-actions.ts'
import type { ClassContext } from '../../src/classes/context.ts'
import { Sweep } from '../../src/classes/sweep.ts'
import { orderUp } from '../../src/classes/up/order.ts'
import { Reservations } from '../../src/classes/up/reservations.ts'
import { createGroupGate } from '../../src/gate.ts'
import { containerName, label } from '../../src/names.ts'
import { Leases } from '../../src/operations/lease.ts'
import { Operations } from '../../src/operations/operations.ts'
import { createSwarmRuntime } from '../../src/runtime/docker/swarm.ts'
import type { Runtime } from '../../src/runtime/port.ts'
import { placementsOf } from '../../src/sessions/placements.ts'
import { readSession, type SessionRecord } from '../../src/sessions/record.ts'
import { createDirectoryStore } from '../../src/store/directory/store.ts'
import { cleanUpOfSuite } from '../support/faults.ts'
import { file } from '../support/memory-archive.ts'
import { quiet } from '../support/memory-class.ts'
import { isCollected } from '../support/memory-referee.ts'
import { noProxy } from '../support/no-proxy.ts'
import {
  doToNode,
  engineOfNode,
  type NodeName,
  nodeNames,
  skipWithoutSwarm,
  swarmFolder,
  untilNode,
} from '../support/swarm-lab.ts'
import { until } from '../support/until.ts'

const installation = `fleet-${process.pid}`
const filters = { label: [`${label.installation}=${installation}`] }
const students = ['S1', 'S2', 'S3', 'S4', 'S5', 'S6'] as const

const workOf = (studentId: string) => [file('work.txt', `work of ${studentId}`)]

describe('a fleet of two nodes', { skip: skipWithoutSwarm, timeout: 900_000 }, () => {
  const cleanUp = cleanUpOfSuite(after)
  const engines = new Map<NodeName, Engine>()
  let memoryMb = 0
  let classes = 0

  const engineOf = (name: NodeName): Engine => engines.get(name) ?? assert.fail()

  before(async () => {
    for (const name of nodeNames) engines.set(name, engineOfNode(name))
    cleanUp.after(async () => void (await Promise.all([...engines.values()].map((engine) => engine.close()))))
    // Four of them fill a node, so that a class of six is on both.
    memoryMb = Math.floor((await engineOf('a').system.info()).MemTotal / 2 ** 20 / 4)
  })

  /** A class of its own, which is removed from both nodes however the test ends. */
  async function openClass(t: TestContext) {
    const folder = await mkdtemp(join(tmpdir(), 'fleet-'))
    const store = createDirectoryStore(folder)
    classes++
    const classId = `fleet-${classes}`
    const catalogue = parseCatalogue(
      JSON.stringify({
        labs: { lab: { image: 'busybox:1.36', command: ['sleep', 'infinity'], memoryMb, cpus: 0.1, stopSeconds: 1 } },
        subjects: { subject: { labs: ['lab'] } },
        classes: { [classId]: { subject: 'subject', lab: 'lab', students } },
      }),
    )
    const open = (): Runtime =>
      createSwarmRuntime(
        { host: `unix://${join(swarmFolder(), 'a', 'docker.sock')}`, certPath: join(swarmFolder(), 'tls', 'client') },
        'tcp://{addr}:2376',
        { installation, proxy: noProxy, subnets: { base: 10 * 2 ** 24 + 248 * 2 ** 16, prefix: 16, size: 26 } },
        { placements: (...session) => placementsOf(store, ...session), log: quiet },
      )
    const runtime = open()
    t.after(async () => {
      await runtime.close()
      for (const engine of engines.values()) await clear(engine)
      for (const { Id } of await engineOf('a').networks.list({ filters })) await engineOf('a').networks.remove(Id)
      await rm(folder, { recursive: true, force: true })
    })
    const contextOn = (on: Runtime): ClassContext => ({
      ...{ runtime: on, store, installation, maxStudents: 40, sandboxUids: { first: 20_000, last: 30_000 } },
      ...{ upGate: createGroupGate(4), collectGate: createGroupGate(4), stopGate: createGroupGate(8) },
      ...{ reservations: new Reservations(), traefik: undefined },
    })
    const context = contextOn(runtime)
    const operations = new Operations()
    const actions = new ClassActions(context, operations, new Leases(store))
    const sweep = new Sweep(context, actions, quiet, { everyMs: 1000, graceMs: 300_000 })
    const caller = { actor: 'tester', requestId: 'request', log: quiet }
    const ended = async (operation: ReturnType<ClassActions['up']>) => {
      await operation.ended
      return operation.view()
    }
    const sessionId = async () => (await store.folders(`${classId}/`)).at(-1) ?? assert.fail('no session')
    const record = async (): Promise<SessionRecord> =>
      (await readSession(store, classId, await sessionId())) ?? assert.fail('no record')
    return {
      ...{ classId, runtime, context, record, folder },
      up: () => ended(actions.up(orderUp(catalogue, { classId }), caller)),
      down: (allowPartial = false) => ended(actions.down({ classId, allowPartial }, caller)),
      /** Rounds until the session has ended. */
      untilEnded: () =>
        until('the session to end', async () => {
          await sweep.round()
          await operations.runningFor(classId)?.ended
          return (await record()).ended !== undefined
        }),
      isSafe: async (studentId: string) =>
        isCollected(join(folder, classId, await sessionId(), studentId), workOf(studentId)),
      seatsOn: async (name: NodeName) => {
        const id = (await engineOf(name).system.info()).Swarm?.NodeID
        return (await record()).seats?.flatMap(({ studentId, node }) => (node === id ? [studentId] : [])) ?? []
      },
    }
  }

  /** As a student would, past the service. */
  async function work(name: NodeName, classId: string, studentId: string): Promise<void> {
    const command = ['sh', '-c', `printf 'work of ${studentId}' >work.txt`]
    const { exitCode } = await engineOf(name).exec.run(containerName(classId, studentId), {
      ...{ command, timeoutMs: 30_000, maxOutputBytes: 1000 },
    })
    assert.equal(exitCode, 0)
  }

  async function openWorked(t: TestContext) {
    const ofClass = await openClass(t)
    const { problem } = await ofClass.up()
    assert.equal(problem, null, JSON.stringify(problem))
    const on = { a: await ofClass.seatsOn('a'), b: await ofClass.seatsOn('b') }
    assert.deepEqual([on.a.length, on.b.length], [3, 3])
    for (const name of nodeNames) for (const studentId of on[name]) await work(name, ofClass.classId, studentId)
    return { ...ofClass, on }
  }

  async function left(): Promise<string[]> {
    const found: string[] = []
    for (const [name, engine] of engines) {
      for (const { Names } of await engine.containers.list({ all: true, filters })) found.push(`${name} ${Names}`)
      for (const { Name } of await engine.volumes.list({ filters })) found.push(`${name} ${Name}`)
    }
    for (const { Name } of await engineOf('a').networks.list({ filters })) found.push(Name)
    return found
  }

  const outcomesOf = (answer: object | null) => JSON.parse(JSON.stringify(answer)).students
  type Outcome = { readonly studentId: string; readonly state: string; readonly error?: { readonly code: string } }
  const codes = (answer: object | null): string[] =>
    outcomesOf(answer).map(({ state, error }: Outcome) => `${state} ${error?.code ?? ''}`.trim())

  test('a class over both is up, works, sees each other and is down: every file in its bag, nothing left', async (t) => {
    const { classId, down, isSafe, on, runtime } = await openWorked(t)
    const [session] = await runtime.survey(classId)
    assert.ok(session?.sandboxes.every(({ state, isDetached }) => state === 'running' && !isDetached))
    assert.equal(new Set(session?.sandboxes.map(({ server }) => server)).size, students.length)
    const [one, other] = [on.a[0] ?? '', on.b[0] ?? '']
    const ping = { command: ['ping', '-c1', '-W5', other.toLowerCase()], timeoutMs: 20_000, maxOutputBytes: 1000 }
    await engineOf('a').exec.run(containerName(classId, one), ping)
    const { problem, result } = await down()
    assert.equal(problem, null, JSON.stringify(problem))
    assert.deepEqual(new Set(codes(result)), new Set(['removed']))
    for (const studentId of students) assert.ok(await isSafe(studentId), studentId)
    await until('the manager to have nothing of it', async () => (await left()).length === 0)
  })

  test('sandboxes that the death of an engine left stopped run again, with their files', async (t) => {
    const { on, classId, runtime, down, isSafe } = await openWorked(t)
    await doToNode('crash', 'b')
    const states = async () => {
      const sessions = await runtime.survey().catch(() => [])
      return sessions.find((each) => each.classId === classId)?.sandboxes.map(({ state }) => state) ?? []
    }
    await until('one of them not to run', async () => (await states()).some((state) => state !== 'running'))
    await until('all of them to run again', async () => {
      const found = await states()
      return found.length === students.length && found.every((state) => state === 'running')
    })
    const { problem } = await down()
    assert.equal(problem, null, JSON.stringify(problem))
    for (const studentId of on.b) assert.ok(await isSafe(studentId))
  })

  test('a link that is cut keeps its students, and all is finished by itself when it is back', async (t) => {
    const { on, down, isSafe, untilEnded, record, up } = await openWorked(t)
    await doToNode('cut', 'b')
    t.after(() => doToNode('join', 'b').catch(() => undefined))
    const { result, problem } = await down(true)
    assert.equal(problem, null, JSON.stringify(problem))
    const students = outcomesOf(result)
    const of = (studentId: string): Outcome => students.find((each: Outcome) => each.studentId === studentId)
    for (const studentId of on.a) assert.equal(of(studentId).state, 'removed')
    for (const studentId of on.b) {
      assert.deepEqual([of(studentId).state, of(studentId).error?.code], ['kept', 'engine-unreachable'])
    }
    const again = await up()
    assert.equal(again.problem?.code, 'down-unfinished')
    assert.equal((await record()).ended, undefined)
    await doToNode('join', 'b')
    await untilNode(engineOf('a'), 'b', 'ready')
    await untilEnded()
    for (const studentId of [...on.a, ...on.b]) assert.ok(await isSafe(studentId), studentId)
    await until('nothing to be left', async () => (await left()).length === 0)
  })

  test('a node that loses its power during a down keeps its students, and all is finished when it is back', async (t) => {
    const { on, down, isSafe, untilEnded } = await openWorked(t)
    const going = down(true)
    await until('one of its sandboxes to be stopped', async () => {
      const listed = await engineOf('b').containers.list({ all: true, filters })
      return listed.some(({ State }) => State === 'exited')
    })
    await doToNode('kill', 'b')
    t.after(() => doToNode('start', 'b').catch(() => undefined))
    const { result } = await going
    assert.ok(codes(result).filter((each) => each === 'removed').length >= on.a.length, JSON.stringify(result))
    await doToNode('start', 'b')
    await untilNode(engineOf('a'), 'b', 'ready')
    await untilEnded()
    for (const studentId of [...on.a, ...on.b]) assert.ok(await isSafe(studentId), studentId)
    await until('nothing to be left', async () => (await left()).length === 0)
  })
})

async function clear(engine: Engine): Promise<void> {
  for (const { Id } of await engine.containers.list({ all: true, filters })) {
    await engine.containers.kill(Id).catch(() => undefined)
    await engine.containers.remove(Id).catch(() => undefined)
  }
  for (const { Name } of await engine.volumes.list({ filters }))
    await engine.volumes.remove(Name).catch(() => undefined)
}
