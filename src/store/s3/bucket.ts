// The store in a bucket of MinIO or any other S3 server. The only user of minio-js, and only for what is sound in it: it signs, lists, copies
// and steers multipart uploads. Objects travel by presigned URLs (transfers.ts), because its putObject stores short streams as complete objects,
// can hang for ever, and resumes another attempt's leftovers.
import { Client, S3Error } from 'minio'
import { abortable } from '../abortable.ts'
import { type Store, StoreError } from '../port.ts'
import { createControlTransport } from './control.ts'
import { isPassing, readRefusal, toStoreError, unreachable } from './errors.ts'
import { type S3Limits, s3Limits } from './limits.ts'
import { type Bucket, createObjectStore } from './store.ts'
import { type Answer, createTransfers } from './transfers.ts'

export interface S3StoreOptions {
  /** `http(s)://host[:port]`, nothing after it. */
  readonly endpoint: string
  readonly accessKey: string
  readonly secretKey: string
  readonly bucket: string
  /** Given, so that no call is made to find it out. MinIO and Ceph take `us-east-1` unless set up otherwise. */
  readonly region: string
}

/** Long for a request that waits for its connection; once begun, a body may flow for as long as it moves. */
const transferUrlSeconds = 3600
const downloadUrlSeconds = 300
const keysAPage = 1000

/** Throws a RangeError when `endpoint` cannot be one. */
export function createS3Store(options: S3StoreOptions, limits: S3Limits = s3Limits): Store {
  return createObjectStore(openBucket(options, limits), limits)
}

function openBucket(options: S3StoreOptions, limits: S3Limits): Bucket {
  const { bucket, region } = options
  const { protocol, host, hostname, port } = readEndpoint(options.endpoint)
  const useSSL = protocol === 'https:'
  const control = createControlTransport(useSSL, host, limits)
  const transfers = createTransfers(host, limits)
  const client = new Client({
    endPoint: hostname,
    port: port === '' ? (useSSL ? 443 : 80) : Number(port),
    useSSL,
    accessKey: options.accessKey,
    secretKey: options.secretKey,
    region,
    ...control,
    // It would write to the console; the callers of a bucket repeat what can be repeated.
    retryOptions: { disableRetry: true },
  })

  const location = `s3://${bucket}`
  const refusal = (key: string, { status, text }: Answer) =>
    toStoreError(`${location}/${key}`, host, readRefusal(status, text))

  /** Runs a call of minio-js, whose errors are of many kinds. After an abort the call itself ends by the stall limit. */
  const steer = async <T>(key: string, signal: AbortSignal | undefined, call: () => Promise<T>): Promise<T> => {
    signal?.throwIfAborted()
    try {
      return await abortable(call(), signal)
    } catch (error) {
      if (signal?.aborted === true) throw signal.reason
      if (error instanceof StoreError) throw error
      const what = `${location}/${key}`
      if (error instanceof S3Error)
        throw toStoreError(what, host, { status: 0, code: error.code ?? '', message: error.message })
      // Faults of the connection have a code of Node.js; the rest is an answer that minio-js could not read.
      if (error instanceof Error && 'code' in error) throw unreachable(host, error)
      throw new StoreError('refused', `${what}: ${host} gave an answer that is not S3's`, error)
    }
  }

  return {
    location,
    endpoint: `${protocol}//${host}`,
    refusal,

    exists: () => steer('', undefined, () => client.bucketExists(bucket)),

    async make() {
      try {
        await steer('', undefined, async () => {
          await client.makeBucket(bucket, region).catch((error: unknown) => {
            // Another process was faster.
            if (!(error instanceof S3Error) || error.code !== 'BucketAlreadyOwnedByYou') throw error
          })
        })
      } catch (error) {
        if (!(error instanceof StoreError) || error.code !== 'denied') throw error
        throw new StoreError(
          'no-bucket',
          `${location} is absent and may not be made by these keys: make it, or permit it`,
          error,
        )
      }
    },

    async send(method, key, { query, signal, ...details } = {}) {
      const url = await client.presignedUrl(method, bucket, key, transferUrlSeconds, { ...query })
      const answer = await transfers.send({ method, url, signal, ...details })
      if (isPassing(answer.status)) throw refusal(key, answer)
      return answer
    },

    async fetch(key, signal, range) {
      const url = await client.presignedUrl('GET', bucket, key, transferUrlSeconds)
      const headers = range === undefined ? {} : { range: `bytes=${range.first}-${range.last}` }
      const answer = await transfers.fetch(url, signal, headers)
      if (isPassing(answer.status)) throw refusal(key, answer)
      return answer
    },

    list: (prefix, delimiter, token, signal) =>
      steer(prefix, signal, async () => {
        const page = await client.listObjectsV2Query(bucket, prefix, token, delimiter, keysAPage, '')
        // A list that ends early would hide objects: an upload would look lost, or a leftover absent.
        if (page.isTruncated && page.nextContinuationToken === '')
          throw new StoreError('refused', `${host} cut the list of ${location} short`)
        return {
          objects: page.objects.flatMap(({ name, size, etag }) =>
            name === undefined ? [] : [{ key: name, size, etag }],
          ),
          folders: page.objects.flatMap(({ prefix: folder }) => (folder === undefined ? [] : [folder])),
          token: page.isTruncated ? page.nextContinuationToken : undefined,
        }
      }),

    async copy(from, to, signal) {
      await steer(from, signal, () => client.copyObject(bucket, to, `/${bucket}/${from}`))
    },

    beginParts: (key, signal) => steer(key, signal, () => client.initiateNewMultipartUpload(bucket, key, {})),

    async completeParts(key, uploadId, parts, signal) {
      await steer(key, signal, () => client.completeMultipartUpload(bucket, key, uploadId, parts))
    },

    abortParts: (key, uploadId) => steer(key, undefined, () => client.abortMultipartUpload(bucket, key, uploadId)),

    downloadUrl: (key, contentDisposition) =>
      client.presignedUrl('GET', bucket, key, downloadUrlSeconds, {
        'response-content-disposition': contentDisposition,
        'response-content-type': 'application/octet-stream',
        'response-cache-control': 'private, no-store',
      }),

    async close() {
      control.transportAgent.destroy()
      await transfers.close()
    },
  }
}

function readEndpoint(endpoint: string): URL {
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined
  const isHttp = url?.protocol === 'http:' || url?.protocol === 'https:'
  // The text is not repeated: it may hold credentials.
  if (url === undefined || !isHttp || url.href !== `${url.origin}/`) {
    throw new RangeError('an S3 endpoint is http(s)://host[:port], without path, query or credentials')
  }
  return url
}
