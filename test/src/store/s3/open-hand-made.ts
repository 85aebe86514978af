// The S3 store on a hand-made server, with limits so tight that faults show at once.
import type { TestContext } from 'node:test'
import type { Store } from '../../../../src/store/port.ts'
import { createS3Store, type S3StoreOptions } from '../../../../src/store/s3/bucket.ts'
import { s3Limits } from '../../../../src/store/s3/limits.ts'
import { type HandMadeS3, startHandMadeS3 } from './hand-made-s3.ts'

export const tight = {
  ...s3Limits,
  stallMilliseconds: 300,
  retry: { attempts: 3, firstPauseMilliseconds: 5, totalMilliseconds: 5_000 },
}
export const hello = Buffer.from('hello')

export const handMadeOptions = { accessKey: 'access', secretKey: 'top-secret', bucket: 'bucket', region: 'us-east-1' }

export async function open(
  t: TestContext,
  limits = tight,
  options: Partial<S3StoreOptions> = {},
): Promise<{ s3: HandMadeS3; store: Store }> {
  const s3 = await startHandMadeS3(t)
  const store = createS3Store({ ...handMadeOptions, endpoint: s3.endpoint, ...options }, limits)
  t.after(() => store.close())
  return { s3, store }
}

/** The first answers are `reactions`, then the plain server's. */
export function first(s3: HandMadeS3, ...reactions: ReturnType<HandMadeS3['react']>[]): void {
  s3.react = () => reactions.shift()
}
