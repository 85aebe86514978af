// What the tests of faults share: conditions to wait for, the calls with their usual ends, what a bag must hold and events
// of the engine.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { type IncomingMessage, request } from 'node:http'
import { createInterface } from 'node:readline'
import { type Static, type TSchema, Type } from '@sinclair/typebox'
import { committedBags, readBag } from '../referee/bags.ts'
import { openStoreView } from '../referee/store.ts'
import { DownAnswer, DownStudent, ProblemAnswer, UpAnswer, UpStudent } from './answers.ts'
import type { Artifacts } from './artifacts.ts'
import { shell } from './docker.ts'
import { engineHost } from './live.ts'
import { tellReferee } from './referees.ts'
import type { Answer, Service } from './service.ts'
import { shaped } from './shape.ts'

const patienceMs = 60_000

export interface CleanUp {
  after(work: () => Promise<void>): void
}

/** What a suite undoes at its end, last things first: `after` itself counts only while the suite is being described. */
export function cleanUpOfSuite(after: (work: () => Promise<void>) => void): CleanUp {
  const works: (() => Promise<void>)[] = []
  after(async () => {
    for (const work of works.reverse()) await work()
  })
  return { after: (work) => void works.push(work) }
}

export async function upClass(service: Service, classId: string, more: object = {}): Promise<Static<typeof UpAnswer>> {
  const { status, body } = await service.post('/room/up-class', { classId, ...more })
  assert.equal(status, 200, JSON.stringify(body))
  return shaped(UpAnswer, body)
}

export async function downClass(
  service: Service,
  classId: string,
  more: object = {},
): Promise<Static<typeof DownAnswer>> {
  const { status, body } = await service.post('/room/down-class', { classId, ...more })
  assert.equal(status, 200, JSON.stringify(body))
  return shaped(DownAnswer, body)
}

/** The problem that an answer must be: of this status and code, as RFC 9457 and our own promise want it. */
export function problemOf<Shape extends TSchema = typeof ProblemAnswer>(
  { status, headers, body }: Answer,
  expected: readonly [status: number, code: string],
  shape?: Shape,
): Static<typeof ProblemAnswer> & Static<Shape> {
  const problem = shaped(Type.Intersect([ProblemAnswer, shape ?? ProblemAnswer]), body)
  assert.deepEqual([status, problem.code], expected, JSON.stringify(body))
  assert.match(headers['content-type'] ?? '', /^application\/problem\+json\b/)
  assert.equal(problem.status, status)
  assert.equal(problem.type, `urn:class-runtime:problem:${problem.code}`)
  assert.notEqual(problem.detail, '')
  return problem
}

/** What the problems of a failed up and a failed down carry beside the usual members. */
export const FailedUp = Type.Object({ students: Type.Array(UpStudent) })
export const FailedDown = Type.Object({ students: Type.Array(DownStudent) })

/** Files of a workspace or a bag: path below the workspace -> SHA-256. */
export type Sums = ReadonlyMap<string, string>

/**
 * Runs a script in a sandbox's workspace, then says what files are there, as its own sha256sum sees them. The referee is
 * told: what the sandbox holds now must be safe before the sandbox goes.
 */
export async function work(container: string, script: string): Promise<Sums> {
  const output = await shell(container, `cd /home/student\n${script}\nfind . -type f -exec sha256sum {} +\n`)
  const lines = output.toString().matchAll(/^([0-9a-f]{64}) {2}\.\/(.*)$/gm)
  const sums = new Map([...lines].map(([, sum = '', path = '']) => [path, sum]))
  await tellReferee(container, sums)
  return sums
}

/** A script for `work`: so many files of so many random bytes each, in the folder `data`. */
export const randomFiles = (count: number, bytes: number): string =>
  `mkdir -p data; for i in $(seq ${count}); do head -c ${bytes} /dev/urandom >data/$i; done`

/** What a committed bag's workspace holds, by the referee's reading of the store; fails where the bag is not whole. */
export async function bagSums({ place }: Artifacts, prefix: string): Promise<Sums> {
  const { files } = await readBag(openStoreView(place), prefix)
  return new Map([...files].map(([path, sum]) => [Buffer.from(path, 'base64').toString(), sum]))
}

/** Fails unless each file is in one of the student's committed bags, which are all whole. */
export async function assertSafe(artifacts: Artifacts, studentPrefix: string, files: Sums): Promise<void> {
  const bags = await committedBags(openStoreView(artifacts.place), studentPrefix)
  const held = await Promise.all(bags.map((bag) => bagSums(artifacts, bag)))
  for (const [path, sum] of files) {
    assert.ok(
      held.some((sums) => sums.get(path) === sum),
      `${studentPrefix}: '${path}' is in none of ${bags}`,
    )
  }
}

const EngineEvent = Type.Object({
  Type: Type.String(),
  Action: Type.String(),
  Actor: Type.Object({ ID: Type.String(), Attributes: Type.Record(Type.String(), Type.String()) }),
})

/** Resolves at the `count`th event from now on, such as `container start`, of a thing whose name starts with `name`. */
export async function nextEvent(what: string, name: string, count: number): Promise<void> {
  const args = ['-H', engineHost(), 'events', '--since', (Date.now() / 1000).toFixed(3), '--format', '{{json .}}']
  const child = spawn('docker', args, { stdio: ['ignore', 'pipe', 'inherit'], timeout: patienceMs })
  let left = count
  for await (const line of createInterface({ input: child.stdout })) {
    const { Type: kind, Action, Actor } = shaped(EngineEvent, JSON.parse(line))
    const named = Actor.Attributes['name'] ?? Actor.ID
    if (`${kind} ${Action}` === what && named.startsWith(name)) left -= 1
    if (left === 0) break
  }
  child.kill()
  assert.equal(left, 0, `waited in vain for ${what} of ${name}`)
}

/** A request byte by byte as a test wants it, for what no well-behaved client would send. */
export async function sendRaw(
  socketPath: string,
  method: string,
  path: string,
  headers: Readonly<Record<string, string>>,
  body: string | Uint8Array,
): Promise<Answer> {
  const sent = request({ socketPath, method, path, headers: { ...headers }, agent: false })
  sent.end(body)
  const answered = new Promise<IncomingMessage>((resolve, reject) => sent.once('response', resolve).on('error', reject))
  const response = await answered
  const chunks: Uint8Array[] = []
  for await (const chunk of response) chunks.push(chunk)
  const text = Buffer.concat(chunks).toString()
  const isJson = /\bjson\b/.test(response.headers['content-type'] ?? '')
  return { status: response.statusCode ?? 0, headers: response.headers, body: isJson ? JSON.parse(text) : text }
}
