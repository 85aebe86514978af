// One engine call over HTTP, run from its operation record: version, path, pool, patience, status. The one user of undici.
// Surprise: undici rejects an aborted request only once it has a connection, so every call also races its signal.
// Long, since what one call goes through has to be read as one.

import { buildConnector, type Dispatcher, Pool } from 'undici'
import type { Operation, TimeoutClass } from '../endpoint.ts'
import { systemPing } from '../endpoints/system-ping.ts'
import { type EngineError, type EngineErrorCode, isEngineError } from '../errors.ts'
import { abortedError, untilAborted } from './abort.ts'
import { checkAnswer, parseJson } from './answer.ts'
import { refusalText, wholeText } from './body-text.ts'
import type { Call, StreamedAnswer, Transport } from './call.ts'
import { connectionError, wasClosedUnanswered } from './connection-error.ts'
import { type Host, type HostOptions, parseHost } from './host.ts'
import { payloadOf, type Sent } from './payload.ts'
import { findDeviation, type Refusal, refusalError } from './refusal.ts'
import { requestPath } from './request-path.ts'
import { type OpenConnection, upgradeRequest } from './upgrade.ts'
import { agreeOnVersion, chooseVersion } from './version.ts'

/** One exchange with the engine, for logs. A repeated call, and the question for the version, are exchanges of their own. */
export interface CallReport {
  readonly operation: string
  readonly method: string
  /** As sent, with the version and without the query. */
  readonly path: string
  readonly query?: string
  /** What was sent beside the path. Unlike the rest it may hold secrets: `curlLine` shows it with those masked. */
  readonly sent: Sent
  readonly status?: number
  /** Until the head of the answer, or the failure. */
  readonly durationMs: number
  readonly error?: unknown
}

/** Milliseconds of silence each class accepts, before the head of an answer and inside its body. 0: without end. */
export type Patience = Readonly<Record<TimeoutClass, { readonly head: number; readonly body: number }>>

export const defaultPatience: Patience = {
  quick: { head: 30_000, body: 30_000 },
  slow: { head: 300_000, body: 60_000 },
  unbounded: { head: 0, body: 0 },
}

export interface EngineOptions extends HostOptions {
  /** Default: `defaultPatience`. */
  readonly patience?: Patience | undefined
  /** Called after each exchange. Must not throw. */
  readonly onCall?: ((report: CallReport) => void) | undefined
}

/**
 * For the quick calls of one operation, so that those of one that hangs stand in the way of no other: a list is answered
 * while inspections hang. Each of the other calls has its own connection, and their callers bound how many run at once.
 */
const QUICK_CONNECTIONS = 16

type Head = Pick<Dispatcher.ResponseData, 'statusCode' | 'headers' | 'body'>

/** Throws EngineError `invalid-argument` for a host it cannot use. */
export function createTransport(options: EngineOptions): Transport {
  const { patience = defaultPatience } = options
  const host = parseHost(options)
  const connect = connectorOf(host)
  const quick = new Map<string, Pool>()
  const streams = new Pool(host.origin, { connect })
  const upgraded = new Set<OpenConnection>()

  const version = agreeOnVersion(async () => {
    const target = requestPath(systemPing, {})
    const head = await exchange(systemPing, target, {})
    const offered = headerOf(head, 'api-version')
    const text = await refusalText(chunksOf(systemPing, target, head, undefined))
    if (offered !== undefined) return chooseVersion(offered)
    throw refusalError(systemPing, target, { status: head.statusCode, text }, 'protocol')
  })

  function poolOf({ name, timeout }: Operation): Pool {
    if (timeout !== 'quick') return streams
    const pool = quick.get(name) ?? new Pool(host.origin, { connect, connections: QUICK_CONNECTIONS })
    quick.set(name, pool)
    return pool
  }

  /** One request and the head of its answer, whatever its status. */
  async function exchange(operation: Operation, target: string, call: Omit<Call, 'path'>): Promise<Head> {
    const { signal, engineWaitsMs = 0 } = call
    const { head, body: silence } = patience[operation.timeout]
    const payload = payloadOf(call.body)
    const report = reporter(operation, target, payload.sent)
    try {
      const pending = poolOf(operation).request({
        method: operation.method,
        path: target,
        headers: payload.sent.headers,
        body: payload.body,
        headersTimeout: head === 0 ? 0 : head + engineWaitsMs,
        bodyTimeout: silence,
        ...(signal === undefined ? {} : { signal }),
      })
      const answer = await untilAborted(pending, signal)
      report({ status: answer.statusCode })
      return answer
    } catch (cause) {
      const error = payload.failed() ? cause : explain(operation, target, cause, signal)
      report({ error })
      throw error
    }
  }

  function reporter(
    operation: Operation,
    target: string,
    sent: Sent,
  ): (end: Pick<CallReport, 'status' | 'error'>) => void {
    const startedAt = performance.now()
    const { name, method } = operation
    const [path = '', query] = target.split('?', 2)
    return (end) => {
      const durationMs = performance.now() - startedAt
      const asked = { operation: name, method, path, ...(query === undefined ? {} : { query }), sent }
      options.onCall?.({ ...asked, ...end, durationMs })
    }
  }

  function explain(operation: Operation, target: string, cause: unknown, signal: AbortSignal | undefined): EngineError {
    if (signal?.aborted === true) return abortedError(operation, target, signal)
    if (isEngineError(cause)) return cause
    const error = connectionError(host.name, operation, target, cause)
    if (error.code === 'unreachable') version.forget()
    return error
  }

  async function* chunksOf(
    operation: Operation,
    target: string,
    head: Head,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<Buffer, void, undefined> {
    try {
      yield* head.body
    } catch (cause) {
      throw explain(operation, target, cause, signal)
    }
  }

  /** As `exchange`, for a connection that is no longer HTTP after the answer. */
  async function exchangeUpgrade(operation: Operation, target: string, call: Omit<Call, 'path'>) {
    const { signal } = call
    const { sent, body } = payloadOf(call.body)
    const report = reporter(operation, target, sent)
    const asked = upgradeRequest((cause) => explain(operation, target, cause, signal), signal)
    const options = { method: operation.method, path: target, headers: sent.headers, body, upgrade: 'tcp' }
    try {
      streams.dispatch({ ...options, headersTimeout: patience[operation.timeout].head }, asked.handler)
      const answer = await untilAborted(asked.answer, signal)
      report({ status: 'refusal' in answer ? answer.refusal.status : 101 })
      return answer
    } catch (cause) {
      const error = explain(operation, target, cause, signal)
      asked.abandon(error)
      report({ error })
      throw error
    }
  }

  /** The path of a call, with the version. */
  async function targetOf(operation: Operation, { path: parameters, query, signal }: Call): Promise<string> {
    const path = requestPath(operation, parameters, query)
    const agreed = await untilAborted(version.get(), signal).catch((cause: unknown) => {
      throw explain(operation, path, cause, signal)
    })
    return `/v${agreed}${path}`
  }

  /** One call with version, repeat and refusal: gives only answers that are an outcome of the operation. */
  async function stream<Outcome extends string>(
    operation: Operation<string, string, Outcome>,
    call: Call,
  ): Promise<StreamedAnswer<Outcome>> {
    const { signal } = call
    const target = await targetOf(operation, call)
    const head = await exchange(operation, target, call).catch((error: unknown) => {
      if (operation.method === 'GET' && wasClosedUnanswered(error)) return exchange(operation, target, call)
      throw error
    })
    const status = head.statusCode
    const chunks = chunksOf(operation, target, head, signal)
    const outcome =
      operation.statuses[status] ??
      outcomeOfRefusal(operation, target, {
        status,
        location: headerOf(head, 'location'),
        text: await refusalText(chunks),
      })
    return {
      outcome,
      chunks,
      header: (name) => headerOf(head, name),
      text: () => wholeText(operation, chunks),
      drop: () => head.body.dump(),
    }
  }

  /** Throws the refusal's error, unless a deviation on record makes it an outcome. */
  function outcomeOfRefusal<Outcome extends string>(
    operation: Operation<string, string, Outcome>,
    target: string,
    refusal: Refusal,
  ): Outcome {
    const deviation = findDeviation(operation, refusal)
    if (deviation !== undefined && 'outcome' in deviation) return deviation.outcome
    throw refused(operation, target, refusal, deviation?.code)
  }

  function refused(operation: Operation, target: string, refusal: Refusal, code?: EngineErrorCode): EngineError {
    const error = refusalError(operation, target, refusal, code)
    if (error.code === 'version-unsupported') version.forget()
    return error
  }

  return {
    stream,
    async send(operation, call) {
      const answer = await stream(operation, call)
      await answer.drop()
      return answer.outcome
    },
    async json(operation, call) {
      const answer = await stream(operation, call)
      return checkAnswer(operation.name, operation.answer, parseJson(operation.name, await answer.text()))
    },
    async upgrade(operation, call) {
      const target = await targetOf(operation, call)
      const answer = await exchangeUpgrade(operation, target, call)
      if ('refusal' in answer) throw refused(operation, target, answer.refusal)
      const { connection } = answer
      upgraded.add(connection)
      connection.onClose(() => upgraded.delete(connection))
      return connection
    },
    async close() {
      for (const connection of upgraded) connection.close()
      await Promise.all([streams, ...quick.values()].map((pool) => pool.destroy()))
    },
  }
}

/** Ends a connection at its first error: an engine refuses a certificate after our handshake, and undici forgets that alert. */
function connectorOf({ connect }: Host): buildConnector.connector {
  const connector = buildConnector(connect)
  return (options, callback) =>
    connector(options, (...answer) => {
      answer[1]?.once('error', (first) => answer[1]?.destroy(first))
      callback(...answer)
    })
}

function headerOf(head: Head, name: string): string | undefined {
  return [head.headers[name]].flat()[0]
}
