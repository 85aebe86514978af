// Where bags go: from the MINIO_ variables, or ARTIFACTS_DIR.

import { resolve } from 'node:path'
import { settings } from '../settings.ts'
import { ConfigError, type Get, pattern } from './values.ts'

export type StoreSettings =
  | {
      readonly kind: 's3'
      readonly endpoint: string
      /** What browsers reach the server by, where that differs. */
      readonly publicEndpoint: string | undefined
      readonly accessKey: string
      readonly secretKey: string
      readonly bucket: string
      /** Everything of this service lies below it in the bucket; '' for all of the bucket, else without a '/' at its end. */
      readonly prefix: string
      readonly region: string
      readonly caFile: string | undefined
    }
  | { readonly kind: 'directory'; readonly folder: string }

/** A setting that would be ignored is a mistake: its operator means a store that is not the one in use. */
export function readStore(get: Get): StoreSettings {
  const endpoint = readEndpoint('MINIO_ENDPOINT', get)
  const folder = get('ARTIFACTS_DIR')
  if (endpoint === undefined) {
    const half = s3Only.find(get)
    if (half === undefined) return { kind: 'directory', folder: resolve(folder ?? settings.ARTIFACTS_DIR.default) }
    throw new ConfigError(
      `${half} is set, but MINIO_ENDPOINT is not: set it too, or unset every MINIO_ setting to keep bags in a folder.`,
    )
  }
  if (folder !== undefined) {
    throw new ConfigError(
      'ARTIFACTS_DIR and MINIO_ENDPOINT are both set, and bags go to one place: unset the one that is not meant.',
    )
  }
  const [accessKey, secretKey] = [get('MINIO_ACCESS_KEY'), get('MINIO_SECRET_KEY')]
  if (!accessKey || !secretKey) {
    throw new ConfigError('MINIO_ENDPOINT is set, so MINIO_ACCESS_KEY and MINIO_SECRET_KEY must be set too.')
  }
  const caFile = get('MINIO_CA_FILE')
  if (caFile !== undefined && !endpoint.startsWith('https:'))
    throw new ConfigError('MINIO_CA_FILE is set, but MINIO_ENDPOINT is not https: correct it, or unset MINIO_CA_FILE.')
  return {
    kind: 's3',
    endpoint,
    publicEndpoint: readEndpoint('MINIO_PUBLIC_ENDPOINT', get),
    accessKey,
    secretKey,
    bucket: pattern(
      'MINIO_BUCKET',
      get('MINIO_BUCKET') ?? settings.MINIO_BUCKET.default,
      /^(?!.*(?:\.\.|\.-|-\.))(?!\d+\.\d+\.\d+\.\d+$)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/,
      'an S3 bucket name: 3 to 63 small letters, digits, hyphens and single dots, and no IP address',
    ),
    prefix: readPrefix(get),
    region: get('MINIO_REGION') ?? settings.MINIO_REGION.default,
    caFile: caFile === undefined ? undefined : resolve(caFile),
  }
}

const s3Only = [
  'MINIO_ACCESS_KEY',
  'MINIO_SECRET_KEY',
  'MINIO_BUCKET',
  'MINIO_PREFIX',
  'MINIO_REGION',
  'MINIO_PUBLIC_ENDPOINT',
  'MINIO_CA_FILE',
] as const

/** So short that with it no key is longer than S3 allows. */
const longestPrefix = 64

function readPrefix(get: Get): string {
  const text = get('MINIO_PREFIX')
  if (text === undefined) return ''
  return pattern(
    'MINIO_PREFIX',
    text.replace(/\/$/, ''),
    new RegExp(`^(?=.{1,${longestPrefix}}$)[A-Za-z0-9][\\w.-]*(?:/[A-Za-z0-9][\\w.-]*)*$`),
    `1 to ${longestPrefix} letters, digits, '.', '_' and '-' in parts separated by '/', each beginning with a letter or digit`,
  )
}

function readEndpoint(name: 'MINIO_ENDPOINT' | 'MINIO_PUBLIC_ENDPOINT', get: Get): string | undefined {
  const text = get(name)
  if (text === undefined) return undefined
  if (text.includes('@')) {
    throw new ConfigError(`${name} must hold no user name or password: use MINIO_ACCESS_KEY and MINIO_SECRET_KEY.`)
  }
  const refuse = (why: string) =>
    new ConfigError(`${name} must look like http://host:9000 or https://host; ${why}: it is '${text}'.`)
  const url = text.includes('://') ? text : `http://${text}`
  const parsed = URL.canParse(url) ? new URL(url) : undefined
  if (parsed === undefined || !/^https?:$/.test(parsed.protocol)) throw refuse('this is neither')
  if (parsed.hostname.startsWith('['))
    throw refuse('an IPv6 address is none that S3 clients take, so give the host a name')
  if (parsed.port === '0') throw refuse('0 is no port')
  if (parsed.href !== `${parsed.origin}/` || /[?#]/.test(text)) throw refuse('nothing may stand after the host')
  return parsed.origin
}
