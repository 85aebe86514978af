// What an answer with an unwanted status means. Statuses decide, by the endpoint's record; texts only where the record
// lists a deviation. Error bodies come as JSON, as plain text, or as a proxy's HTML page.

import type { Deviation, Endpoint } from '../endpoint.ts'
import { EngineError, type EngineErrorCode, type Retry } from '../errors.ts'

export interface Refusal {
  readonly status: number
  /** The `Location` header of a redirect. */
  readonly location?: string | undefined
  /** The body's text, possibly cut. */
  readonly text: string
}

/** The deviation that explains this answer, if one is on record. */
export function findDeviation<Outcome extends string>(
  endpoint: Endpoint<string, string, Outcome>,
  { status, text }: Refusal,
): Deviation<Outcome> | undefined {
  const message = engineMessage(text) ?? ''
  return endpoint.deviations?.find((deviation) => deviation.status === status && deviation.message.test(message))
}

/** The error for an answer that is no outcome of the endpoint. `path` is as sent. */
export function refusalError(
  endpoint: Endpoint,
  path: string,
  refusal: Refusal,
  deviatingCode?: EngineErrorCode,
): EngineError {
  const { status, location } = refusal
  const message = engineMessage(refusal.text)
  const code = deviatingCode ?? codeOf(status, message)
  const words = isRedirect(status) ? `it redirects to ${location}, which is not followed` : advised(message)
  return new EngineError(`${status} ${words}`, {
    code,
    endpoint: endpoint.name,
    method: endpoint.method,
    path,
    status,
    engineMessage: message,
    retry: retryOf(code, endpoint),
  })
}

/** The engine's words, with what to do where they do not say it. */
function advised(message = '(no message)'): string {
  if (!/HTTP request to an HTTPS server/i.test(message)) return message
  return `${message} Give this client a certificate folder, or use the engine's port without TLS.`
}

function isRedirect(status: number): boolean {
  return status >= 300 && status < 400
}

function codeOf(status: number, message = ''): EngineErrorCode {
  if (status === 400 && /client version \S+ is too (new|old)/i.test(message)) return 'version-unsupported'
  if (status === 400) return 'bad-request'
  if (status === 401 || status === 403) return 'forbidden'
  if (status === 404) return 'not-found'
  if (status === 409) return 'conflict'
  if (status >= 500) return 'server-error'
  return isRedirect(status) ? 'protocol' : 'unexpected-status'
}

/** A version refusal is worth sending again, since the version is then negotiated anew. */
function retryOf(code: EngineErrorCode, endpoint: Endpoint): Retry {
  if (code === 'server-error') return endpoint.retry
  if (code === 'conflict') return 'after-inspect'
  return code === 'version-unsupported' ? 'same' : 'no'
}

/** The engine's words: `message` of a JSON object, the title of an HTML page, or the text itself. */
function engineMessage(text: string): string | undefined {
  const trimmed = text.trim()
  if (trimmed === '') return undefined
  if (trimmed.startsWith('<')) {
    return `an HTML page (${/<title>([^<]*)<\/title>/i.exec(trimmed)?.[1]?.trim() ?? 'untitled'}): is a proxy in between?`
  }
  try {
    const value: unknown = JSON.parse(trimmed)
    if (typeof value === 'object' && value !== null && 'message' in value && typeof value.message === 'string') {
      return value.message.trim()
    }
  } catch {
    // Plain text: the engine sends it from streaming routes and for unknown ones.
  }
  return trimmed
}
