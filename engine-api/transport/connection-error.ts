// What a failed connection means: the words of sockets and of the HTTP library, in the client's own few codes.

import type { Endpoint } from '../endpoint.ts'
import { EngineError, type EngineErrorCode, isEngineError, type Retry } from '../errors.ts'

/** These say that nothing was sent. */
const unsent: Readonly<Record<string, (host: string) => string>> = {
  ENOENT: (host) => `no socket at ${host}: is the engine installed and running, and is the path right?`,
  EACCES: (host) => `no permission to open ${host}: run as a member of the socket's group (often "docker")`,
  ECONNREFUSED: (host) => `nothing listens at ${host}: is the engine running?`,
  ENOTFOUND: (host) => `the name in ${host} is unknown`,
  UND_ERR_CONNECT_TIMEOUT: (host) =>
    `no connection to ${host} in time: is the address right, and the engine reachable?`,
}

const otherAuthority = (host: string): string =>
  `the certificate of ${host} is not signed by ca.pem: is that the right file?`
const refusedCertificate = (host: string): string =>
  `${host} refuses our certificate: cert.pem must be signed by the authority that the engine trusts, and not be expired`
const noTls = (host: string): string =>
  `${host} does not speak TLS: is that the port for it, and was the engine started with --tlsverify?`

/** These say that one side did not accept the other's certificate, so that no request was read. */
const distrusted: Readonly<Record<string, (host: string) => string>> = {
  CERT_HAS_EXPIRED: (host) => `the certificate of ${host} has expired: give the engine a new one, or correct the clock`,
  CERT_NOT_YET_VALID: (host) => `the certificate of ${host} is not valid yet: is the clock of either side wrong?`,
  ERR_TLS_CERT_ALTNAME_INVALID: (host) =>
    `the certificate of ${host} is for other names: use one of them in the host, or add this one to the certificate`,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: otherAuthority,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: otherAuthority,
  SELF_SIGNED_CERT_IN_CHAIN: otherAuthority,
  DEPTH_ZERO_SELF_SIGNED_CERT: otherAuthority,
  CERT_SIGNATURE_FAILURE: otherAuthority,
  ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE: refusedCertificate,
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED: refusedCertificate,
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN: refusedCertificate,
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: refusedCertificate,
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: refusedCertificate,
  ERR_SSL_WRONG_VERSION_NUMBER: noTls,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: noTls,
}

/** These say that the engine sent nothing for too long, that the client was closed, or answered what is not HTTP. The rest is a broken connection. */
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

export function connectionError(host: string, endpoint: Endpoint, path: string, cause: unknown): EngineError {
  const code = systemCode(cause)
  const error = (message: string, kind: EngineErrorCode, retry: Retry): EngineError =>
    new EngineError(message, { code: kind, endpoint: endpoint.name, method: endpoint.method, path, retry, cause })

  const hint = unsent[code] ?? distrusted[code]
  if (hint !== undefined) return error(hint(host), 'unreachable', 'same')
  const [kind, message] = known[code] ?? []
  if (kind !== undefined && message !== undefined) return error(message, kind, endpoint.retry)
  const detail = cause instanceof Error ? cause.message : String(cause)
  // A chunked body that is cut also comes from the parser; that is a broken connection and no other protocol.
  if (cause instanceof Error && cause.name === 'HTTPParserError' && !/invalid eof/i.test(detail)) {
    return error(`${host} answered what is not HTTP: ${detail}`, 'protocol', endpoint.retry)
  }
  return error(`the connection to ${host} broke: ${detail}`, 'unreachable', endpoint.retry)
}

/** The connection was closed before the head of an answer, as happens to a kept connection that the engine gave up. */
export function wasClosedUnanswered(error: unknown): boolean {
  return (
    isEngineError(error, 'unreachable') && ['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE'].includes(systemCode(error.cause))
  )
}
