// What the conformance suite of the runtime port works on: a runtime, and the other hands that reach its engine.

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { type FrozenLab, freezeCollect } from '../../../../src/catalogue/frozen-lab.ts'
import { newSessionId } from '../../../../src/names.ts'
import type { ArchiveEntry, Contents } from '../../../../src/runtime/archive.ts'
import { RuntimeError, type RuntimeErrorCode } from '../../../../src/runtime/errors.ts'
import { findSandbox, type HeldSandbox, type HeldSession } from '../../../../src/runtime/held.ts'
import type { Runtime, SessionPlan, StartedSandbox } from '../../../../src/runtime/port.ts'
import { archiveOf, bytesOf, type Thing } from '../../../support/memory-archive.ts'

/** What happens on the engine beside the port. */
export interface Hands {
  /** The student puts these into the workspace. */
  write(containerId: string, things: readonly Thing[]): Promise<void>
  /** The sandbox's program prints a line. */
  print(containerId: string, stream: 'stdout' | 'stderr', line: string): Promise<void>
  /** Ends the sandbox's program, so that the engine does not start it again. */
  kill(containerId: string): Promise<void>
  /** The program of a `greedy` one takes more memory than there is; done when the engine has started it again. */
  exhaustMemory(containerId: string): Promise<void>
  start(containerId: string): Promise<void>
  pause(containerId: string): Promise<void>
  removeContainer(containerId: string): Promise<void>
  removeNetwork(networkId: string): Promise<void>
  /** Makes something under that name that is not the service's. */
  take(kind: 'network' | 'volume' | 'container', name: string): Promise<void>
  /** A container that is not the service's goes into the network. Answers how to end that. */
  enter(networkId: string): Promise<() => Promise<void>>
  useUpSubnets(): Promise<void>
  isProxyIn(networkId: string): Promise<boolean>
  /** The proxy is another one now, which is in no network; or, with `false`, there is none. */
  renewProxy(present: boolean): Promise<void>
  /** From now on what is written in sandboxes does not come out of them; false where this cannot be had. */
  keepWrites(): boolean
  /** The engine refuses the next start. */
  refuseStart(): void
  /** The next archive breaks off. */
  cutArchive(containerId: string): void
  /** The engine begins to remove it and cannot come to the end. Answers how to let it; undefined where this cannot be had. */
  halfRemove(containerId: string): Promise<(() => Promise<void>) | undefined>
}

export interface Site {
  readonly runtime: Runtime
  readonly hands: Hands
  readonly lab: FrozenLab
  /** Those that sandboxes can be on; none on one host. */
  readonly nodes: readonly string[]
  /** The same plan, of a lab whose program can be made to take more memory than there is. */
  greedy(plan: SessionPlan): SessionPlan
  /** Archives count owners from here: 0, or where the engine remaps its users the host's id of their root. */
  readonly rootId: number
  /** Its engine tells of one that runs again whether its last life ran out of memory. */
  readonly remembersExhaustion: boolean
  /** The same plan, of a lab whose program ends at once, each time. */
  ending(plan: SessionPlan, studentId: string): SessionPlan
}

export type Check = (title: string, run: (site: Site, skip: (why: string) => void) => Promise<void>) => void

export const studentId = 'SV001'

/** Of a class of its own, so that no check meets what another one made. */
export function planFor({ lab, nodes }: Site, classId = `C-${randomBytes(4).toString('hex')}`): SessionPlan {
  // The one that is furthest from where its network is made.
  const last = nodes.at(-1)
  return {
    classId,
    sessionId: newSessionId(),
    subject: 'subject',
    lab: lab.name,
    createdBy: 't-lan',
    expiresAt: new Date(Date.now() + 3_600_000).toISOString(),
    store: { id: '00000000-0000-4000-8000-000000000000', name: 'a folder' },
    frozenLab: lab,
    seats: [{ studentId, number: 0, ...(last === undefined ? {} : { node: last }) }],
  }
}

export async function held(site: Site, { classId, sessionId }: SessionPlan): Promise<HeldSession | undefined> {
  return (await site.runtime.survey(classId)).find((session) => session.sessionId === sessionId)
}

export const sandboxOf = async (site: Site, plan: SessionPlan): Promise<HeldSandbox | undefined> =>
  findSandbox(await held(site, plan), studentId)

/** The class's one sandbox, which must be there and not only its files. */
export async function existing(site: Site, plan: SessionPlan): Promise<HeldSandbox & { readonly id: string }> {
  const sandbox = (await sandboxOf(site, plan)) ?? assert.fail('nothing is there')
  return { ...sandbox, id: sandbox.id ?? assert.fail('only its files are there') }
}

/** As startSandbox(), but rejects with the fault. */
export async function start(
  { runtime }: Site,
  plan: SessionPlan,
  held?: HeldSandbox,
  contents?: Contents,
): Promise<StartedSandbox> {
  const started = await runtime.startSandbox(plan, studentId, held, contents)
  if (started.fault !== undefined) throw started.fault
  return started
}

/** A class with one running sandbox. */
export async function running(site: Site, contents?: Contents) {
  const plan = planFor(site)
  const network = await site.runtime.openNetwork(plan)
  await start(site, plan, undefined, contents)
  return { plan, network, id: (await existing(site, plan)).id }
}

/** The same life has the same one; a sandbox that runs is the same afterwards. */
export async function lifeOf({ runtime }: Site, containerId: string): Promise<string> {
  const { startedAt } = await runtime.freeze(containerId)
  await runtime.thaw(containerId)
  return startedAt
}

export async function rejects(work: Promise<unknown>, code: RuntimeErrorCode): Promise<RuntimeError> {
  const error = await work.then(
    () => assert.fail(`it should have been rejected with '${code}'`),
    (reason: unknown) => reason,
  )
  assert.ok(error instanceof RuntimeError, `${error}`)
  assert.equal(error.code, code, error.message)
  return error
}

export interface ReadEntry extends Omit<ArchiveEntry, 'body' | 'xattrs' | 'mtimeMs' | 'linkTarget' | 'path'> {
  readonly target: string
  readonly body: Buffer
}

/** Everything in an archive by its path, one character a byte, in the archive's order. */
export async function readArchive(entries: AsyncIterable<ArchiveEntry>): Promise<Map<string, ReadEntry>> {
  const read = new Map<string, ReadEntry>()
  for await (const { path, type, size, mode, uid, gid, linkTarget, body } of entries) {
    const chunks: Uint8Array[] = []
    for await (const chunk of body) chunks.push(chunk)
    const name = latin1(path)
    assert.ok(!read.has(name), `'${name}' comes twice`)
    read.set(name, { type, size, mode, uid, gid, target: latin1(linkTarget), body: Buffer.concat(chunks) })
  }
  return read
}

export const workspaceOf = (site: Site, containerId: string) =>
  readArchive(site.runtime.archive(containerId, site.lab.workspace, new AbortController().signal))

/** Paths in the workspace of a sandbox that runs, beside its root. */
export async function pathsIn(site: Site, containerId: string): Promise<string[]> {
  await site.runtime.freeze(containerId)
  const paths = [...(await workspaceOf(site, containerId)).keys()]
  await site.runtime.thaw(containerId)
  return paths.filter((path) => path !== '').sort()
}

export const latin1 = (bytes: string | Uint8Array): string => Buffer.from(bytes).toString('latin1')

export const contentsOf =
  (...things: readonly Thing[]): Contents =>
  () =>
    archiveOf(things)

/** A body that ends in `error`, having called `before`. */
export async function* failing(error: Error, before = () => {}): AsyncGenerator<Uint8Array> {
  before()
  yield await Promise.reject(error)
}

export const collectLabelOf = ({ lab }: Site): string => JSON.stringify(freezeCollect(lab))

export { bytesOf }
