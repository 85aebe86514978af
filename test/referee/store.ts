// What the store really holds, read without a word of the service's: a folder by the file system, a bucket by plain HTTP.
// Reading only: nothing here can write.

import { createHash, createHmac } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { type IncomingMessage, request } from 'node:http'
import { join, relative } from 'node:path'
import { wholeBody } from './forward.ts'
import { objectsOf, textOf } from './listing.ts'

export interface StoreView {
  /** Every key that starts with `prefix`, which ends in '/' or is ''. */
  list(prefix: string): Promise<Set<string>>
  /** The bytes as they come. Throws where there is no such object, or the store does not give it whole. */
  read(key: string): AsyncIterable<Uint8Array>
}

/** `place` is a folder, or `http://ACCESS:SECRET@host:port/bucket`. */
export const openStoreView = (place: string): StoreView =>
  place.startsWith('http://') ? bucketView(new URL(place)) : folderView(place)

const folderView = (root: string): StoreView => ({
  async list(prefix) {
    const options = { recursive: true, withFileTypes: true } as const
    const entries = await readdir(join(root, prefix), options).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return []
      throw error
    })
    const others = entries.filter((entry) => !entry.isDirectory())
    for (const entry of others) {
      if (!entry.isFile()) throw new Error(`${join(entry.parentPath, entry.name)} is neither a file nor a folder`)
    }
    return new Set(others.map((entry) => relative(root, join(entry.parentPath, entry.name))))
  },
  read: (key) => createReadStream(join(root, key)),
})

const region = 'us-east-1'

function bucketView(place: URL): StoreView {
  const { host, hostname, port, pathname: bucket } = place
  const [accessKey, secretKey] = [decodeURIComponent(place.username), decodeURIComponent(place.password)]

  async function get(path: string, query = ''): Promise<IncomingMessage> {
    const headers = sign({ host, path: bucket + path, query, accessKey, secretKey })
    const target = `${bucket}${path}${query === '' ? '' : `?${query}`}`
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      request({ host: hostname, port, path: target, headers, agent: false }, resolve).once('error', reject).end()
    })
    if (answer.statusCode === 200) return answer
    throw new Error(`GET ${target}: ${answer.statusCode} ${(await wholeBody(answer)).toString().slice(0, 300)}`)
  }

  return {
    async list(prefix) {
      const keys = new Set<string>()
      for (let token = '', more = true; more; ) {
        const asked = { 'encoding-type': 'url', 'list-type': '2', prefix }
        const query = Object.entries(token === '' ? asked : { 'continuation-token': token, ...asked })
        const answer = await get('', query.map(([name, value]) => `${name}=${percentEncoded(value)}`).join('&'))
        const page = (await wholeBody(answer)).toString()
        for (const { key } of objectsOf(page)) keys.add(key)
        token = textOf(page, 'NextContinuationToken') ?? ''
        more = token !== ''
      }
      return keys
    },
    async *read(key) {
      yield* await get(`/${key.split('/').map(percentEncoded).join('/')}`)
    },
  }
}

/** Everything but letters, digits and -._~ */
const percentEncoded = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`)

const sha256 = (bytes: string | Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

interface Get {
  readonly host: string
  /** Escaped, as it is sent; the query's names in order. */
  readonly path: string
  readonly query: string
  readonly accessKey: string
  readonly secretKey: string
}

/** AWS Signature Version 4 of a GET. */
function sign({ host, path, query, accessKey, secretKey }: Get): Record<string, string> {
  const time = new Date().toISOString().replace(/[-:]|\.\d+/g, '')
  const day = time.slice(0, 8)
  const nothing = sha256('')
  const headers = { host, 'x-amz-content-sha256': nothing, 'x-amz-date': time }
  const named = Object.keys(headers).join(';')
  const told = Object.entries(headers).map(([name, value]) => `${name}:${value}\n`)
  const canonical = ['GET', path, query, told.join(''), named, nothing].join('\n')
  const scope = [day, region, 's3', 'aws4_request']
  let key: string | Buffer = `AWS4${secretKey}`
  for (const part of scope) key = createHmac('sha256', key).update(part).digest()
  const text = ['AWS4-HMAC-SHA256', time, scope.join('/'), sha256(canonical)].join('\n')
  const signature = createHmac('sha256', key).update(text).digest('hex')
  const credential = `${accessKey}/${scope.join('/')}`
  return {
    ...headers,
    authorization: `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=${named}, Signature=${signature}`,
  }
}
