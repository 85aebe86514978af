// One engine call over HTTP, run from its endpoint's record: version, path, pool, timeouts, status. Nothing else in engine-api uses undici.
// undici rejects an aborted request only once it has a connection, so every call also races its signal.

import { buildConnector, type Dispatcher, Pool } from 'undici'
import type { Endpoint, TimeoutClass } from '../endpoint.ts'
import { systemPing } from '../endpoints/system/ping.ts'
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
  readonly endpoint: string
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

/** Of one class of endpoints, in milliseconds; 0 means no limit. */
export interface Timeouts {
  /** From the end of the request to the headers of the answer. */
  readonly headersMs: number
  /** Between two pieces of the answer's body. */
  readonly idleMs: number
}

export const defaultTimeouts: Readonly<Record<TimeoutClass, Timeouts>> = {
  quick: { headersMs: 30_000, idleMs: 30_000 },
  slow: { headersMs: 300_000, idleMs: 60_000 },
  unbounded: { headersMs: 0, idleMs: 0 },
}

export interface EngineOptions extends HostOptions {
  /** Default: `defaultTimeouts`. */
  readonly timeouts?: Readonly<Record<TimeoutClass, Timeouts>> | undefined
  /** Called after each exchange. Must not throw. */
  readonly onCall?: ((report: CallReport) => void) | undefined
}

/**
 * For the quick calls of one endpoint, so that those of one that hangs stand in the way of no other: a list is answered
 * while inspections hang. Each of the other calls has its own connection, and their callers bound how many run at once.
 */
const QUICK_CONNECTIONS = 16

type Head = Pick<Dispatcher.ResponseData, 'statusCode' | 'headers' | 'body'>

/** Throws EngineError `invalid-argument` for a host it cannot use. */
export function createTransport(options: EngineOptions): Transport {
  const { timeouts = defaultTimeouts } = options
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

  function poolOf({ name, timeout }: Endpoint): Pool {
    if (timeout !== 'quick') return streams
    const pool = quick.get(name) ?? new Pool(host.origin, { connect, connections: QUICK_CONNECTIONS })
    quick.set(name, pool)
    return pool
  }

  /** One request and the head of its answer, whatever its status. */
  async function exchange(endpoint: Endpoint, target: string, call: Omit<Call, 'path'>): Promise<Head> {
    const { signal, engineWaitsMs = 0 } = call
    const { headersMs, idleMs } = timeouts[endpoint.timeout]
    const payload = payloadOf(call.body)
    const report = reporter(endpoint, target, payload.sent)
    try {
      const pending = poolOf(endpoint).request({
        method: endpoint.method,
        path: target,
        headers: payload.sent.headers,
        body: payload.body,
        headersTimeout: headersMs === 0 ? 0 : headersMs + engineWaitsMs,
        bodyTimeout: idleMs,
        ...(signal === undefined ? {} : { signal }),
      })
      const answer = await untilAborted(pending, signal)
      report({ status: answer.statusCode })
      return answer
    } catch (cause) {
      const error = payload.failed() ? cause : explain(endpoint, target, cause, signal)
      report({ error })
      throw error
    }
  }

  function reporter(
    endpoint: Endpoint,
    target: string,
    sent: Sent,
  ): (end: Pick<CallReport, 'status' | 'error'>) => void {
    const startedAt = performance.now()
    const { name, method } = endpoint
    const [path = '', query] = target.split('?', 2)
    return (end) => {
      const durationMs = performance.now() - startedAt
      const asked = { endpoint: name, method, path, ...(query === undefined ? {} : { query }), sent }
      options.onCall?.({ ...asked, ...end, durationMs })
    }
  }

  function explain(endpoint: Endpoint, target: string, cause: unknown, signal: AbortSignal | undefined): EngineError {
    if (signal?.aborted === true) return abortedError(endpoint, target, signal)
    if (isEngineError(cause)) return cause
    const error = connectionError(host.name, endpoint, target, cause)
    if (error.code === 'unreachable') version.forget()
    return error
  }

  async function* chunksOf(
    endpoint: Endpoint,
    target: string,
    head: Head,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<Buffer, void, undefined> {
    try {
      yield* head.body
    } catch (cause) {
      throw explain(endpoint, target, cause, signal)
    }
  }

  /** As `exchange`, for a connection that is no longer HTTP after the answer. */
  async function exchangeUpgrade(endpoint: Endpoint, target: string, call: Omit<Call, 'path'>) {
    const { signal } = call
    const { sent, body } = payloadOf(call.body)
    const report = reporter(endpoint, target, sent)
    const asked = upgradeRequest((cause) => explain(endpoint, target, cause, signal), signal)
    const options = { method: endpoint.method, path: target, headers: sent.headers, body, upgrade: 'tcp' }
    try {
      streams.dispatch({ ...options, headersTimeout: timeouts[endpoint.timeout].headersMs }, asked.handler)
      const answer = await untilAborted(asked.answer, signal)
      report({ status: 'refusal' in answer ? answer.refusal.status : 101 })
      return answer
    } catch (cause) {
      const error = explain(endpoint, target, cause, signal)
      asked.abandon(error)
      report({ error })
      throw error
    }
  }

  /** The path of a call, with the version. */
  async function targetOf(endpoint: Endpoint, { path: parameters, query, signal }: Call): Promise<string> {
    const path = requestPath(endpoint, parameters, query)
    const agreed = await untilAborted(version.get(), signal).catch((cause: unknown) => {
      throw explain(endpoint, path, cause, signal)
    })
    return `/v${agreed}${path}`
  }

  /** One call with version, repeat and refusal: gives only answers that are an outcome of the endpoint. */
  async function stream<Outcome extends string>(
    endpoint: Endpoint<string, string, Outcome>,
    call: Call,
  ): Promise<StreamedAnswer<Outcome>> {
    const { signal } = call
    const target = await targetOf(endpoint, call)
    const head = await exchange(endpoint, target, call).catch((error: unknown) => {
      if (endpoint.method === 'GET' && wasClosedUnanswered(error)) return exchange(endpoint, target, call)
      throw error
    })
    const status = head.statusCode
    const chunks = chunksOf(endpoint, target, head, signal)
    const outcome =
      endpoint.statuses[status] ??
      outcomeOfRefusal(endpoint, target, {
        status,
        location: headerOf(head, 'location'),
        text: await refusalText(chunks),
      })
    return {
      outcome,
      chunks,
      header: (name) => headerOf(head, name),
      text: () => wholeText(endpoint, chunks),
      drop: () => head.body.dump(),
    }
  }

  /** Throws the refusal's error, unless a deviation on record makes it an outcome. */
  function outcomeOfRefusal<Outcome extends string>(
    endpoint: Endpoint<string, string, Outcome>,
    target: string,
    refusal: Refusal,
  ): Outcome {
    const deviation = findDeviation(endpoint, refusal)
    if (deviation !== undefined && 'outcome' in deviation) return deviation.outcome
    throw refused(endpoint, target, refusal, deviation?.code)
  }

  function refused(endpoint: Endpoint, target: string, refusal: Refusal, code?: EngineErrorCode): EngineError {
    const error = refusalError(endpoint, target, refusal, code)
    if (error.code === 'version-unsupported') version.forget()
    return error
  }

  return {
    stream,
    async send(endpoint, call) {
      const answer = await stream(endpoint, call)
      await answer.drop()
      return answer.outcome
    },
    async json(endpoint, call) {
      const answer = await stream(endpoint, call)
      return checkAnswer(endpoint.name, endpoint.answer, parseJson(endpoint.name, await answer.text()))
    },
    async upgrade(endpoint, call) {
      const target = await targetOf(endpoint, call)
      const answer = await exchangeUpgrade(endpoint, target, call)
      if ('refusal' in answer) throw refused(endpoint, target, answer.refusal)
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
