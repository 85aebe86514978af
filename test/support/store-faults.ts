// Stores that fail on demand: an S3 server behind a door that can be shut, a disk that is too small; and what the service must
// then do with both of its calls.

import assert from 'node:assert/strict'
import { type SpawnSyncReturns, spawnSync } from 'node:child_process'
import { mkdtempSync, rmdirSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Static } from '@sinclair/typebox'
import { startS3Proxy } from '../faults/s3-proxy.ts'
import { containersOf, leftovers } from './docker.ts'
import { type CleanUp, FailedDown, problemOf, work } from './faults.ts'
import type { S3Server } from './live.ts'
import type { Installation, Service } from './service.ts'
import { until } from './until.ts'

/** An S3 server behind a door: it can be closed at any moment, and what went through is known. */
export interface S3Door {
  /** For MINIO_ENDPOINT. */
  readonly endpoint: string
  /** Keys of the objects stored so far, below the bucket, in order. */
  readonly stored: readonly string[]
  /** Breaks every connection and refuses new ones, until the test opens it again, or ends. */
  close(context: CleanUp): Promise<void>
  open(): Promise<void>
}

/** `onStored` is called with the number of objects stored so far, before the service hears of the newest. */
export async function openS3Door(
  cleanUp: CleanUp,
  server: S3Server,
  onStored: (count: number) => void,
): Promise<S3Door> {
  const proxy = await startS3Proxy(server.endpoint)
  cleanUp.after(proxy.goDown)
  const stored: string[] = []
  proxy.onAnswer = ({ method, path, status }) => {
    if (method !== 'PUT' || status !== 200) return
    stored.push(decodeURIComponent(path.replace(/^\/[^/]*\//, '').replace(/\?.*/, '')))
    onStored(stored.length)
  }
  const close = (context: CleanUp) => {
    context.after(proxy.comeBack)
    return proxy.goDown()
  }
  return { endpoint: proxy.url, stored, close, open: proxy.comeBack }
}

const mount = (...args: string[]): SpawnSyncReturns<string> => spawnSync('mount', args, { encoding: 'utf8' })

/** Why a small disk cannot be had here, or false: mounting needs root, and in a container its permission. */
export function skipWithoutMounts(): string | false {
  const folder = mkdtempSync(join(tmpdir(), 'class-runtime-mount-'))
  const { status, stderr } = mount('-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder)
  if (status === 0) spawnSync('umount', [folder])
  rmdirSync(folder)
  return status === 0 ? false : `no file system can be mounted: ${stderr}`
}

/** A folder that is a disk of this size (`1m`), to be made larger by `grow`. */
export async function smallDisk(
  cleanUp: CleanUp,
  size: string,
): Promise<{ readonly folder: string; grow(size: string): void }> {
  const folder = await mkdtemp(join(tmpdir(), 'class-runtime-disk-'))
  const mounted = (...options: string[]) => {
    const { status, stderr } = mount('-t', 'tmpfs', '-o', options.join(), 'tmpfs', folder)
    assert.equal(status, 0, stderr)
  }
  mounted(`size=${size}`)
  cleanUp.after(async () => {
    spawnSync('umount', [folder])
    await rm(folder, { recursive: true })
  })
  return { folder, grow: (larger) => mounted('remount', `size=${larger}`) }
}

/** Of every class in these tests. */
export const students = ['s01', 's02']

/** The store went away while bags were made: of each student it is said how far they came. */
export async function failedDown(service: Service, classId: string): Promise<Static<typeof FailedDown>['students']> {
  const answer = await service.post('/room/down-class', { classId })
  const problem = problemOf(answer, [503, 'store-unavailable'], FailedDown)
  assert.match(problem.detail, /repeat the call/i)
  return problem.students
}

/** The store is the reason, said once, and every sandbox still runs. */
export async function assertUntouched(installation: Installation, service: Service, classId: string): Promise<void> {
  const problem = problemOf(await service.post('/room/down-class', { classId }), [503, 'store-unavailable'])
  assert.match(problem.detail, /^The store .* Nothing was stopped or removed\.$/)
  assert.ok(!('students' in problem))
  const running = await containersOf(installation.label, `class-runtime.class=${classId}`)
  assert.equal(running.length, students.length)
  for (const student of students) await work(`class-${classId}--${student}`, 'true')
}

export async function assertUpRefused(installation: Installation, service: Service, classId: string): Promise<void> {
  const before = await leftovers(installation.label)
  const refused = await service.post('/room/up-class', { classId })
  assert.match(problemOf(refused, [503, 'store-unavailable']).detail, /store/)
  assert.deepEqual(await leftovers(installation.label), before)
}

export async function assertNotReady(service: Service): Promise<void> {
  // What was found is kept for a second.
  await until('that it is not ready', async () => (await service.get('/readyz')).status === 503)
  const { body } = await service.get('/readyz')
  assert.ok(body instanceof Object && 'engine' in body && 'store' in body)
  assert.equal(body.engine, 'ok')
  assert.notEqual(body.store, 'ok')
}
