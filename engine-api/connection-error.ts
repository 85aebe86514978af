// What a failed connection means: the words of sockets and of the HTTP library, in the client's own few codes.

import { EngineError, type EngineErrorCode, isEngineError, type Retry } from './errors.ts'
import type { Operation } from './operation.ts'

/** These say that nothing was sent. */
const unsent: Readonly<Record<string, (host: string) => string>> = {
  ENOENT: (host) => `no socket at ${host}: is the engine installed and running, and is the path right?`,
  EACCES: (host) => `no permission to open ${host}: run as a member of the socket's group (often "docker")`,
  ECONNREFUSED: (host) => `nothing listens at ${host}: is the engine running?`,
  ENOTFOUND: (host) => `the name in ${host} is unknown`,
  UND_ERR_CONNECT_TIMEOUT: (host) =>
    `no connection to ${host} in time: is the address right, and the engine reachable?`,
}

/** These say that the engine fell silent, was closed by us, or answered what is not HTTP. The rest is a broken connection. */
const known: Readonly<Record<string, readonly [EngineErrorCode, string]>> = {
  UND_ERR_HEADERS_TIMEOUT: ['timeout', 'the engine did not answer in time'],
  UND_ERR_BODY_TIMEOUT: ['timeout', 'the engine fell silent inside its answer'],
  UND_ERR_DESTROYED: ['aborted', 'the client was closed'],
  UND_ERR_CLOSED: ['aborted', 'the client was closed'],
  UND_ERR_HEADERS_OVERFLOW: ['protocol', 'the head of the answer is too large'],
}

/** The code that the platform or the HTTP library gave an error. */
function systemCode(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
}

export function connectionError(host: string, operation: Operation, path: string, cause: unknown): EngineError {
  const code = systemCode(cause)
  const error = (message: string, kind: EngineErrorCode, retry: Retry): EngineError =>
    new EngineError(message, { code: kind, operation: operation.name, method: operation.method, path, retry, cause })

  const hint = unsent[code]
  if (hint !== undefined) return error(hint(host), 'unreachable', 'same')
  const [kind, message] = known[code] ?? []
  if (kind !== undefined && message !== undefined) return error(message, kind, operation.retry)
  const detail = cause instanceof Error ? cause.message : String(cause)
  // A chunked body that is cut also comes from the parser; that is a broken connection and no other protocol.
  if (cause instanceof Error && cause.name === 'HTTPParserError' && !/invalid eof/i.test(detail)) {
    return error(`${host} answered what is not HTTP: ${detail}`, 'protocol', operation.retry)
  }
  return error(`the connection to ${host} broke: ${detail}`, 'unreachable', operation.retry)
}

/** The connection was closed before the head of an answer, as happens to a kept connection that the engine gave up. */
export function wasClosedUnanswered(error: unknown): boolean {
  return (
    isEngineError(error, 'unreachable') && ['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE'].includes(systemCode(error.cause))
  )
}
