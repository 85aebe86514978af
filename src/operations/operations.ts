// Long operations: one at a time for each class. A second identical call joins the running one; another is refused.
// They live in memory: what a restart must know is in the engine's labels and in the session's record.

import { randomUUID } from 'node:crypto'
import { type Static, Type } from '@sinclair/typebox'
import type { Logger } from 'pino'
import { foldId, sameId } from '../names.ts'
import { Nullable } from '../nullable.ts'
import { Problem, type ProblemBody } from '../problems.ts'
import { Progress, ProgressView } from './progress.ts'

const kinds = ['up-class', 'down-class', 'collect-class', 'extend-class', 'reset-student', 'discard-student'] as const
export type OperationKind = (typeof kinds)[number]

/** What `result` and `problem` can be is said where all calls are: src/http/openapi/schemas.ts. */
export const OperationView = Type.Object({
  operationId: Type.String(),
  kind: Type.Union(kinds.map((kind) => Type.Literal(kind))),
  classId: Type.String(),
  state: Type.Union([Type.Literal('running'), Type.Literal('succeeded'), Type.Literal('failed')]),
  startedAt: Type.String(),
  endedAt: Nullable(Type.String()),
  progress: ProgressView,
  /** The answer that the call would have given, once it has succeeded. */
  result: Nullable(Type.Unsafe<object>(Type.Object({}))),
  /** Why it failed, as the call would have said it. */
  problem: Nullable(Type.Unsafe<ProblemBody>(Type.Object({}))),
})
export type OperationView = Static<typeof OperationView>

export interface OperationRequest {
  readonly kind: OperationKind
  readonly classId: string
  /** Equal for requests that ask for the same. */
  readonly fingerprint: string
  /** Request id of the call that started it; the problem of a failure carries it as its instance. */
  readonly requestId: string
  readonly log: Logger
  work(run: { progress: Progress; log: Logger; signal: AbortSignal }): Promise<object>
}

/** Of each class: ended operations are remembered, so that a caller who got a 202 finds the outcome; the oldest go first. */
const rememberedOperations = 50

export class Operation {
  readonly id = randomUUID()
  readonly request: OperationRequest
  readonly #startedAt = new Date().toISOString()
  readonly #progress = new Progress()
  #endedAt: string | null = null
  #result: object | null = null
  #problem: Problem | null = null
  readonly #listeners = new Set<() => void>()
  /** Settles when the operation has ended, never rejects. */
  readonly ended: Promise<void>

  constructor(request: OperationRequest, signal: AbortSignal) {
    this.request = request
    this.#progress.onChange = () => this.#notify()
    this.ended = this.#run(signal)
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { kind, classId } = this.request
    const log = this.request.log.child({ operationId: this.id, kind, classId })
    log.info('operation started')
    try {
      this.#result = await this.request.work({ progress: this.#progress, log, signal })
      log.info({ progress: this.#progress.view() }, 'operation succeeded')
    } catch (error) {
      this.#problem =
        error instanceof Problem
          ? error
          : new Problem('internal', 'The operation failed unexpectedly. The log has the cause under this request id.', {
              cause: error,
            })
      const { code, status, message } = this.#problem
      if (status >= 500) log.error({ err: error, code }, 'operation failed')
      else log.info({ code, detail: message }, 'operation refused')
    }
    this.#endedAt = new Date().toISOString()
    this.#notify()
  }

  get running(): boolean {
    return this.#endedAt === null
  }

  /** The result, or throws the Problem. Only once it has ended. */
  outcome(): object {
    if (this.#problem) throw this.#problem
    return this.#result ?? {}
  }

  view(): OperationView {
    const { kind, classId, requestId } = this.request
    return {
      operationId: this.id,
      kind,
      classId,
      state: this.running ? 'running' : this.#problem ? 'failed' : 'succeeded',
      startedAt: this.#startedAt,
      endedAt: this.#endedAt,
      progress: this.#progress.view(),
      result: this.#result,
      problem: this.#problem?.toBody(requestId) ?? null,
    }
  }

  /** Calls the listener at every change, the end included, until the function that is given back is called. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  #notify(): void {
    for (const listener of this.#listeners) listener()
  }
}

export class Operations {
  readonly #stopping = new AbortController()
  readonly #byId = new Map<string, Operation>()
  readonly #runningByClass = new Map<string, Operation>()
  readonly #listeners: ((operation: Operation) => void)[] = []

  /** Called with each operation that has ended, when its class is free for another one. */
  onEnded(listener: (operation: Operation) => void): void {
    this.#listeners.push(listener)
  }

  /** Starts an operation, or joins the running one that was asked for the same. */
  start(request: OperationRequest): Operation {
    if (this.#stopping.signal.aborted)
      throw new Problem('shutting-down', 'The service is stopping. Repeat the call in a moment.')
    const running = this.#runningByClass.get(foldId(request.classId))
    if (running) return join(running, request)

    const operation = new Operation(request, this.#stopping.signal)
    this.#byId.set(operation.id, operation)
    this.#runningByClass.set(foldId(request.classId), operation)
    void operation.ended.then(() => this.#forget(operation))
    return operation
  }

  #forget(operation: Operation): void {
    const classId = foldId(operation.request.classId)
    this.#runningByClass.delete(classId)
    for (const listener of this.#listeners) listener(operation)
    const ended = [...this.#byId.values()].filter(
      ({ running, request }) => !running && sameId(request.classId, classId),
    )
    for (const { id } of ended.slice(0, -rememberedOperations)) this.#byId.delete(id)
  }

  /** Problem 'unknown-operation'. */
  get(id: string): Operation {
    const operation = this.#byId.get(id)
    if (operation) return operation
    throw unknownOperation()
  }

  get running(): number {
    return this.#runningByClass.size
  }

  runningFor(classId: string): Operation | undefined {
    return this.#runningByClass.get(foldId(classId))
  }

  /** Tells running operations to end at the next safe place, and resolves when they have. */
  async stop(): Promise<void> {
    this.#stopping.abort(new Error('the service is stopping'))
    await Promise.all([...this.#runningByClass.values()].map(({ ended }) => ended))
  }
}

/** Also for an operation of a class that is not the caller's. */
export const unknownOperation = (): Problem =>
  new Problem(
    'unknown-operation',
    'No such operation is known: it is long over, or the service was restarted. GET /room/classes/:classId tells the state of a class.',
  )

function join(running: Operation, { kind, fingerprint, classId }: OperationRequest): Operation {
  if (running.request.kind === kind && running.request.fingerprint === fingerprint) return running
  const what = running.request.kind === kind ? `another ${kind} with other parameters` : `${running.request.kind}`
  throw new Problem(
    'operation-in-progress',
    `For class '${classId}' ${what} is running. Wait for GET /room/operations/${running.id}, then repeat the call.`,
    { extensions: { operationId: running.id } },
  )
}
