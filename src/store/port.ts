// The store port: what keeps bags. Two implementations: s3/ (MinIO or any S3) and directory/.
// Keys are '/'-separated valid UTF-8 of at most 1,024 bytes; bag/object-key.ts makes them safe for every store.

/** What is known of an object before its bytes are sent: size in bytes, digests as lower-case hex. */
export interface Content {
  readonly size: number
  readonly md5: string
  readonly sha256: string
}

export interface StoredObject {
  readonly key: string
  readonly size: number
  /** MD5 (hex) when the store itself computed it over what it holds; undefined: only reading back proves the content. */
  readonly md5: string | undefined
}

/** From `first` to `last`, both included, counted from 0: bytes that the object has. */
export interface ByteRange {
  readonly first: number
  readonly last: number
}

export interface PutOptions {
  /**
   * Store only where no object has this key yet; an existing one stays and the outcome is 'exists'. That one may be of this very call, when
   * the answer to its first attempt was lost: read it to know.
   */
  readonly ifAbsent?: boolean
  /** It may be lost with the machine's power until `settle` was called: for many objects of which none counts before all are there. */
  readonly settledLater?: boolean
  readonly signal?: AbortSignal
}

export interface Store {
  readonly kind: 's3' | 'directory'
  /** Where it is, for people: `s3://bucket` or the folder. Holds no secret. */
  readonly location: string
  /** The server's address, where there is one: buckets of two servers may have one name. */
  readonly endpoint?: string

  /**
   * Proves that objects can be written, read back and removed, making the bucket or folder where that is allowed; until it has passed once, and
   * again after it failed, also all else that keeping bags relies on.
   */
  check(): Promise<void>

  /**
   * Stores exactly `content.size` bytes whose SHA-256 is `content.sha256`, or rejects and leaves no object (an older one stays).
   * A `Uint8Array` is sent again after a passing fault; a stream is read once, so its fault is the caller's to repeat.
   */
  put(
    key: string,
    content: Content,
    body: Uint8Array | AsyncIterable<Uint8Array>,
    options?: PutOptions,
  ): Promise<'stored' | 'exists'>

  /** After it all objects below `prefix` outlive the machine, those that were put or copied with `settledLater` too. */
  settle(prefix: string, signal?: AbortSignal): Promise<void>

  /** Makes `to` hold what `from` holds (a hard link's second name), settled later. `content` describes `from`. */
  copy(from: string, to: string, content: Content, signal?: AbortSignal): Promise<void>

  stat(key: string, signal?: AbortSignal): Promise<StoredObject | undefined>

  /** Every object whose key starts with `prefix` (which ends in '/'), in no promised order. */
  list(prefix: string, signal?: AbortSignal): AsyncIterable<StoredObject>

  /** The names directly below `prefix` (which ends in '/', or is '') that have objects below them, sorted. */
  folders(prefix: string, signal?: AbortSignal): Promise<string[]>

  /**
   * The object's bytes, or those of `range` alone, to be read or ended by the caller. Rejects with StoreError 'not-found'
   * before the first byte.
   */
  read(key: string, signal?: AbortSignal, range?: ByteRange): Promise<AsyncIterable<Uint8Array>>

  /** Removes one object; an absent one is no error. */
  remove(key: string, signal?: AbortSignal): Promise<void>

  /** A URL that serves the object for some minutes without credentials, where the store has such a thing. */
  temporaryUrl(key: string, downloadName: string): Promise<string | undefined>

  close(): Promise<void>
}

/**
 * - `unreachable`: no answer, or the server says it is down or busy (after the retries where the body allowed them)
 * - `tls`: there is a server, but no trusted connection to it
 * - `denied`: keys or permission refused
 * - `clock`: the server's clock and ours differ by more than it allows
 * - `unfit`: the server does not do what keeping bags relies on; `check` finds it
 * - `no-bucket`: the bucket is absent and may not be made
 * - `full`: no space left
 * - `not-found`: no such object
 * - `mismatch`: the bytes did not match the promised size or digest; nothing was stored
 * - `refused`: any other refusal of the store
 */
export type StoreErrorCode =
  | 'unreachable'
  | 'tls'
  | 'denied'
  | 'clock'
  | 'unfit'
  | 'no-bucket'
  | 'full'
  | 'not-found'
  | 'mismatch'
  | 'refused'

export class StoreError extends Error {
  override readonly name = 'StoreError'
  readonly code: StoreErrorCode
  /** For people who call the service: no folder, host or key, which stand in the message for the log. */
  readonly advice: string

  /** `message` says what happened and what to do next; it names no secret and no presigned URL. */
  constructor(code: StoreErrorCode, message: string, cause?: unknown, advice = adviceOf[code]) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
    this.advice = advice
  }
}

/** `mismatch` of a body that is not what `content` says: its source is at fault, not the store. */
export class WrongBody extends StoreError {}

/** `unreachable` of a transfer that a proxy before the store did not wait for to its end: a shorter one may pass. */
export class CutTransfer extends StoreError {}

const adviceOf: Readonly<Record<StoreErrorCode, string>> = {
  unreachable: 'The store does not answer. Ask the operator to look at it, then repeat the call.',
  tls: 'The store cannot be trusted: its connection is not the one that is set up. Ask the operator to look at the log, then repeat the call.',
  denied: 'The store refuses the service: keys or permissions. Ask the operator to correct them, then repeat the call.',
  clock:
    'The clocks of the service and of the store differ too much. Ask the operator to set them right, then repeat the call.',
  unfit: 'The store does not keep what it is given as it must. Ask the operator to look at the log.',
  'no-bucket':
    'The bucket of the store is absent and the service may not make it. Ask the operator to make it, then repeat the call.',
  full: 'The store has no space left. Ask the operator to make room, then repeat the call.',
  'not-found': 'The store lacks an object that should be there. Repeat the call.',
  mismatch: 'The store does not hold what was sent. Repeat the call.',
  refused: 'The store refused an object. Ask the operator to look at the log, then repeat the call.',
}

/** A small object as UTF-8 text. Rejects as `read` does. */
export async function readText(store: Store, key: string, signal?: AbortSignal): Promise<string> {
  const chunks: Uint8Array[] = []
  for await (const chunk of await store.read(key, signal)) chunks.push(chunk)
  return Buffer.concat(chunks).toString('utf8')
}

/** As `readText`; undefined where there is no such object. */
export async function findText(store: Store, key: string, signal?: AbortSignal): Promise<string | undefined> {
  return await readText(store, key, signal).catch((error: unknown) => {
    if (error instanceof StoreError && error.code === 'not-found') return undefined
    throw error
  })
}
