// Where the demo's bags go: a folder, or the S3 server that is named by LIVE_S3 and its keys.

import { join } from 'node:path'
import { bucketArtifacts } from '../test/support/artifacts.ts'

export interface DemoStore {
  /** The settings of the service that choose it. */
  readonly settings: Readonly<Record<string, string>>
  readonly name: string
  /** Gives the folder that holds the bags, each under its own name. */
  bags(): Promise<string>
}

export function demoStore(folder: string): DemoStore {
  const bags = join(folder, 'bags')
  const { LIVE_S3: endpoint, LIVE_S3_ACCESS_KEY: accessKey = '', LIVE_S3_SECRET_KEY: secretKey = '' } = process.env
  if (endpoint === undefined) {
    return { settings: { ARTIFACTS_DIR: bags }, name: `the folder ${bags}`, bags: async () => bags }
  }
  const bucket = 'class-artifacts'
  return {
    settings: {
      MINIO_ENDPOINT: endpoint,
      MINIO_ACCESS_KEY: accessKey,
      MINIO_SECRET_KEY: secretKey,
      MINIO_BUCKET: bucket,
    },
    name: `the bucket ${bucket} of MinIO at ${endpoint}`,
    bags: () => bucketArtifacts({ endpoint, accessKey, secretKey }, bucket).local('', bags),
  }
}
