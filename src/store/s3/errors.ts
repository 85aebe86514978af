// From what an S3 server answers to a StoreError: the one place that knows the codes of S3, MinIO, Ceph and VersityGW.
import { CutTransfer, StoreError, type StoreErrorCode } from '../port.ts'
import { childText, readXml } from './xml.ts'

/** An answer that is no success. `code` and `message` are the server's own, '' where it gave none (every answer to HEAD). */
export interface Refusal {
  readonly status: number
  readonly code: string
  readonly message: string
}

const byCode: ReadonlyMap<string, StoreErrorCode> = new Map([
  ['NoSuchKey', 'not-found'],
  ['NoSuchBucket', 'no-bucket'],
  ['BadDigest', 'mismatch'],
  ['InvalidDigest', 'mismatch'],
  ['IncompleteBody', 'mismatch'],
  ['QuotaExceeded', 'full'],
  ['XMinioAdminBucketQuotaExceeded', 'full'],
  ['XMinioStorageFull', 'full'],
  ['AccessDenied', 'denied'],
  ['AuthorizationHeaderMalformed', 'denied'],
  ['InvalidAccessKeyId', 'denied'],
  ['RequestTimeTooSkewed', 'clock'],
  ['SignatureDoesNotMatch', 'denied'],
  // VersityGW's, with status 404.
  ['XAdminUserNotFound', 'denied'],
  // Two conditional writes met: asking again settles it.
  ['ConditionalRequestConflict', 'unreachable'],
  ['OperationAborted', 'unreachable'],
])

const byStatus: ReadonlyMap<number, StoreErrorCode> = new Map([
  [401, 'denied'],
  [403, 'denied'],
  [404, 'not-found'],
  [507, 'full'],
])

/** Statuses that pass: the server is busy, starting or behind a proxy that cannot reach it. */
const passingStatuses: ReadonlySet<number> = new Set([408, 429, 499, 500, 502, 503, 504, 520])

/** Whether the same request may well succeed a little later. */
export function isPassing(status: number): boolean {
  return passingStatuses.has(status)
}

/** Those of a proxy that ended the request before the server had answered. */
const cuttingStatuses: ReadonlySet<number> = new Set([408, 499, 504])

const longestMessage = 200

/** Reads the XML error that S3 servers answer with; of a proxy's plain text, the words. */
export function readRefusal(status: number, text: string): Refusal {
  try {
    const root = readXml(text)
    return { status, code: childText(root, 'Code') ?? '', message: childText(root, 'Message') ?? '' }
  } catch {
    // A page, or a proxy that repeats the URL, is not for the log: the URL is signed.
    const isPlain = text.length <= longestMessage && !/[<?]/.test(text)
    return { status, code: '', message: isPlain ? text.trim() : '' }
  }
}

/** `what` names the bucket or object, `host` the server; neither holds a secret, and no URL is ever put into the message. */
export function toStoreError(what: string, host: string, refusal: Refusal): StoreError {
  const { status, code, message } = refusal
  if (status === 400 && code === '' && /HTTP request.*HTTPS/i.test(message)) return speaksHttps(what, host, message)
  const kind = byCode.get(code) ?? byStatus.get(status) ?? (isPassing(status) ? 'unreachable' : 'refused')
  const answer = [status === 0 ? '' : String(status), code, message].filter((part) => part !== '').join(' ')
  const Kind = cuttingStatuses.has(status) ? CutTransfer : StoreError
  return new Kind(kind, `${what}: ${host} answered ${answer}${nextStep(kind)}`, undefined, advice(kind, refusal))
}

/** `difference` is by how much, such as '16 minutes ahead of'. */
export function wrongClock(host: string, difference: string, cause?: unknown): StoreError {
  return new StoreError(
    'clock',
    `the clock of ${host} is ${difference} the clock of this machine; set the clocks right`,
    cause,
    `The clock of the store is ${difference} the clock of the service. Ask the operator to set the clocks right, then repeat the call.`,
  )
}

function speaksHttps(what: string, host: string, message: string): StoreError {
  return new StoreError('tls', `${what}: ${host} answered 400 ${message}; begin MINIO_ENDPOINT with https://`)
}

function nextStep(kind: StoreErrorCode): string {
  if (kind === 'clock') return '; set the clocks of this machine and of the server right'
  if (kind === 'denied') return "; check the access key, the secret key, the region, and what the key's policy permits"
  if (kind === 'no-bucket') return '; make the bucket, or permit these keys to make it'
  if (kind === 'full') return '; make room there or raise the quota'
  return ''
}

/** Names the status where it tells more than the kind does: an S3 server gives a code, so what has none may stand before it. */
function advice(kind: StoreErrorCode, { status, code }: Refusal): string | undefined {
  const answered =
    code === '' ? `The store, or what stands before it, answered ${status}` : `The store answered ${status} ${code}`
  if (status < 400) return undefined
  if (kind === 'refused') return `${answered}. Ask the operator to look at the log, then repeat the call.`
  if (kind === 'denied' && code !== '')
    return `${answered}. Ask the operator to correct the keys or what they permit, then repeat the call.`
  if (kind === 'unreachable') return `${answered}. Ask the operator to look at it, then repeat the call.`
  return undefined
}
