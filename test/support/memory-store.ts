// A store in memory that computes MD5 itself, as an S3 server does, and a wrapper that puts faults between a caller and
// any store.

import { checkBytes, checkedBody } from '../../src/store/checked-body.ts'
import { digestOf } from '../../src/store/content.ts'
import { checkKey, checkPrefix } from '../../src/store/key.ts'
import { type Store, StoreError } from '../../src/store/port.ts'

export interface MemoryStore extends Store {
  /** What is stored, by key; tests may change it behind the service's back. */
  readonly objects: Map<string, Uint8Array>
}

export function createMemoryStore(): MemoryStore {
  const objects = new Map<string, Uint8Array>()
  const stored = (key: string, bytes: Uint8Array) => ({ key, size: bytes.length, md5: digestOf(bytes).md5 })

  const put: Store['put'] = async (key, content, body, options = {}) => {
    checkKey(key)
    options.signal?.throwIfAborted()
    const chunks: Uint8Array[] = []
    if (body instanceof Uint8Array) {
      checkBytes(key, content, body)
      chunks.push(body)
    } else {
      for await (const chunk of checkedBody(key, content, body, options.signal)) chunks.push(chunk)
    }
    if (options.ifAbsent === true && objects.has(key)) return 'exists'
    objects.set(key, Buffer.concat(chunks))
    return 'stored'
  }

  const read: Store['read'] = async (key, _signal, range) => {
    const bytes = objects.get(key)
    if (!bytes) throw new StoreError('not-found', `${key}: no such object`)
    return (async function* () {
      yield range ? bytes.subarray(range.first, range.last + 1) : bytes
    })()
  }

  return {
    kind: 's3',
    location: 's3://memory',
    objects,
    async check() {},
    put,
    async copy(from, to, content) {
      await put(to, content, await read(from))
    },
    async stat(key) {
      const bytes = objects.get(key)
      return bytes && stored(key, bytes)
    },
    async *list(prefix) {
      checkPrefix(prefix)
      for (const [key, bytes] of [...objects]) if (key.startsWith(prefix)) yield stored(key, bytes)
    },
    async folders(prefix) {
      const below = [...objects.keys()].filter((key) => key.startsWith(prefix)).map((key) => key.slice(prefix.length))
      return [...new Set(below.filter((key) => key.includes('/')).map((key) => key.slice(0, key.indexOf('/'))))].sort()
    },
    async settle() {},
    read,
    async remove(key) {
      objects.delete(key)
    },
    async temporaryUrl() {
      return undefined
    },
    async close() {},
  }
}

export type StoreMethod = 'check' | 'put' | 'copy' | 'stat' | 'list' | 'folders' | 'read' | 'remove'
export type StoreHook = (method: StoreMethod, key: string) => void | Promise<void>

export interface StoreHooks {
  /** Throwing here: the store refused, and nothing was done. */
  readonly before?: StoreHook
  /** Throwing here: it was done, and the answer was lost. */
  readonly after?: StoreHook
}

/** `store`, with a hook on each side of every call. `put` and `copy` show the key that is written. */
export function hookedStore(store: Store, { before = () => {}, after = () => {} }: StoreHooks): Store {
  const hooked = async <T>(method: StoreMethod, key: string, call: () => Promise<T>): Promise<T> => {
    await before(method, key)
    const result = await call()
    await after(method, key)
    return result
  }
  return {
    ...store,
    check: () => hooked('check', '', () => store.check()),
    put: (key, ...rest) => hooked('put', key, () => store.put(key, ...rest)),
    copy: (from, to, ...rest) => hooked('copy', to, () => store.copy(from, to, ...rest)),
    stat: (key, signal) => hooked('stat', key, () => store.stat(key, signal)),
    async *list(prefix, signal) {
      await before('list', prefix)
      yield* store.list(prefix, signal)
      await after('list', prefix)
    },
    folders: (prefix, signal) => hooked('folders', prefix, () => store.folders(prefix, signal)),
    read: (key, ...rest) => hooked('read', key, () => store.read(key, ...rest)),
    remove: (key, signal) => hooked('remove', key, () => store.remove(key, signal)),
  }
}

export const unreachable = (): StoreError => new StoreError('unreachable', 'The store does not answer.')
