// What the store port promises, made of the plain calls of an S3 bucket: bytes proven before an answer counts, again after a passing
// fault, nothing left after any other.

import { createHash } from 'node:crypto'
import { checkBytes, checkedBody } from '../checked-body.ts'
import { checkKey, checkPrefix, reservedFolder } from '../key.ts'
import { type ByteRange, type Content, type Store, StoreError } from '../port.ts'
import { attachment } from './attachment.ts'
import type { Bucket } from './bucket-calls.ts'
import { createCheck } from './check.ts'
import { readRefusal } from './errors.ts'
import type { S3Limits } from './limits.ts'
import type { ListPage, ListQuery } from './list-page.ts'
import { sendInParts } from './parts.ts'
import { retry } from './retry.ts'

/** Small enough that a slow connection shows progress. */
const chunkBytes = 64 * 1024

export function createObjectStore(bucket: Bucket, limits: S3Limits): Store {
  // `check` learns it, and whatever is read back. It is not where objects are encrypted by a key service, or MinIO runs with --no-compat.
  let etagIsMd5 = true

  /** A bucket that was removed in mid-class is made again: what there is to collect is safe nowhere else. */
  const inBucket = <T>(call: () => Promise<T>): Promise<T> =>
    call().catch(async (error: unknown) => {
      if (!(error instanceof StoreError) || error.code !== 'no-bucket') throw error
      await bucket.make()
      return await call()
    })
  const again = <T>(signal: AbortSignal | undefined, call: () => Promise<T>) =>
    retry(limits.retry, signal, () => inBucket(call))
  const md5Of = (etag: string | undefined) =>
    etagIsMd5 && etag !== undefined && /^[0-9a-f]{32}$/.test(etag) ? etag : undefined
  const isEtagOf = (etag: string | undefined, md5: string) => (md5Of(etag) ?? md5) === md5

  const stat: Store['stat'] = async (key, signal) => {
    checkKey(key)
    return again(signal, async () => {
      const answer = await bucket.send('HEAD', key, { signal })
      if (answer.status === 404) return undefined
      if (answer.status !== 200 || answer.size === undefined) throw bucket.refusal(key, answer)
      return { key, size: answer.size, md5: md5Of(answer.etag) }
    })
  }

  const removeAt = (key: string, signal?: AbortSignal): Promise<void> =>
    again(signal, async () => {
      const answer = await bucket.send('DELETE', key, { signal })
      const isAbsent = readRefusal(answer.status, answer.text).code === 'NoSuchKey'
      if (answer.status !== 204 && answer.status !== 200 && !isAbsent) throw bucket.refusal(key, answer)
    })

  const fetch = async (key: string, signal?: AbortSignal, range?: ByteRange): Promise<AsyncIterable<Uint8Array>> => {
    checkKey(key)
    return again(signal, async () => {
      const { bytes, ...answer } = await bucket.fetch(key, signal, range)
      if (bytes === undefined) throw bucket.refusal(key, answer)
      if (range !== undefined && answer.status !== 206) throw noRanges(key)
      return bytes
    })
  }

  const noRanges = (key: string) =>
    new StoreError('refused', `${bucket.location}/${key}: the store gave the whole object where a part was asked for`)

  /** Removes an object that turned out wrong; gives the error to throw. */
  const discard = async (key: string): Promise<StoreError> => {
    const outcome = await removeAt(key).then(
      () => 'they were removed',
      () => 'they could not be removed',
    )
    const what = `${bucket.location}/${key}`
    return new StoreError('mismatch', `${what}: the store holds other bytes than it was given; ${outcome}`)
  }

  /** Of an ETag that is not the MD5: either the bytes are others, or ETags are no MD5 on this store (any more). */
  const readBack = async (key: string, content: Content, signal?: AbortSignal): Promise<void> => {
    const hash = createHash('md5')
    for await (const chunk of await fetch(key, signal)) hash.update(chunk)
    if (hash.digest('hex') !== content.md5) throw await discard(key)
    etagIsMd5 = false
  }

  const prove = async (key: string, content: Content, signal?: AbortSignal): Promise<void> => {
    const stored = await stat(key, signal)
    if (stored?.size !== content.size) throw await discard(key)
    if (!isEtagOf(stored.md5, content.md5)) await readBack(key, content, signal)
  }

  const putWhole = (
    key: string,
    content: Content,
    body: Uint8Array | AsyncIterable<Uint8Array>,
    ifNoneMatch: boolean,
    signal?: AbortSignal,
  ) =>
    bucket.send('PUT', key, {
      headers: {
        'content-length': String(content.size),
        'content-md5': Buffer.from(content.md5, 'hex').toString('base64'),
        ...(ifNoneMatch ? { 'if-none-match': '*' } : {}),
      },
      body,
      signal,
    })

  const putInParts = async (key: string, content: Content, body: AsyncIterable<Uint8Array>, signal?: AbortSignal) => {
    await sendInParts(key, content.size, limits.partBytes, body, {
      begin: () => bucket.beginParts(key, signal),
      async sendPart(uploadId, part, size, partBody) {
        const answer = await bucket.send('PUT', key, {
          query: { partNumber: String(part), uploadId },
          headers: { 'content-length': String(size) },
          body: partBody,
          signal,
        })
        if (answer.status !== 200 || answer.etag === undefined) throw bucket.refusal(key, answer)
        return answer.etag
      },
      isEtagOf,
      complete: (uploadId, parts) => bucket.completeParts(key, uploadId, parts, signal),
      abort: (uploadId) => bucket.abortParts(key, uploadId),
    })
    await prove(key, content, signal)
  }

  const put: Store['put'] = async (key, content, body, { ifAbsent = false, signal } = {}) => {
    checkKey(key)
    const inParts = content.size > limits.onePutBytes
    const ifNoneMatch = ifAbsent && !inParts
    // An upload in parts has no such condition: two writers at one instant may both succeed.
    if (ifAbsent && inParts && (await stat(key, signal)) !== undefined) return 'exists'

    const send = async (source: Uint8Array | AsyncIterable<Uint8Array>): Promise<'stored' | 'exists'> => {
      if (inParts) {
        await putInParts(key, content, source instanceof Uint8Array ? slices(source) : source, signal)
        return 'stored'
      }
      const answer = await putWhole(key, content, source, ifNoneMatch, signal)
      if (answer.status === 412 && ifNoneMatch) return 'exists'
      if (answer.status !== 200) throw bucket.refusal(key, answer)
      if (!isEtagOf(answer.etag, content.md5)) await readBack(key, content, signal)
      return 'stored'
    }

    if (body instanceof Uint8Array) {
      checkBytes(key, content, body)
      return again(signal, () => send(body.length <= chunkBytes ? body : slices(body)))
    }
    signal?.throwIfAborted()
    const checked = checkedBody(key, content, body, signal)
    try {
      return await send(checked).catch(async (error: unknown) => {
        if (!(error instanceof StoreError) || error.code !== 'no-bucket') throw error
        await bucket.make()
        throw new StoreError(
          'unreachable',
          `${bucket.location} was absent and was made again; send ${key} again`,
          error,
        )
      })
    } finally {
      // Ends the source where the server failed first. Not awaited: that would wait for a source that hangs.
      checked.return().catch(() => undefined)
    }
  }

  async function* pages(prefix: string, delimiter: '' | '/', signal?: AbortSignal) {
    checkPrefix(prefix)
    for (let token: string | undefined = ''; token !== undefined; ) {
      const asked: ListQuery = { prefix, delimiter, token }
      const page: ListPage = await again(signal, () => bucket.list(asked, signal))
      yield page
      token = page.token
    }
  }

  return {
    kind: 's3',
    location: bucket.location,
    endpoint: bucket.endpoint,

    check: createCheck({
      bucket,
      again: (call) => again(undefined, call),
      send: (key, content, body, ifAbsent) => putWhole(key, content, body, ifAbsent),
      learn(learned) {
        etagIsMd5 = learned.etagIsMd5
      },
    }),

    put,
    // What an S3 server has answered for is stored.
    settle: async () => {},
    stat,
    read: fetch,

    async remove(key, signal) {
      checkKey(key)
      await removeAt(key, signal)
    },

    async copy(from, to, content, signal) {
      checkKey(from)
      checkKey(to)
      if (content.size > limits.serverCopyBytes) {
        await put(to, content, await fetch(from, signal), signal === undefined ? {} : { signal })
      } else {
        await again(signal, () => bucket.copy(from, to, signal))
        await prove(to, content, signal)
      }
    },

    async *list(prefix, signal) {
      for await (const page of pages(prefix, '', signal)) {
        for (const { key, size, etag } of page.objects) {
          if (!key.startsWith(`${reservedFolder}/`)) yield { key, size, md5: md5Of(etag) }
        }
      }
    },

    async folders(prefix, signal) {
      const names: string[] = []
      for await (const page of pages(prefix, '/', signal)) {
        for (const folder of page.folders) names.push(folder.slice(prefix.length, -1))
      }
      return names.filter((name) => prefix !== '' || name !== reservedFolder).sort()
    },

    temporaryUrl: async (key, downloadName) => {
      checkKey(key)
      return bucket.downloadUrl(key, attachment(downloadName))
    },

    close: () => bucket.close(),
  }
}

async function* slices(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes)
}
