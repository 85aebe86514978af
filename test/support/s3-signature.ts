// Requests to an S3 server, signed without a word of the product's.

import { createHash, createHmac } from 'node:crypto'
import type { S3Server } from './live.ts'

const region = 'us-east-1'

/** As AWS wants it: everything escaped but letters, digits and -._~ */
export const encode = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`)

export const canonicalQuery = (query: Readonly<Record<string, string>>): string =>
  Object.entries(query)
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .sort()
    .join('&')

/** AWS Signature Version 4 of a request without a body, or with one of this hash. */
export function signedHeaders(
  { accessKey, secretKey }: S3Server,
  method: string,
  url: URL,
  bodyHash = createHash('sha256').digest('hex'),
): Record<string, string> {
  const time = new Date().toISOString().replace(/[-:]|\.\d+/g, '')
  const scope = `${time.slice(0, 8)}/${region}/s3/aws4_request`
  const headers = { host: url.host, 'x-amz-content-sha256': bodyHash, 'x-amz-date': time }
  const names = Object.keys(headers).join(';')
  const lines = Object.entries(headers).map(([name, value]) => `${name}:${value}\n`)
  const request = [method, url.pathname, url.search.slice(1), lines.join(''), names, bodyHash].join('\n')
  const toSign = ['AWS4-HMAC-SHA256', time, scope, createHash('sha256').update(request).digest('hex')].join('\n')
  const keyOf = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest()
  const key = scope.split('/').reduce<string | Buffer>(keyOf, `AWS4${secretKey}`)
  const signature = createHmac('sha256', key).update(toSign).digest('hex')
  const authorization = `AWS4-HMAC-SHA256 Credential=${accessKey}/${scope}, SignedHeaders=${names}, Signature=${signature}`
  return { 'x-amz-content-sha256': bodyHash, 'x-amz-date': time, authorization }
}
