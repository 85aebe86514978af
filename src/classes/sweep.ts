// What the service does by itself, at its start and then regularly: it finishes what was interrupted, takes
// expired classes down by the way of every down, and removes our networks that hold nothing and leases of dead processes.
// It looks at nothing that lacks our installation label, starts the same operations that calls start, and judges only what
// is older than a grace where a call may be at work in another process.

import { randomUUID } from 'node:crypto'
import { Type } from '@sinclair/typebox'
import { TypeCompiler } from '@sinclair/typebox/compiler'
import type { Logger } from 'pino'
import { createGate } from '../gate.ts'
import { foldId, sameId, serviceActor, sessionTime } from '../names.ts'
import type { Operation, OperationView } from '../operations/operations.ts'
import type { HeldSession } from '../runtime/held.ts'
import { isElsewhere, newestRecord } from '../sessions/find.ts'
import { isExpired, type ResetIntent, readSession, type SessionRecord, type UpIntent } from '../sessions/record.ts'
import { knownIdentity, otherStoreOf, storeIdentity } from '../sessions/store-identity.ts'
import { StoreError } from '../store/port.ts'
import type { ClassActions } from './class-actions.ts'
import type { ClassContext } from './context.ts'

export interface SweepSettings {
  /** Between two rounds; also how long an attempt that failed is left alone at first. */
  readonly everyMs: number
  /** What was begun more recently may still be at work in another process. */
  readonly graceMs: number
}

/** A sandbox that cannot be collected is tried again ever more seldom, at least this often. */
const longestPauseMs = 3_600_000
const classesAtOnce = 8

/** One session as the engine and the store have it. */
interface Found {
  readonly sessionId: string
  readonly held: HeldSession | undefined
  readonly record: SessionRecord | undefined
  /** Begun with another store: nothing is done with it. */
  readonly isForeign?: boolean
}

/** An up, a collection or a reset is gone on with; all else is a down, as it was asked for or on the sweep's own account. */
interface Order {
  readonly why: string
  readonly up?: UpIntent
  readonly down?: SessionRecord['down']
  readonly collect?: NonNullable<SessionRecord['collect']>
  readonly reset?: ResetIntent
}

export class Sweep {
  readonly #context: ClassContext
  readonly #actions: ClassActions
  readonly #log: Logger
  readonly #settings: SweepSettings
  /** Classes that may have left something in the store alone: what their newest record asks for, a lease. Undefined: all of them. */
  #unsettled: Map<string, string> | undefined
  /** Attempts that failed, by session. */
  readonly #failed = new Map<string, { readonly times: number; readonly notBefore: number }>()
  readonly #troubles = new Map<string, string>()
  /** Sessions whose time of begin lies ahead of the clock, and since when this process knows them. */
  readonly #ahead = new Map<string, number>()
  #onSurvey: (sessions: readonly HeldSession[]) => void = () => {}
  #timer: NodeJS.Timeout | undefined
  #round: Promise<void> | undefined

  constructor(context: ClassContext, actions: ClassActions, log: Logger, settings: SweepSettings) {
    this.#context = context
    this.#actions = actions
    this.#log = log
    this.#settings = settings
    actions.operations.onEnded(({ request: { classId } }) => this.#unsettled?.set(foldId(classId), classId))
  }

  /** Called in each round with all that the engine holds. */
  onSurvey(listener: (sessions: readonly HeldSession[]) => void): void {
    this.#onSurvey = listener
  }

  /** The first round begins at once. */
  start(): void {
    this.#timer = setTimeout(() => this.start(), this.#settings.everyMs).unref()
    this.#round ??= this.round().finally(() => {
      this.#round = undefined
    })
  }

  async stop(): Promise<void> {
    clearTimeout(this.#timer)
    await this.#round
  }

  /** Looks at everything once and starts what is to be done; the operations go on by themselves. Never rejects. */
  async round(): Promise<void> {
    await this.#attempt('sweep', async () => {
      const sessions = await this.#context.runtime.survey()
      this.#onSurvey(sessions)
      // The state of a class compares its label with this, and must not wait for a store.
      if (!knownIdentity(this.#context.store)) await storeIdentity(this.#context.store).catch(() => undefined)
      const unsettled = await this.#unsettledClasses()
      const classes = new Map([...sessions.map(({ classId }) => classId), ...unsettled].map((id) => [foldId(id), id]))
      const gate = createGate(classesAtOnce)
      await Promise.all(
        [...classes.values()].map((classId) => {
          const held = sessions.filter((session) => sameId(session.classId, classId))
          return gate(() => this.#attempt(classId, () => this.#lookAt(classId, held)))
        }),
      )
    })
  }

  async #unsettledClasses(): Promise<Iterable<string>> {
    if (this.#unsettled === undefined) {
      const folders = await this.#context.store.folders('').catch((error: unknown) => {
        if (error instanceof StoreError && error.code === 'no-bucket') return undefined
        throw error
      })
      // A fresh bucket is being made by the start's check: nothing is unsettled in it, and the next round asks again.
      if (folders === undefined) return []
      this.#unsettled = new Map(folders.map((classId) => [foldId(classId), classId]))
    }
    return this.#unsettled.values()
  }

  /** What goes wrong is logged when it begins, when it becomes something else and when it ends, not at every round. */
  async #attempt<T>(what: string, work: () => Promise<T>): Promise<T | undefined> {
    try {
      const result = await work()
      if (this.#troubles.delete(what)) this.#log.info({ what }, 'the sweep can do its work again')
      return result
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      if (this.#troubles.get(what) !== reason) this.#log.warn({ what, err: error }, 'the sweep cannot do its work')
      this.#troubles.set(what, reason)
      return undefined
    }
  }

  async #lookAt(classId: string, held: readonly HeldSession[]): Promise<void> {
    let settled = true
    for (const found of await this.#find(classId, held)) {
      // One operation of a class at a time; what it leaves is looked at in the next round.
      if (this.#actions.operations.runningFor(classId)) return
      const order = this.#orderFor(found)
      if (order) this.#start(found, order)
      if (order) settled = false
    }
    const spelled = this.#unsettled?.get(foldId(classId))
    if (settled && spelled !== undefined && (await this.#actions.clearLease(spelled))) {
      this.#unsettled?.delete(foldId(classId))
    }
  }

  /** The sessions that the engine holds, and the newest of the store where it may ask for something. */
  async #find(classId: string, held: readonly HeldSession[]): Promise<Found[]> {
    const { store } = this.#context
    if (this.#actions.operations.runningFor(classId)) return []
    const found: Found[] = []
    for (const session of held) {
      const { sessionId } = session
      const record = await readSession(store, session.classId, sessionId)
      const isForeign = !record && !(await this.#isOfThisStore(session))
      found.push({ held: session, sessionId, record, isForeign })
    }
    const spelled = this.#unsettled?.get(foldId(classId))
    if (spelled === undefined) return found
    const engine = await this.#context.runtime.engineId()
    const newest = await newestRecord(this.#context, spelled, engine)
    if (!newest || isElsewhere(newest, engine) || held.some(({ sessionId }) => sessionId === newest.sessionId))
      return found
    found.push({ held: undefined, sessionId: newest.sessionId, record: newest })
    return found
  }

  /** Asked at each round: the service may have its store back. */
  async #isOfThisStore(held: HeldSession): Promise<boolean> {
    const answer = await this.#attempt(held.sessionId, async () => {
      const otherStore = await otherStoreOf(this.#context.store, held)
      if (otherStore) throw otherStore
      return true
    })
    return answer === true
  }

  #isOld({ record, sessionId }: Found): boolean {
    const begun = Date.parse(record?.createdAt ?? '') || sessionTime(sessionId).getTime()
    if (Date.now() >= begun) return Date.now() - begun > this.#settings.graceMs
    const since = this.#ahead.get(sessionId) ?? performance.now()
    this.#ahead.set(sessionId, since)
    return performance.now() - since > this.#settings.graceMs
  }

  /** What a session asks for; undefined: nothing, it is left as it is. */
  #orderFor(found: Found): Order | undefined {
    const { held, record } = found
    if (found.isForeign) return undefined
    const isOld = this.#isOld(found)
    const isEmpty = !held?.sandboxes.length
    if (record?.ended) {
      return held && (isOld || !isEmpty) ? { why: 'an ended session left something', down: record.down } : undefined
    }
    if (record?.down) return { why: 'a down was interrupted', down: record.down }
    const times = record ?? held
    if (times && isExpired(times)) return { why: 'the class has expired' }
    if (record?.up) return { why: 'an up was interrupted', up: record.up }
    if (record?.reset) return { why: 'a reset was interrupted', reset: record.reset }
    if (record?.collect) return { why: 'a collection was interrupted', collect: record.collect }
    if (isEmpty && isOld && !record?.students.length) return { why: 'nothing is in it' }
    return undefined
  }

  #start({ held, record, sessionId }: Found, order: Order): void {
    const classId = record?.classId ?? held?.classId
    if (classId === undefined || performance.now() < (this.#failed.get(sessionId)?.notBefore ?? 0)) return
    this.#log.info({ classId, sessionId, why: order.why }, 'the sweep goes on with a session')
    const operation = this.#operationFor(classId, sessionId, record, order)
    void operation.ended.then(() => this.#note(sessionId, operation.view()))
  }

  #operationFor(
    classId: string,
    sessionId: string,
    record: SessionRecord | undefined,
    { up, collect, reset, down }: Order,
  ): Operation {
    const caller = { requestId: randomUUID(), log: this.#log }
    if (up && record) return this.#actions.finishUp(record, up, { ...caller, actor: up.by })
    if (reset && record) return this.#actions.finishReset(record, reset, { ...caller, actor: reset.by })
    if (collect) return this.#actions.settleCollect({ classId }, { ...caller, actor: collect.by })
    // Nobody waits for a class that has expired: who can be collected goes, the others are kept.
    const allowPartial = down?.allowPartial ?? true
    return this.#actions.down(
      { classId, sessionId, allowPartial },
      { ...caller, actor: down?.by ?? serviceActor.sweep },
    )
  }

  #note(sessionId: string, { problem, result }: OperationView): void {
    const codes = failureCodes(problem ?? result)
    const passing = codes.every((code) => passingCodes.includes(code))
    if (passing) this.#failed.delete(sessionId)
    if (passing) return
    const times = (this.#failed.get(sessionId)?.times ?? 0) + 1
    const pause = Math.min(this.#settings.everyMs * 2 ** times, longestPauseMs)
    this.#failed.set(sessionId, { times, notBefore: performance.now() + pause })
  }
}

/** Nothing is wrong with the session itself: it is tried again at the next round, and succeeds when the cause is gone. */
const passingCodes = [
  ...['store-unavailable', 'engine-unavailable', 'engine-unreachable'],
  ...['operation-in-progress', 'shutting-down'],
]

const Failed = TypeCompiler.Compile(
  Type.Object({
    code: Type.Optional(Type.String()),
    students: Type.Optional(Type.Array(Type.Object({ error: Type.Optional(Type.Object({ code: Type.String() })) }))),
  }),
)

/** Those of the students where there are any, since they say more than the whole. */
function failureCodes(outcome: object | null): string[] {
  if (!Failed.Check(outcome)) return []
  const ofStudents = outcome.students?.flatMap(({ error }) => error?.code ?? []) ?? []
  return ofStudents.length > 0 ? ofStudents : outcome.code === undefined ? [] : [outcome.code]
}
