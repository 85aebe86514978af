// One node as the fleet knows it: whether its engine can be asked, and what it held when it was last heard. Whoever asks for it waits
// for a node that has fallen silent once; from then on it is tried again beside everything else.

import type { Logger } from 'pino'
import { foldId, sameId } from '../../names.ts'
import { RuntimeError } from '../errors.ts'
import type { HeldSandbox, HeldSession } from '../held.ts'
import type { Seat } from '../seats.ts'
import { withoutGivenUp } from './given-up.ts'
import type { FleetMember, NodeRuntime } from './ports.ts'
import { manyWaiting, raced } from './raced.ts'

/** How long an engine may take to say what it holds. */
const lookMs = 5_000
/** After a look that failed. */
const retryMs = 3_000

export class FleetNode {
  readonly runtime: NodeRuntime
  readonly #log: Logger
  readonly #onReturn: () => void
  #member: FleetMember
  /** Why it cannot be asked. */
  #fault: RuntimeError | undefined
  #retry: NodeJS.Timeout | undefined
  /** Fires for the calls that wait for a node that is gone. */
  #lost = manyWaiting()
  readonly #heard: Map<string, HeldSession>
  readonly #heardClasses: Set<string>
  #heardAll: boolean
  #hasLeft = false
  #wasTried = false
  /** Its engine may have died and come back since it was last heard. */
  #mayHaveDied = true

  /** `onReturn`: it can be asked again. `before`: the same node at another address. */
  constructor(member: FleetMember, runtime: NodeRuntime, log: Logger, onReturn: () => void, before?: FleetNode) {
    this.#member = member
    this.runtime = runtime
    this.#log = log
    this.#onReturn = onReturn
    this.#heard = new Map(before ? before.#heard : [])
    this.#heardClasses = new Set(before ? before.#heardClasses : [])
    this.#heardAll = before ? before.#heardAll : false
  }

  get member(): FleetMember {
    return this.#member
  }

  /** Undefined: it can be asked. */
  get fault(): RuntimeError | undefined {
    return this.#fault
  }

  sees(member: FleetMember): void {
    const isBack = this.#hasLeft || (this.#member.state !== 'ready' && member.state === 'ready')
    this.#member = member
    if (this.#fault && member.state !== 'ready') this.#lose(this.#fault)
    this.#hasLeft = false
    if (this.#fault && isBack) this.#retryAfter(0)
  }

  /** It is no more among the manager's nodes, or at another address. */
  leave(reason: string): void {
    if (this.#hasLeft) return
    this.#hasLeft = true
    clearTimeout(this.#retry)
    this.#fault = this.#unreachable(reason)
    this.#lose(this.#fault)
  }

  /** First contact: whoever comes later need not wait for one that is silent. Never rejects. */
  async greet(): Promise<void> {
    if (!this.#fault && !this.#wasTried) await this.#try(async () => undefined).catch(() => undefined)
  }

  /** As `ask`, of what an engine that works says at once: a node that takes longer counts as silent. */
  async look<T>(work: (runtime: NodeRuntime) => Promise<T>): Promise<T> {
    if (this.#fault) throw this.#fault
    return await this.#try(() => work(this.runtime))
  }

  /** What the node says; RuntimeError 'unreachable' where it does not, or is another one. */
  async ask<T>(work: (runtime: NodeRuntime) => Promise<T>): Promise<T> {
    if (this.#fault) throw this.#fault
    try {
      return await raced(work(this.runtime), this.#lost.signal)
    } catch (error) {
      throw this.faultOf(error)
    }
  }

  /** As `ask`, piece by piece. */
  async *each<T>(read: (runtime: NodeRuntime) => AsyncIterable<T>): AsyncGenerator<T> {
    if (this.#fault) throw this.#fault
    const lost = this.#lost.signal
    const items = read(this.runtime)[Symbol.asyncIterator]()
    try {
      for (;;) {
        const item = await raced(items.next(), lost)
        if (item.done) return
        yield item.value
      }
    } catch (error) {
      const isCut = error instanceof RuntimeError && error.code === 'archive'
      // Cut short by the end of its engine.
      if (isCut) await this.#try(async () => undefined)
      throw this.faultOf(error)
    } finally {
      // One that waits for a node that is gone ends only after its own time.
      const ended = items.return?.()?.catch(() => undefined)
      if (!lost.aborted) await ended
    }
  }

  /** What it holds, where it can be asked; `sessions` are the manager's. Whether it could is in `fault` afterwards. */
  async survey(
    sessions: readonly HeldSession[],
    classId: string | undefined,
    seatsOf: (session: HeldSession) => Promise<readonly Seat[]>,
  ): Promise<void> {
    if (this.#fault) return
    const told = await this.#try(() => this.runtime.holds(sessions, classId)).catch((error: unknown) => {
      // One whose engine cannot say what it holds keeps nobody from knowing the others.
      if (!this.#fault) this.#fail(error)
      return undefined
    })
    if (!told) return
    const found = await Promise.all(
      told.map(async (session) => withoutGivenUp(session, await seatsOf(session), this.#member.id)),
    )
    for (const [sessionId, session] of this.#heard) {
      if (classId === undefined || sameId(session.classId, classId)) this.#heard.delete(sessionId)
    }
    for (const session of found) if (session.sandboxes.length > 0) this.#heard.set(session.sessionId, session)
    if (classId === undefined) this.#heardAll = true
    else this.#heardClasses.add(foldId(classId))
    if (classId === undefined && this.#mayHaveDied) this.#revive(found)
  }

  /** What it held when it was last heard, of one class or of all. */
  heard(classId: string | undefined): HeldSession[] {
    const sessions = [...this.#heard.values()].filter((each) => classId === undefined || sameId(each.classId, classId))
    if (!this.#fault) return sessions
    return sessions.map((session) => ({ ...session, sandboxes: session.sandboxes.map(asUnreachable) }))
  }

  hasHeard(classId: string): boolean {
    return this.#heardAll || this.#heardClasses.has(foldId(classId))
  }

  /** Whether this id, or these files, were on it. */
  has(thing: string): boolean {
    for (const { sandboxes } of this.#heard.values()) {
      if (sandboxes.some(({ id, files }) => id === thing || files === thing)) return true
    }
    return false
  }

  /** It has this from now on. */
  keep(session: HeldSession, sandbox: HeldSandbox): void {
    const { sandboxes = [], ...known } = this.#heard.get(session.sessionId) ?? session
    const others = sandboxes.filter(({ studentId }) => !sameId(studentId, sandbox.studentId))
    this.#heard.set(session.sessionId, { ...known, sandboxes: [...others, sandbox] })
  }

  /** What it has under these names is not the student's any more. */
  disown({ id, files }: HeldSandbox): void {
    for (const thing of [id, files]) if (thing !== undefined) this.drop(thing)
  }

  /** It does not have this any more. */
  drop(thing: string): void {
    for (const [sessionId, session] of this.#heard) {
      const sandboxes = session.sandboxes
        .map((each) => (each.files === thing ? { ...each, files: undefined } : each))
        .map((each) => (each.id === thing ? { ...each, id: undefined, server: undefined } : each))
        .filter(({ id, files }) => id !== undefined || files !== undefined)
      this.#heard.set(sessionId, { ...session, sandboxes })
    }
  }

  /** That its events broke off, as when its engine dies. */
  mayHaveDied(): void {
    this.#mayHaveDied = true
  }

  async close(): Promise<void> {
    clearTimeout(this.#retry)
    this.#lost.abort()
    await this.runtime.close()
  }

  async #try<T>(work: () => Promise<T>): Promise<T> {
    try {
      const [id, found] = await raced(Promise.all([this.runtime.identify(), work()]), AbortSignal.timeout(lookMs))
      if (id !== this.#member.id) throw new RuntimeError('unavailable', 'At its address another node answers.')
      if (this.#fault) this.#log.info({ node: this.#member.name }, 'the node can be asked again')
      this.#fault = undefined
      this.#wasTried = true
      return found
    } catch (error) {
      // Its engine answers, and says no.
      if (error instanceof RuntimeError && error.code !== 'unavailable') throw error
      throw this.#fail(error)
    }
  }

  /** It is tried again after a while. */
  #fail(error: unknown): RuntimeError {
    if (!this.#fault) this.#log.warn({ err: error, node: this.#member.name }, 'the node cannot be asked')
    const fault = this.#unreachable(error instanceof RuntimeError ? error.message : 'It does not answer.', error)
    this.#fault = fault
    this.#mayHaveDied = true
    if (this.#member.state !== 'ready') this.#lose(fault)
    if (!this.#hasLeft) this.#retryAfter(retryMs)
    return fault
  }

  #retryAfter(milliseconds: number): void {
    clearTimeout(this.#retry)
    this.#retry = setTimeout(() => {
      this.#try(async () => undefined).then(this.#onReturn, () => undefined)
    }, milliseconds).unref()
  }

  #lose(fault: RuntimeError): void {
    this.#lost.abort(fault)
    this.#lost = manyWaiting()
  }

  /** Those that were stopped by call stay so. One that cannot be started is tried at the next look. */
  #revive(found: readonly HeldSession[]): void {
    this.#mayHaveDied = false
    const ended = found.flatMap(({ sandboxes }) =>
      sandboxes.flatMap(({ id, state, filesOnly }) =>
        id !== undefined && state === 'exited' && !filesOnly ? [id] : [],
      ),
    )
    if (ended.length === 0) return
    this.runtime.revive(ended).catch((error: unknown) => {
      this.#log.warn(
        { err: error, node: this.#member.name },
        'sandboxes that an engine left stopped cannot be started yet',
      )
      this.#mayHaveDied = true
    })
  }

  /** An engine of several that does not answer is a node that cannot be asked. */
  faultOf(error: unknown): unknown {
    if (!(error instanceof RuntimeError) || error.code !== 'unavailable') return error
    return this.#unreachable(error.message, error)
  }

  #unreachable(reason: string, cause?: unknown): RuntimeError {
    const { name, state } = this.#member
    return new RuntimeError(
      'unreachable',
      `The node ${name} cannot be asked now (the manager says: ${state}). ${reason} Everything on it is kept, and the service goes on by itself when it is back.`,
      cause,
    )
  }
}

/** As it was when it was last seen: its route stays where it led to it. */
function asUnreachable(sandbox: HeldSandbox): HeldSandbox {
  const hadRoute = sandbox.state === 'running' || sandbox.state === 'paused'
  return { ...sandbox, state: 'unreachable', server: hadRoute ? sandbox.server : undefined }
}
