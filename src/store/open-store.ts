// Chooses the store by the configuration: S3 in production, a local folder where no S3 server is configured.
import { createDirectoryStore } from './directory/store.ts'
import type { Store } from './port.ts'
import { createS3Store, type S3StoreOptions } from './s3/bucket.ts'

export type StoreConfig =
  | ({ readonly kind: 's3' } & S3StoreOptions)
  | { readonly kind: 'directory'; readonly folder: string }

/** Opens the store; no call is made yet: `check` does that. Throws a RangeError when the configuration cannot be right. */
export function openStore(config: StoreConfig): Store {
  return config.kind === 's3' ? createS3Store(config) : createDirectoryStore(config.folder)
}
