// The store in a local folder: an object is a file, its key is its path below the folder.
// Nothing is written in place: a file is written and proven in a folder of its own, forced to disk (or so later, with many others), then renamed.
// Processes may share a folder.
import { randomUUID } from 'node:crypto'
import { mkdir, open, rm, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { checkBytes, checkedBody } from '../checked-body.ts'
import { checkKey, checkPrefix, reservedFolder } from '../key.ts'
import { type ByteRange, type PutOptions, type Store, type StoredObject, StoreError } from '../port.ts'
import {
  codeOf,
  fileSize,
  filesBelow,
  folderNames,
  pruneEmptyFolders,
  publish,
  removeFile,
  removeLeftovers,
  syncFilesBelow,
  syncFolders,
} from './files.ts'

const readChunkBytes = 256 * 1024

/** A store in `folder`, which `check` makes when it is absent. */
export function createDirectoryStore(folder: string): Store {
  const root = resolve(folder)
  /** Holds what is being written. */
  const incoming = join(root, reservedFolder, 'incoming')

  const pathOf = (key: string): string => {
    checkKey(key)
    return join(root, key)
  }

  const folderOf = (prefix: string): string => {
    checkPrefix(prefix)
    return join(root, prefix)
  }

  const toStoreError = (key: string, error: unknown): unknown => {
    const code = codeOf(error)
    if (!(error instanceof Error) || typeof code !== 'string' || error instanceof StoreError) return error
    const where = join(root, key)
    if (code === 'ENOSPC' || code === 'EDQUOT') {
      return new StoreError('full', `${where}: no space left; make room on the disk of ${root}`, error)
    }
    if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
      return new StoreError(
        'denied',
        `${where}: ${error.message}; the service's user must be allowed to write to ${root}`,
        error,
      )
    }
    return new StoreError('refused', `${where}: ${error.message}`, error)
  }

  /** Runs file system calls, and nothing else: each fault in it is the folder's, never that of a body's source. */
  const attempt = async <T>(key: string, calls: () => Promise<T>): Promise<T> => {
    try {
      return await calls()
    } catch (error) {
      throw toStoreError(key, error)
    }
  }

  const put: Store['put'] = async (key, content, body, options: PutOptions = {}) => {
    const path = pathOf(key)
    options.signal?.throwIfAborted()
    const temporary = join(incoming, randomUUID())
    const file = await attempt(key, async () => {
      await mkdir(incoming, { recursive: true })
      return open(temporary, 'wx')
    })
    try {
      try {
        if (body instanceof Uint8Array) {
          checkBytes(key, content, body)
          await attempt(key, () => file.writeFile(body))
        } else {
          for await (const chunk of checkedBody(key, content, body, options.signal)) {
            await attempt(key, () => file.writeFile(chunk))
          }
        }
        if (!options.settledLater) await attempt(key, () => file.sync())
      } finally {
        await attempt(key, () => file.close())
      }
      return await attempt(key, async () => {
        const { outcome, highest } = await publish(temporary, path, options.ifAbsent === true)
        if (!options.settledLater) await syncFolders(dirname(path), highest)
        return outcome
      })
    } finally {
      // What cannot be removed now, `check` removes later; the fault to tell is the first one.
      await rm(temporary, { force: true }).catch(() => undefined)
    }
  }

  async function* list(prefix: string, signal?: AbortSignal): AsyncGenerator<StoredObject, void, undefined> {
    folderOf(prefix)
    signal?.throwIfAborted()
    try {
      for await (const key of filesBelow(root, prefix)) {
        signal?.throwIfAborted()
        const size = await fileSize(join(root, key))
        if (size !== undefined) yield { key, size, md5: undefined }
      }
    } catch (error) {
      // An error of the consumer never comes here: it ends the generator by return().
      throw toStoreError(prefix, error)
    }
  }

  /** Opens the file at its first step: a generator that is never begun leaves nothing open. */
  async function* chunksOf(key: string, path: string, signal?: AbortSignal, range?: ByteRange) {
    const file = await attempt(key, () => open(path, 'r'))
    try {
      let position = range?.first ?? 0
      for (let left = range ? range.last - range.first + 1 : Number.POSITIVE_INFINITY; left > 0; ) {
        signal?.throwIfAborted()
        const length = Math.min(readChunkBytes, left)
        const asked = Buffer.allocUnsafe(length)
        const { bytesRead, buffer } = await attempt(key, () => file.read(asked, 0, length, position))
        if (bytesRead === 0) return
        position += bytesRead
        left -= bytesRead
        yield buffer.subarray(0, bytesRead)
      }
    } finally {
      await file.close()
    }
  }

  const read: Store['read'] = async (key, signal, range) => {
    const path = pathOf(key)
    signal?.throwIfAborted()
    const size = await attempt(key, () => fileSize(path))
    if (size === undefined) throw new StoreError('not-found', `${path}: no such object`)
    return chunksOf(key, path, signal, range)
  }

  const remove: Store['remove'] = async (key, signal) => {
    const path = pathOf(key)
    signal?.throwIfAborted()
    await attempt(key, async () => {
      if (await removeFile(path)) await syncFolders(await pruneEmptyFolders(dirname(path), root), root)
    })
  }

  return {
    kind: 'directory',
    location: root,

    async check() {
      await attempt('', async () => {
        const made = await mkdir(root, { recursive: true })
        if (made !== undefined) await syncFolders(root, dirname(made))
        await mkdir(incoming, { recursive: true })
        await removeLeftovers(incoming)
        const temporary = join(incoming, randomUUID())
        const probe = join(root, reservedFolder, `probe-${randomUUID()}`)
        await writeFile(temporary, 'may be removed at any time\n', { flag: 'wx', flush: true })
        await publish(temporary, probe, true)
        await removeFile(temporary)
        await removeFile(probe)
      })
    },

    put,

    async settle(prefix, signal) {
      const folder = folderOf(prefix)
      await attempt(prefix, () => syncFilesBelow(root, prefix, signal))
      await attempt(prefix, () => syncFolders(folder, root))
    },

    async copy(from, to, content, signal) {
      // Read and proven again, never hard-linked: a bag stays whole when another one is damaged.
      const options = { settledLater: true, ...(signal === undefined ? {} : { signal }) }
      await put(to, content, await read(from, signal), options)
    },

    async stat(key, signal) {
      const path = pathOf(key)
      signal?.throwIfAborted()
      const size = await attempt(key, () => fileSize(path))
      return size === undefined ? undefined : { key, size, md5: undefined }
    },

    list,

    async folders(prefix, signal) {
      const folder = folderOf(prefix)
      signal?.throwIfAborted()
      const names = await attempt(prefix, () => folderNames(folder))
      const filled: string[] = []
      for (const name of names) {
        if (prefix === '' && name === reservedFolder) continue
        const objects = list(`${prefix}${name}/`, signal)
        if ((await objects.next()).done !== true) filled.push(name)
        await objects.return()
      }
      return filled.sort()
    },

    read,
    remove,

    async temporaryUrl() {
      return undefined
    },

    async close() {},
  }
}
