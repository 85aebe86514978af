// Chooses the store by the configuration: S3 in production, a local folder where no S3 server is configured.
import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createDirectoryStore } from './directory/store.ts'
import type { Store } from './port.ts'
import { createS3Store, type S3StoreOptions } from './s3/bucket.ts'

export type StoreConfig =
  | ({ readonly kind: 's3'; readonly caFile: string | undefined } & Omit<S3StoreOptions, 'ca'>)
  | { readonly kind: 'directory'; readonly folder: string }

/** Opens the store; no call is made yet: `check` does that. Throws an Error that names the setting when the configuration cannot be right. */
export function openStore(config: StoreConfig): Store {
  if (config.kind === 'directory') return createDirectoryStore(config.folder)
  const ca = config.caFile === undefined ? undefined : readCertificate(config.caFile)
  try {
    return createS3Store({ ...config, ca })
  } catch (error) {
    const reason = error instanceof Error ? error.message : error
    throw new Error(`MINIO_ENDPOINT or MINIO_PUBLIC_ENDPOINT cannot be used: ${reason}.`, { cause: error })
  }
}

function readCertificate(file: string): string {
  try {
    const pem = readFileSync(file, 'utf8')
    // TLS itself would take a file without any certificate in silence.
    new X509Certificate(pem)
    return pem
  } catch (error) {
    const reason = error instanceof Error ? error.message : error
    throw new Error(`MINIO_CA_FILE must be a file with a certificate in PEM form: ${reason}.`, { cause: error })
  }
}
