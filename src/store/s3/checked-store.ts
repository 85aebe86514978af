// What the check of a server is made of: the store's own calls, and how their failures are told.
import { type Content, StoreError } from '../port.ts'
import type { Bucket } from './bucket-calls.ts'
import type { Answer } from './transfers.ts'

/** How the check reaches the server: as the store does. */
export interface CheckedStore {
  readonly bucket: Bucket
  /** Again after a fault that passes. */
  again<T>(call: () => Promise<T>): Promise<T>
  /** PUT of `body`; `content` may lie. */
  send(key: string, content: Content, body: AsyncIterable<Uint8Array>, ifAbsent: boolean): Promise<Answer>
  learn(learned: Learned): void
}

/** The server's own MD5 of what it holds is its ETag. */
export interface Learned {
  readonly etagIsMd5: boolean
}

export const unfit = (bucket: Bucket, why: string, cause?: unknown): StoreError =>
  new StoreError(
    'unfit',
    `${bucket.location} at ${bucket.endpoint} cannot keep bags: ${why}`,
    cause,
    `The store cannot keep bags: ${why}. Ask the operator to give the service another store or to mend this one.`,
  )

export async function listAll({ bucket, again }: CheckedStore, prefix: string): Promise<string[]> {
  const asked = { prefix, delimiter: '', token: '' } as const
  const { objects } = await permitted('list objects (s3:ListBucket)', () => again(() => bucket.list(asked)))
  return objects.map(({ key }) => key)
}

export async function removeAll(store: CheckedStore, folder: string): Promise<void> {
  const keys = await listAll(store, folder)
  await Promise.all(keys.map((key) => store.again(() => store.bucket.send('DELETE', key))))
}

export async function isAbsent({ bucket, again }: CheckedStore, key: string): Promise<boolean> {
  return (await again(() => bucket.send('HEAD', key))).status === 404
}

/** The beginning of an object; undefined where there is none. */
export async function readSome(bucket: Bucket, key: string): Promise<Buffer | undefined> {
  const answer = await bucket.fetch(key)
  if (answer.bytes === undefined) {
    const error = bucket.refusal(key, answer)
    if (error.code === 'not-found') return undefined
    throw error
  }
  const chunks: Uint8Array[] = []
  for await (const chunk of answer.bytes) {
    chunks.push(chunk)
    if (chunks.length > 8) break
  }
  return Buffer.concat(chunks)
}

export function expectStatus(bucket: Bucket, key: string, status: number, answer: Answer): Answer {
  if (answer.status !== status && answer.status !== 200) throw bucket.refusal(key, answer)
  return answer
}

/** Says which permission it is that lacks. */
export async function permitted<T>(what: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call()
  } catch (error) {
    if (!(error instanceof StoreError) || error.code !== 'denied') throw error
    const told = `may not ${what}`
    throw new StoreError('denied', `the check ${told}: ${error.message}`, error, `The service ${told}. ${error.advice}`)
  }
}

export async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield bytes
}
