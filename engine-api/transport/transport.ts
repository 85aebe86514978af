// One engine call over HTTP, run from its endpoint's record: version, path, pool, timeouts, status. Nothing else in engine-api uses undici.
// undici rejects an aborted request only once it has a connection, so every call also races its signal.

import { buildConnector, type Dispatcher, Pool } from 'undici'
import type { Endpoint } from '../endpoint.ts'
import { systemPing } from '../endpoints/system/ping.ts'
import { type EngineError, type EngineErrorCode, isEngineError } from '../errors.ts'
import { abortedError, untilAborted } from './abort.ts'
import { checkAnswer, parseJson } from './answer.ts'
import { refusalText, tooLong, wholeText } from './body-text.ts'
import type { Call, StreamedAnswer, TakenAnswer, Transport } from './call.ts'
import { connectionError, wasClosedUnanswered } from './connection-error.ts'
import { type Host, parseHost } from './host.ts'
import type { Headers } from './library.ts'
import { defaultTimeouts, type EngineOptions } from './options.ts'
import { type Payload, payloadOf } from './payload.ts'
import { findDeviation, type Refusal, refusalError } from './refusal.ts'
import { reporter } from './report.ts'
import { requestPath } from './request-path.ts'
import { type OpenConnection, upgradeRequest } from './upgrade.ts'
import { agreeOnVersion, chooseVersion } from './version.ts'
import { type WholeAnswer, wholeRequest } from './whole-answer.ts'

/**
 * For the quick calls of one endpoint, so that those of one that hangs stand in the way of no other: a list is answered
 * while inspections hang. Each of the other calls has its own connection, and their callers bound how many run at once.
 */
const QUICK_CONNECTIONS = 16

type Head = Pick<Dispatcher.ResponseData, 'statusCode' | 'headers' | 'body'>

/** Throws EngineError `invalid-argument` for a host it cannot use. */
export function createTransport(options: EngineOptions): Transport {
  const { timeouts = defaultTimeouts, onCall } = options
  const host = parseHost(options)
  const connect = connectorOf(host)
  const quick = new Map<string, Pool>()
  const streams = new Pool(host.origin, { connect })
  const upgraded = new Set<OpenConnection>()

  const version = agreeOnVersion(async () => {
    const target = requestPath(systemPing, {})
    const answer = await exchangeWhole(systemPing, target, {}, 'outcome')
    const offered = headerOf(answer.headers, 'api-version')
    if (offered !== undefined) return chooseVersion(offered)
    throw refusalError(systemPing, target, answer, 'protocol')
  })

  function poolOf({ name, timeout }: Endpoint): Pool {
    if (timeout !== 'quick') return streams
    const pool = quick.get(name) ?? new Pool(host.origin, { connect, connections: QUICK_CONNECTIONS })
    quick.set(name, pool)
    return pool
  }

  function requestOf(endpoint: Endpoint, target: string, payload: Payload, { engineWaitsMs = 0 }: Omit<Call, 'path'>) {
    const { headersMs, idleMs } = timeouts[endpoint.timeout]
    return {
      method: endpoint.method,
      path: target,
      headers: payload.sent.headers,
      body: payload.body,
      headersTimeout: headersMs === 0 ? 0 : headersMs + engineWaitsMs,
      bodyTimeout: idleMs,
    }
  }

  /** One request and its whole answer, whatever its status. The `outcome` alone needs no whole text. */
  async function exchangeWhole(
    endpoint: Endpoint,
    target: string,
    call: Omit<Call, 'path'>,
    needs: 'text' | 'outcome',
  ): Promise<WholeAnswer> {
    const { signal } = call
    const payload = payloadOf(call.body)
    const report = reporter(onCall, endpoint, target, payload.sent)
    let hasHead = false
    const asked = wholeRequest({
      isWanted: (status) => needs === 'text' && endpoint.statuses[status] !== undefined,
      onHead(status) {
        hasHead = true
        report({ status })
      },
    })
    try {
      poolOf(endpoint).dispatch(requestOf(endpoint, target, payload, call), asked.handler)
      return await untilAborted(asked.answer, signal)
    } catch (cause) {
      const error = payload.failed() ? cause : explain(endpoint, target, cause, signal)
      asked.abandon(error instanceof Error ? error : new Error(String(error)))
      if (!hasHead) report({ error })
      throw error
    }
  }

  /** One request and the head of its answer, whatever its status. */
  async function exchange(endpoint: Endpoint, target: string, call: Omit<Call, 'path'>): Promise<Head> {
    const { signal } = call
    const payload = payloadOf(call.body)
    const report = reporter(onCall, endpoint, target, payload.sent)
    try {
      const pending = poolOf(endpoint).request({
        ...requestOf(endpoint, target, payload, call),
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
    const report = reporter(onCall, endpoint, target, sent)
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

  /** A question whose kept connection was closed under it is asked again. */
  async function asked<Answer>(endpoint: Endpoint, ask: () => Promise<Answer>): Promise<Answer> {
    return await ask().catch((error: unknown) => {
      if (endpoint.method === 'GET' && wasClosedUnanswered(error)) return ask()
      throw error
    })
  }

  /** One call with version, repeat and refusal: gives only answers that are an outcome of the endpoint. */
  async function take<Outcome extends string>(
    endpoint: Endpoint<string, string, Outcome>,
    call: Call,
    needs: 'text' | 'outcome',
  ): Promise<TakenAnswer<Outcome>> {
    const target = await targetOf(endpoint, call)
    const answer = await asked(endpoint, () => exchangeWhole(endpoint, target, call, needs))
    const { status, headers, text, isCut, fault } = answer
    const known = endpoint.statuses[status]
    if (known !== undefined && needs === 'text' && isCut) throw tooLong(endpoint)
    if (known !== undefined && needs === 'text' && fault) throw explain(endpoint, target, fault, call.signal)
    const outcome =
      known ?? outcomeOfRefusal(endpoint, target, { status, location: headerOf(headers, 'location'), text })
    return { outcome, text, header: (name) => headerOf(headers, name) }
  }

  /** As `take`, as soon as the head is there. */
  async function stream<Outcome extends string>(
    endpoint: Endpoint<string, string, Outcome>,
    call: Call,
  ): Promise<StreamedAnswer<Outcome>> {
    const { signal } = call
    const target = await targetOf(endpoint, call)
    const head = await asked(endpoint, () => exchange(endpoint, target, call))
    const status = head.statusCode
    const chunks = chunksOf(endpoint, target, head, signal)
    const outcome =
      endpoint.statuses[status] ??
      outcomeOfRefusal(endpoint, target, {
        status,
        location: headerOf(head.headers, 'location'),
        text: await refusalText(chunks),
      })
    return {
      outcome,
      chunks,
      header: (name) => headerOf(head.headers, name),
      text: () => wholeText(endpoint, chunks),
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
    take: (endpoint, call) => take(endpoint, call, 'text'),
    send: async (endpoint, call) => (await take(endpoint, call, 'outcome')).outcome,
    async json(endpoint, call) {
      const { text } = await take(endpoint, call, 'text')
      return checkAnswer(endpoint.name, endpoint.answer, parseJson(endpoint.name, text))
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

function headerOf(headers: Headers, name: string): string | undefined {
  const value = headers[name]
  return typeof value === 'object' ? value[0] : value
}
