// All limits of the S3 store in one place, with their reasons. The service uses these; tests make them smaller.

export interface S3Limits {
  /** A larger object goes in parts. */
  readonly onePutBytes: number
  readonly partBytes: number
  /** A larger object is copied through us, not by the server. */
  readonly serverCopyBytes: number
  /** Connections at once: for uploads, for downloads and for all other calls, each. */
  readonly connections: number
  readonly connectMilliseconds: number
  /** A server that neither takes nor gives a byte for so long is given up. */
  readonly stallMilliseconds: number
  /** A connection that nobody uses is closed after so long. */
  readonly idleMilliseconds: number
  /** For whatever can be sent again: all but streams. */
  readonly retry: RetryLimits
}

export interface RetryLimits {
  readonly attempts: number
  /** The pause before the second attempt is between half of this and all of it; each further one is twice as long. */
  readonly firstPauseMilliseconds: number
  /** No attempt starts later than this after the first. */
  readonly totalMilliseconds: number
}

export const s3Limits: S3Limits = {
  // S3's own limit.
  onePutBytes: 5 * 1024 ** 3,
  // S3 allows 10,000 parts: with these 5 TiB, which is its limit for an object.
  partBytes: 512 * 1024 ** 2,
  // S3 allows 5 GiB, but a server may be silent until its copy is done: within the stall limit this much needs 18 MB/s.
  serverCopyBytes: 1024 ** 3,
  connections: 64,
  connectMilliseconds: 10_000,
  // Longer than a healthy server is silent, shorter than what holds up the engine: an open archive blocks its container.
  stallMilliseconds: 60_000,
  // Before any server closes it, since a stream that meets a connection just closed cannot be sent again.
  idleMilliseconds: 4_000,
  // Pauses of at most 0.25 + 0.5 + 1 + 2 s: over a gateway's restart, not over an outage.
  retry: { attempts: 5, firstPauseMilliseconds: 250, totalMilliseconds: 60_000 },
}
