// What the store asks of a bucket: the plain calls of S3, which bucket.ts makes.
import type { ByteRange, StoreError } from '../port.ts'
import type { ListPage, ListQuery } from './list-page.ts'
import type { Answer, Transfer } from './transfers.ts'

/** One bucket's calls. Each may reject with a StoreError; 'unreachable' means that the same call may succeed later. */
export interface Bucket {
  /** `s3://bucket` */
  readonly location: string
  readonly endpoint: string
  /** By how much the server's clock is ahead or behind, where that is too much. */
  clockDifference(): string | undefined
  make(): Promise<void>
  /** Any answer of the server about one object, or with key '' about the bucket, but for those that pass. GET is for short answers. */
  send(method: Transfer['method'], key: string, details?: SendDetails): Promise<Answer>
  fetch(
    key: string,
    signal?: AbortSignal,
    range?: ByteRange,
  ): Promise<Answer & { readonly bytes?: AsyncIterable<Uint8Array> }>
  list(asked: ListQuery, signal?: AbortSignal): Promise<ListPage>
  copy(from: string, to: string, signal?: AbortSignal): Promise<void>
  beginParts(key: string, signal?: AbortSignal): Promise<string>
  completeParts(
    key: string,
    uploadId: string,
    parts: { part: number; etag: string }[],
    signal?: AbortSignal,
  ): Promise<void>
  abortParts(key: string, uploadId: string): Promise<void>
  downloadUrl(key: string, contentDisposition: string): Promise<string>
  /** The error that an answer stands for. */
  refusal(key: string, answer: Answer): StoreError
  close(): Promise<void>
}

export interface SendDetails {
  readonly query?: Readonly<Record<string, string>>
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Transfer['body']
  readonly signal?: AbortSignal | undefined
}
