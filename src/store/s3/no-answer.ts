// Why there was no answer: a server that is away may be back at the next attempt, a certificate that is not trusted will not be.
import { StoreError } from '../port.ts'

const unknownCa = 'its certificate is of a CA that this machine does not know'
const namesTheCa = 'set MINIO_CA_FILE to the file of the CA that signed it'

/** By the code that Node.js gives: what is wrong, and what to do. */
const faultsOfTls: ReadonlyMap<string, readonly [string, string]> = new Map([
  ['DEPTH_ZERO_SELF_SIGNED_CERT', ['its certificate is self-signed', 'set MINIO_CA_FILE to that certificate']],
  ['SELF_SIGNED_CERT_IN_CHAIN', [unknownCa, namesTheCa]],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', [unknownCa, namesTheCa]],
  ['UNABLE_TO_GET_ISSUER_CERT', [unknownCa, namesTheCa]],
  ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', [unknownCa, namesTheCa]],
  ['CERT_HAS_EXPIRED', ['its certificate has expired', 'renew it, or set the clock of this machine right']],
  ['CERT_NOT_YET_VALID', ['its certificate is not valid yet', 'set the clock of this machine right']],
  [
    'ERR_TLS_CERT_ALTNAME_INVALID',
    ['its certificate is for another name', 'use a name of the certificate in MINIO_ENDPOINT'],
  ],
  ['ERR_SSL_WRONG_VERSION_NUMBER', ['it does not speak https', 'begin MINIO_ENDPOINT with http://']],
  ['ERR_SSL_PACKET_LENGTH_TOO_LONG', ['it does not speak https', 'begin MINIO_ENDPOINT with http://']],
])

/** Codes of a connection that the other side closed. */
const closedCodes: ReadonlySet<string> = new Set(['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE'])

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''

/** The StoreError for a call that ended in `cause` instead of an answer. */
export function noAnswer(host: string, cause: unknown): StoreError {
  const [fault, step] = faultsOfTls.get(codeOf(cause)) ?? []
  if (fault !== undefined && step !== undefined) {
    const advice = `The store cannot be trusted: ${fault}. Ask the operator to look at the log, then repeat the call.`
    return new StoreError('tls', `no trusted connection to ${host}: ${fault}; ${step}`, cause, advice)
  }
  const reason = cause instanceof Error ? cause.message || codeOf(cause) || cause.name : String(cause)
  return new StoreError(
    'unreachable',
    `no answer from ${host} (${reason}); check that the server runs and can be reached`,
    cause,
  )
}

/** Whether the server ended the connection itself. */
export function hungUp(error: unknown): boolean {
  return error instanceof StoreError && error.code === 'unreachable' && closedCodes.has(codeOf(error.cause))
}
