// What live tests run against, read from the environment: LIVE_ENGINE (unix://...), LIVE_S3 (http://...) and its two keys.
// A test without its server is skipped with the reason; under CI=true a missing server is an error as soon as this is imported.

export interface S3Server {
  /** `http(s)://host[:port]` */
  readonly endpoint: string
  readonly accessKey: string
  readonly secretKey: string
}

export type StoreKind = 'directory' | 's3'
export const storeKinds: readonly StoreKind[] = ['directory', 's3']

const get = (name: string): string | undefined => process.env[name]?.trim() || undefined

function missing(name: string): string | false {
  if (get(name) !== undefined) return false
  if (get('CI') === 'true') throw new Error(`${name} is not set, and under CI=true live tests must run`)
  return `${name} is not set`
}

/** For `test(name, { skip })`: why tests that need an engine cannot run, or false. */
export const skipWithoutEngine = missing('LIVE_ENGINE')

/** The same for tests that need an S3 server alone. */
export const skipWithoutS3 = missing('LIVE_S3')

/** For `test(name, { skip })`: why tests of classes that are collected into such a store cannot run, or false. */
export const skipWithoutStore = (kind: StoreKind): string | false =>
  skipWithoutEngine || (kind === 's3' && skipWithoutS3)

/** The engine's address; only for code of tests that are not skipped. */
export const engineHost = (): string => required('LIVE_ENGINE')

export const s3Server = (): S3Server => ({
  endpoint: required('LIVE_S3'),
  accessKey: required('LIVE_S3_ACCESS_KEY'),
  secretKey: required('LIVE_S3_SECRET_KEY'),
})

function required(name: string): string {
  const value = get(name)
  if (value === undefined) throw new Error(`${name} is not set`)
  return value
}
