// What a store holds, seen past the product: a folder by the file system, a bucket by plain HTTP with signatures made here.

import { createWriteStream, existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rm, stat } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { objectsOf, textOf } from '../referee/listing.ts'
import type { S3Server } from './live.ts'
import { canonicalQuery, encode, signedHeaders } from './s3-signature.ts'

export interface Artifacts {
  /** What the referee calls this store by: the folder, or `http://ACCESS:SECRET@host:port/bucket`. */
  readonly place: string
  /** Every key that starts with `prefix`, with its size in bytes, sorted by key. */
  list(prefix: string): Promise<Map<string, number>>
  read(key: string): Promise<Buffer>
  /**
   * A folder in which each object below `prefix` is a file at its key without the prefix: the store's own, or a download
   * into `scratch`, which must not exist.
   */
  local(prefix: string, scratch: string): Promise<string>
  /** Removes every object; a bucket stays. */
  empty(): Promise<void>
  /** Removes everything, the bucket or folder too. */
  removeAll(): Promise<void>
}

const sorted = (entries: [string, number][]): Map<string, number> =>
  new Map(entries.sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b))))

export function folderArtifacts(root: string): Artifacts {
  const list: Artifacts['list'] = async (prefix) => {
    if (!existsSync(root)) return new Map()
    const entries = await readdir(root, { recursive: true, withFileTypes: true, encoding: 'utf8' })
    const found: [string, number][] = []
    for (const entry of entries) {
      const path = join(entry.parentPath, entry.name)
      const key = relative(root, path)
      if (entry.isDirectory() || !key.startsWith(prefix)) continue
      found.push([key, (await stat(path)).size])
    }
    return sorted(found)
  }
  return {
    place: root,
    list,
    read: (key) => readFile(join(root, key)),
    local: async (prefix) => join(root, prefix),
    empty: () => rm(root, { recursive: true, force: true }),
    removeAll: () => rm(root, { recursive: true, force: true }),
  }
}

export function bucketArtifacts(server: S3Server, bucket: string): Artifacts {
  const send = (method: string, path: string, query: Record<string, string>): Promise<Response> => {
    const url = new URL(`${server.endpoint}/${bucket}${path}?${canonicalQuery(query)}`)
    return fetch(url, { method, headers: signedHeaders(server, method, url) })
  }
  const call = async (method: string, path: string, query: Record<string, string> = {}): Promise<Response> => {
    const response = await send(method, path, query)
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`)
    return response
  }
  const list: Artifacts['list'] = async (prefix) => {
    const found: [string, number][] = []
    let more: string | undefined = ''
    while (more !== undefined) {
      const query = { 'list-type': '2', 'encoding-type': 'url', prefix }
      const page = await (await call('GET', '', more ? { ...query, 'continuation-token': more } : query)).text()
      for (const { key, size } of objectsOf(page)) found.push([key, size])
      more = textOf(page, 'NextContinuationToken')
    }
    return sorted(found)
  }
  const pathOf = (key: string): string => `/${key.split('/').map(encode).join('/')}`
  const empty = async () => forEach((await list('')).keys(), (key) => call('DELETE', pathOf(key)))
  const get = (key: string): Promise<Response> => call('GET', pathOf(key))
  return {
    place: `${server.endpoint.replace('://', `://${server.accessKey}:${server.secretKey}@`)}/${bucket}`,
    list,
    read: async (key) => Buffer.from(await (await get(key)).arrayBuffer()),
    async local(prefix, scratch) {
      await mkdir(scratch)
      await forEach((await list(prefix)).keys(), async (key) => {
        const target = join(scratch, key.slice(prefix.length))
        await mkdir(dirname(target), { recursive: true })
        await pipeline((await get(key)).body ?? [], createWriteStream(target, { flags: 'wx' }))
      })
      return scratch
    },
    empty,
    async removeAll() {
      const made = (await send('HEAD', '', {})).status !== 404
      if (!made) return
      await empty()
      await call('DELETE', '')
    },
  }
}

const atOnce = 16

/** Some at a time: thousands one after the other take minutes. */
async function forEach(keys: Iterable<string>, work: (key: string) => Promise<unknown>): Promise<void> {
  const waiting = keys[Symbol.iterator]()
  const worker = async () => {
    for (let next = waiting.next(); !next.done; next = waiting.next()) await work(next.value)
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
}
