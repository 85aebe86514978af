// A class for unit tests: its catalogue, an engine in memory, and a real directory store in a folder of its own.
// A referee stands at every removal and fails the test where a student's bytes are in no committed bag.

import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { pino } from 'pino'
import { type Catalogue, parseCatalogue } from '../../src/catalogue/catalogue.ts'
import type { ClassContext, Run } from '../../src/classes/context.ts'
import { downClass } from '../../src/classes/down/down-class.ts'
import { orderUp, type UpRequest } from '../../src/classes/up/order.ts'
import { Reservations } from '../../src/classes/up/reservations.ts'
import { upClass } from '../../src/classes/up/up-class.ts'
import { createGroupGate } from '../../src/gate.ts'
import { Progress } from '../../src/operations/progress.ts'
import { withProblems } from '../../src/port-problems.ts'
import type { SessionRecord } from '../../src/sessions/record.ts'
import { createDirectoryStore } from '../../src/store/directory/store.ts'
import type { Store } from '../../src/store/port.ts'
import type { Traefik } from '../../src/traefik/traefik.ts'
import { file } from './memory-archive.ts'
import type { MemoryNetwork } from './memory-engine.ts'
import { isCollected } from './memory-referee.ts'
import { MemoryRuntime } from './memory-runtime.ts'
import { hookedStore, type StoreHooks } from './memory-store.ts'

export const classId = 'os101-a'
export const students = ['SV001', 'SV002', 'SV003'] as const

/** As an operator would write it. `lab` adds to the lab or changes it. */
export const catalogueText = (lab: object = {}): string =>
  JSON.stringify({
    labs: {
      'linux-shell': { image: 'busybox:1.36', cpus: 0.5, memoryMb: 128, ...lab },
      other: { image: 'busybox:1.36', cpus: 1, memoryMb: 64 },
    },
    subjects: { os101: { labs: ['linux-shell', 'other'] } },
    classes: { [classId]: { subject: 'os101', lab: 'linux-shell', students } },
  })

export interface MemoryClass {
  /** The store's folder. */
  readonly folder: string
  readonly runtime: MemoryRuntime & { readonly givenUp: Set<string> }
  readonly store: Store
  readonly context: ClassContext
  /** What the service knows of labs and rosters from now on. */
  catalogue: Catalogue
  /** The uids that sandboxes may have from now on. */
  sandboxUids: { first: number; last: number }
  /** Undefined: no Traefik is set up. */
  traefik: Traefik | undefined
  /** What happens on each side of the store's calls from now on. */
  storeHooks: StoreHooks
  up(request?: Omit<UpRequest, 'classId'>, action?: Partial<Run>): ReturnType<typeof upClass>
  down(allowPartial?: boolean, action?: Partial<Run>): ReturnType<typeof downClass>
  studentFolder(sessionId: string, studentId: string): string
  /** The session's record as it lies in the store; undefined where there is none. */
  record(sessionId: string): Promise<SessionRecord | undefined>
}

export const quiet = pino({ level: 'silent' })

/** A directory store forces every object to disk, which these tests need not wait for. */
const scratch = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()

export async function openClass(t: TestContext, lab: object = {}): Promise<MemoryClass> {
  const folder = await mkdtemp(join(scratch, 'class-runtime-test-'))
  // A call whose client hung up may still be writing here.
  t.after(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }))
  const runtime = new RefereedRuntime(folder)
  const reservations = new Reservations()
  // The service meets every fault of an engine, so the referee's own word must not depend on what it makes of it.
  t.after(() => assert.deepEqual(runtime.violations, []))
  const newRun = (action: Partial<Run>): Run => ({
    actor: 'tester',
    log: quiet,
    progress: new Progress(),
    signal: new AbortController().signal,
    ...action,
  })
  const ofClass: MemoryClass = {
    folder,
    runtime,
    catalogue: parseCatalogue(catalogueText(lab)),
    sandboxUids: { first: 20_000, last: 59_999 },
    storeHooks: {},
    traefik: undefined,
    store: hookedStore(createDirectoryStore(folder), {
      before: (method, key) => ofClass.storeHooks.before?.(method, key),
      after: (method, key) => ofClass.storeHooks.after?.(method, key),
    }),
    get context() {
      return {
        runtime,
        store: this.store,
        installation: 'test',
        upGate: createGroupGate(2),
        collectGate: createGroupGate(2),
        stopGate: createGroupGate(8),
        maxStudents: 10,
        sandboxUids: this.sandboxUids,
        reservations,
        traefik: this.traefik,
      }
    },
    up: (request = {}, action = {}) =>
      withProblems('up-failed', () =>
        upClass(ofClass.context, newRun(action), orderUp(ofClass.catalogue, { classId, ...request })),
      ),
    down: (allowPartial = false, action = {}) =>
      withProblems('collect-failed', () => downClass(ofClass.context, newRun(action), { classId, allowPartial })),
    studentFolder: (sessionId, studentId) => join(folder, classId, sessionId, studentId),
    async record(sessionId) {
      const text = await readFile(join(folder, classId, sessionId, 'session.json'), 'utf8').catch(() => undefined)
      return text === undefined ? undefined : JSON.parse(text)
    },
  }
  return ofClass
}

/** The two who are in a worked class. */
export const pair = ['SV001', 'SV002'] as const
export const workOf = (studentId: string) => [file(`${studentId}.txt`, `work of ${studentId}`), file('a/b', 'deeper')]

/** A class of two students who have worked. */
export async function openWorkedClass(t: TestContext, lab: object = {}, students: readonly string[] = pair) {
  const ofClass = await openClass(t, lab)
  const { sessionId } = await ofClass.up({ students: [...students] })
  for (const studentId of students) ofClass.runtime.write(studentId, ...workOf(studentId))
  ofClass.runtime.events.length = 0
  return {
    ...ofClass,
    ofClass,
    sessionId,
    folderOf: (studentId: string) => ofClass.studentFolder(sessionId, studentId),
  }
}

/** Before anything of a student's goes, what was ever written there must be in a committed bag. */
export class RefereedRuntime extends MemoryRuntime {
  readonly violations: string[] = []
  /** Students whose work may go uncollected, since an admin said so. */
  readonly givenUp = new Set<string>()
  readonly #folder: string

  constructor(folder: string, networks?: Map<string, MemoryNetwork>) {
    super(networks)
    this.#folder = folder
  }

  override async removeSandbox(containerId: string): Promise<void> {
    const container = this.containers.get(containerId)
    // What is left of a container that is half gone cannot be read: the work is in the volume, which stays.
    const isHalf = container?.state === 'removing' || container?.state === 'dead'
    if (container && !isHalf) await this.#checkSafe(container.volume)
    await super.removeSandbox(containerId)
  }

  override async removeFiles(name: string): Promise<void> {
    await this.#checkSafe(name)
    await super.removeFiles(name)
  }

  async #checkSafe(volumeName: string): Promise<void> {
    const volume = this.volumes.get(volumeName)
    const written = volume?.things.filter(({ type }) => type !== 'directory') ?? []
    if (!volume || written.length === 0 || this.givenUp.has(volume.studentId)) return
    const { classId, sessionId } = volume.session
    const reason = await isCollected(join(this.#folder, classId, sessionId, volume.studentId), written).then(
      (collected) => (collected ? undefined : 'what was written there is in no committed bag'),
      (error: unknown) => `its bag is not whole: ${error}`,
    )
    if (reason === undefined) return
    this.violations.push(`${volume.studentId} is removed, but ${reason}`)
    assert.fail(reason)
  }
}
