// The store in a bucket of MinIO or any other S3 server. The only user of minio-js, and only for what is sound in it: it signs, copies
// and steers multipart uploads. Objects and lists travel by presigned URLs (transfers.ts), because its putObject stores short streams as complete
// objects, can hang for ever, and resumes another attempt's leftovers, and its lists are decoded by what was asked and not by what was answered.
import { Client, S3Error } from 'minio'
import { abortable } from '../abortable.ts'
import { reservedFolder } from '../key.ts'
import { type Store, StoreError } from '../port.ts'
import type { Bucket, SendDetails } from './bucket-calls.ts'
import { StoreClock } from './clock.ts'
import { createControlTransport } from './control.ts'
import { isPassing, readRefusal, toStoreError, wrongClock } from './errors.ts'
import { type S3Limits, s3Limits } from './limits.ts'
import { type ListPage, type ListQuery, listQuery, readListPage } from './list-page.ts'
import { hungUp, noAnswer } from './no-answer.ts'
import { createObjectStore } from './store.ts'
import { type Answer, createTransfers, type Transfer } from './transfers.ts'

export interface S3StoreOptions {
  /** `http(s)://host[:port]`, nothing after it. */
  readonly endpoint: string
  readonly accessKey: string
  readonly secretKey: string
  readonly bucket: string
  /** Below which all keys lie in the bucket; '' or absent: at its top. */
  readonly prefix?: string
  /** As `endpoint`, for those who download. */
  readonly publicEndpoint?: string | undefined
  /** The certificate of the server's CA, where Node.js does not know it. */
  readonly ca?: string | undefined
  /** Given, so that no call is made to find it out. MinIO and Ceph take `us-east-1` unless set up otherwise. */
  readonly region: string
}

/** Long for a request that waits for its connection; once begun, a body may flow for as long as it moves. */
const transferUrlSeconds = 3600
const downloadUrlSeconds = 300

/** Throws a RangeError when `endpoint` cannot be one. */
export function createS3Store(options: S3StoreOptions, limits: S3Limits = s3Limits): Store {
  return createObjectStore(openBucket(options, limits), limits)
}

function openBucket(options: S3StoreOptions, limits: S3Limits): Bucket {
  const { bucket, region, ca, prefix = '' } = options
  const endpoint = readEndpoint(options.endpoint)
  const { host } = endpoint
  const control = createControlTransport(endpoint.protocol === 'https:', host, ca, limits)
  const transfers = createTransfers(host, ca, limits)
  const openClient = ({ protocol, hostname, port }: URL) => {
    const useSSL = protocol === 'https:'
    return new Client({
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
  }
  const client = openClient(endpoint)
  // A signature holds for the host that it was made for.
  const publicClient = options.publicEndpoint === undefined ? client : openClient(readEndpoint(options.publicEndpoint))

  const root = prefix === '' ? '' : `${prefix}/`
  const location = prefix === '' ? `s3://${bucket}` : `s3://${bucket}/${prefix}`
  const clock = new StoreClock()
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
      if (error instanceof S3Error) {
        const told = toStoreError(what, host, { status: 0, code: error.code ?? '', message: error.message })
        const difference = clock.difference()
        throw told.code === 'clock' && difference !== undefined ? wrongClock(host, difference, told) : told
      }
      // Faults of the connection have a code of Node.js; the rest is an answer that minio-js could not read.
      if (error instanceof Error && 'code' in error) throw noAnswer(host, error)
      throw new StoreError('refused', `${what}: ${host} gave an answer that is not S3's`, error)
    }
  }

  /** Signed by the server's clock as far as it is known, so that no URL is born expired. */
  const sign = (
    signer: Client,
    method: Transfer['method'],
    path: string,
    seconds: number,
    query: Readonly<Record<string, string>> = {},
  ) => signer.presignedUrl(method, bucket, path, seconds, { ...query }, clock.now())

  /** Notes the clock. Throws what a refusal of the keys really is, and what passes. */
  const judged = <Got extends Answer>(key: string, answer: Got): Got => {
    clock.note(answer.date)
    const difference = clock.difference()
    if (difference !== undefined && (answer.status === 401 || answer.status === 403))
      throw wrongClock(host, difference, refusal(key, answer))
    if (isPassing(answer.status)) throw refusal(key, answer)
    return answer
  }

  /** `key` '' is the bucket itself. */
  const ask = async (
    method: Transfer['method'],
    key: string,
    { query, signal, ...details }: SendDetails = {},
  ): Promise<Answer> => {
    const path = key === '' ? '' : root + key
    const url = await sign(client, method, path, transferUrlSeconds, query)
    return judged(key, await transfers.send({ method, url, signal, ...details }))
  }

  const list = async (asked: ListQuery, signal?: AbortSignal): Promise<ListPage> => {
    const below = { ...asked, prefix: root + asked.prefix }
    const answer = await ask('GET', '', { query: listQuery(below), signal })
    if (answer.status !== 200) throw refusal(asked.prefix, answer)
    const withoutRoot = (name: string) => name.slice(root.length)
    try {
      const { objects, folders, token } = readListPage(answer.text, below)
      return {
        objects: objects.map(({ key, ...object }) => ({ key: withoutRoot(key), ...object })),
        folders: folders.map(withoutRoot),
        token,
      }
    } catch (error) {
      const reason = error instanceof Error ? error.message : error
      throw new StoreError('unfit', `${host} gave no list of ${location} that can be relied on: ${reason}`, error)
    }
  }

  /** Some servers refuse keys by hanging up in the middle of the body: a call without one tells. */
  const refusedKeys = (error: unknown, signal?: AbortSignal): Promise<unknown> =>
    list({ prefix: `${reservedFolder}/`, delimiter: '', token: '' }, signal).then(
      () => error,
      (found) => (found instanceof StoreError && (found.code === 'denied' || found.code === 'clock') ? found : error),
    )

  return {
    location,
    endpoint: endpoint.origin,
    refusal,

    clockDifference: () => clock.difference(),

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

    async send(method, key, details = {}) {
      try {
        return await ask(method, key, details)
      } catch (error) {
        throw details.body !== undefined && hungUp(error) ? await refusedKeys(error, details.signal) : error
      }
    },

    async fetch(key, signal, range) {
      const url = await sign(client, 'GET', root + key, transferUrlSeconds)
      const headers = range === undefined ? {} : { range: `bytes=${range.first}-${range.last}` }
      return judged(key, await transfers.fetch(url, signal, headers))
    },

    list,

    async copy(from, to, signal) {
      await steer(from, signal, () => client.copyObject(bucket, root + to, `/${bucket}/${root}${from}`))
    },

    beginParts: (key, signal) => steer(key, signal, () => client.initiateNewMultipartUpload(bucket, root + key, {})),

    async completeParts(key, uploadId, parts, signal) {
      await steer(key, signal, () => client.completeMultipartUpload(bucket, root + key, uploadId, parts))
    },

    abortParts: (key, uploadId) =>
      steer(key, undefined, () => client.abortMultipartUpload(bucket, root + key, uploadId)),

    downloadUrl: (key, contentDisposition) =>
      sign(publicClient, 'GET', root + key, downloadUrlSeconds, {
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
