// One engine call over HTTP, run from its operation record: version, path, pool, patience, status. The one user of undici.
// Surprise: undici rejects an aborted request only once it has a connection, so every call also races its signal.

import { Readable } from 'node:stream'
import { type Dispatcher, Pool } from 'undici'
import { abortedError, untilAborted } from './abort.ts'
import { checkAnswer, parseJson } from './answer.ts'
import type { Call, StreamedAnswer, Transport } from './call.ts'
import { connectionError, wasClosedUnanswered } from './connection-error.ts'
import { systemPing } from './endpoints/system-ping.ts'
import { EngineError, isEngineError } from './errors.ts'
import { type HostOptions, parseHost } from './host.ts'
import type { Operation, TimeoutClass } from './operation.ts'
import { findDeviation, refusalError } from './refusal.ts'
import { requestPath } from './request-path.ts'
import { agreeOnVersion, chooseVersion } from './version.ts'

/** One exchange with the engine, for logs. A repeated call, and the question for the version, are exchanges of their own. */
export interface CallReport {
  readonly operation: string
  readonly method: string
  /** As sent, with the version and without the query. */
  readonly path: string
  readonly query?: string
  /** What was sent beside the path. Unlike the rest it may hold secrets: `curlLine` shows it with those masked. */
  readonly sent: {
    readonly headers: Readonly<Record<string, string>>
    readonly body?: { readonly json: object } | 'tar'
  }
  readonly status?: number
  /** Until the head of the answer, or the failure. */
  readonly durationMs: number
  readonly error?: unknown
}

export interface EngineOptions extends HostOptions {
  /** Called after each exchange. Must not throw. */
  readonly onCall?: ((report: CallReport) => void) | undefined
}

/** Milliseconds of silence each class accepts, before the head of an answer and inside its body. 0: without end. */
export type Patience = Readonly<Record<TimeoutClass, { readonly head: number; readonly body: number }>>

const defaultPatience: Patience = {
  quick: { head: 30_000, body: 30_000 },
  slow: { head: 300_000, body: 60_000 },
  unbounded: { head: 0, body: 0 },
}

/** For quick calls together; each of the others has its own connection, and their callers bound how many run at once. */
const CONTROL_CONNECTIONS = 16
const ERROR_TEXT_LIMIT = 64 * 1024
const ANSWER_TEXT_LIMIT = 64 * 1024 * 1024

type Head = Pick<Dispatcher.ResponseData, 'statusCode' | 'headers' | 'body'>

/** Throws EngineError `invalid-argument` for a host it cannot use. */
export function createTransport(options: EngineOptions, patience: Patience = defaultPatience): Transport {
  const host = parseHost(options)
  const control = new Pool(host.origin, { connect: host.connect, connections: CONTROL_CONNECTIONS })
  const streams = new Pool(host.origin, { connect: host.connect })

  const version = agreeOnVersion(async () => {
    const target = requestPath(systemPing, {})
    const head = await exchange(systemPing, target, {})
    const offered = headerOf(head, 'api-version')
    const text = await refusalText(chunksOf(systemPing, target, head, undefined))
    if (offered !== undefined) return chooseVersion(offered)
    throw refusalError(systemPing, target, { status: head.statusCode, text }, 'protocol')
  })

  /** One request and the head of its answer, whatever its status. */
  async function exchange(operation: Operation, target: string, call: Omit<Call, 'path'>): Promise<Head> {
    const { signal, engineWaitsMs = 0 } = call
    const { head, body: silence } = patience[operation.timeout]
    const payload = payloadOf(call.body)
    const report = reporter(operation, target, payload.sent)
    try {
      const pending = (operation.timeout === 'quick' ? control : streams).request({
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
    sent: CallReport['sent'],
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

  /** One call with version, repeat and refusal: gives only answers that are an outcome of the operation. */
  async function stream<Outcome extends string>(
    operation: Operation<string, string, Outcome>,
    call: Call,
  ): Promise<StreamedAnswer<Outcome>> {
    const { signal } = call
    const path = requestPath(operation, call.path, call.query)
    const agreed = await untilAborted(version.get(), signal).catch((cause: unknown) => {
      throw explain(operation, path, cause, signal)
    })
    const target = `/v${agreed}${path}`
    const head = await exchange(operation, target, call).catch((error: unknown) => {
      if (operation.method === 'GET' && wasClosedUnanswered(error)) return exchange(operation, target, call)
      throw error
    })
    const status = head.statusCode
    const chunks = chunksOf(operation, target, head, signal)
    const outcome = operation.statuses[status] ?? (await outcomeOfRefusal(operation, target, head, chunks))
    return {
      outcome,
      chunks,
      header: (name) => headerOf(head, name),
      text: () => wholeText(operation, chunks),
      drop: () => head.body.dump(),
    }
  }

  async function outcomeOfRefusal<Outcome extends string>(
    operation: Operation<string, string, Outcome>,
    target: string,
    head: Head,
    chunks: AsyncIterable<Buffer>,
  ): Promise<Outcome> {
    const refusal = { status: head.statusCode, location: headerOf(head, 'location'), text: await refusalText(chunks) }
    const deviation = findDeviation(operation, refusal)
    if (deviation !== undefined && 'outcome' in deviation) return deviation.outcome
    const error = refusalError(operation, target, refusal, deviation?.code)
    if (error.code === 'version-unsupported') version.forget()
    throw error
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
    async close() {
      await Promise.all([control.destroy(), streams.destroy()])
    },
  }
}

interface Payload {
  readonly sent: CallReport['sent']
  readonly body: string | Readable | null
  /** Whether the caller's own source threw: its error is then the caller's, not the engine's. */
  failed(): boolean
}

function payloadOf(body: Call['body']): Payload {
  if (body === undefined) return { sent: { headers: {} }, body: null, failed: () => false }
  if ('json' in body) {
    const headers = { 'content-type': 'application/json' }
    return { sent: { headers, body }, body: JSON.stringify(body.json), failed: () => false }
  }
  let failed = false
  async function* watched(source: AsyncIterable<Uint8Array>) {
    try {
      yield* source
    } catch (error) {
      failed = true
      throw error
    }
  }
  return {
    sent: { headers: { 'content-type': 'application/x-tar' }, body: 'tar' },
    body: Readable.from(watched(body.tar), { objectMode: false }),
    failed: () => failed,
  }
}

function headerOf(head: Head, name: string): string | undefined {
  const value = head.headers[name]
  return typeof value === 'string' ? value : value?.[0]
}

/** What an engine said with a refusal, cut at a limit; also what came before the connection broke. */
async function refusalText(chunks: AsyncIterable<Buffer>): Promise<string> {
  const parts: Buffer[] = []
  let length = 0
  try {
    for await (const chunk of chunks) {
      parts.push(chunk.subarray(0, ERROR_TEXT_LIMIT - length))
      length += chunk.length
      if (length >= ERROR_TEXT_LIMIT) break
    }
  } catch {
    // The status says enough.
  }
  return Buffer.concat(parts).toString()
}

async function wholeText(operation: Operation, chunks: AsyncIterable<Buffer>): Promise<string> {
  const parts: Buffer[] = []
  let length = 0
  for await (const chunk of chunks) {
    parts.push(chunk)
    length += chunk.length
    if (length <= ANSWER_TEXT_LIMIT) continue
    throw new EngineError(`the answer is longer than ${ANSWER_TEXT_LIMIT} bytes`, {
      code: 'protocol',
      operation: operation.name,
      retry: 'no',
    })
  }
  return Buffer.concat(parts).toString()
}
