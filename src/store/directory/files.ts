// The file system calls below the directory store: names that appear at once or not at all, folders that come and go beside us.
import { link, lstat, mkdir, open, opendir, rename, rm, rmdir, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { reservedFolder } from '../key.ts'

/** An unfinished file is a killed process's when nobody has written to it for so long. */
const leftoverAfterMilliseconds = 3_600_000
/** A removal beside us may prune the folder that has just been made for a file; each attempt makes it anew. */
const publishAttempts = 100

/**
 * Gives the proven file its name, by link() where the name must be new: of two processes, one gets EEXIST. `highest` is
 * the highest folder that has a new name in it: from the file's own up to it, names are still to be forced to disk.
 */
export async function publish(
  temporary: string,
  path: string,
  ifAbsent: boolean,
): Promise<{ outcome: 'stored' | 'exists'; highest: string }> {
  const folder = dirname(path)
  let highest = folder
  for (let attempts = 1; ; attempts += 1) {
    try {
      const firstMade = await mkdir(folder, { recursive: true })
      // Also of an earlier attempt: what a removal beside us pruned then need not be all that was made.
      if (firstMade !== undefined && dirname(firstMade).length < highest.length) highest = dirname(firstMade)
      await (ifAbsent ? link(temporary, path) : rename(temporary, path))
      return { outcome: 'stored', highest }
    } catch (error) {
      if (ifAbsent && codeOf(error) === 'EEXIST' && (await fileSize(path)) !== undefined) {
        return { outcome: 'exists', highest }
      }
      if (codeOf(error) !== 'ENOENT' || attempts === publishAttempts) throw error
    }
  }
}

/** Forces the names in `folder` and in each folder above it, up to `top`, to disk. */
export async function syncFolders(folder: string, top: string): Promise<void> {
  for (let path = folder; ; path = dirname(path)) {
    try {
      await sync(path)
    } catch (error) {
      // A `remove` beside us has pruned it: what counts then is the folder above.
      if (!isAbsence(error)) throw error
    }
    if (path === top) return
  }
}

const syncsAtOnce = 16

/** Forces each file below `prefix`, and its name, to disk. Many at once: the file system writes them together. */
export async function syncFilesBelow(root: string, prefix: string, signal?: AbortSignal): Promise<void> {
  const folders = new Set<string>()
  const paths = filesBelow(root, prefix)
  const worker = async (): Promise<void> => {
    for (let next = await paths.next(); !next.done; next = await paths.next()) {
      signal?.throwIfAborted()
      await sync(join(root, next.value))
      for (let folder = dirname(next.value); `${folder}/`.startsWith(prefix); folder = dirname(folder))
        folders.add(folder)
    }
  }
  await Promise.all(Array.from({ length: syncsAtOnce }, worker))
  for (const folder of folders) await sync(join(root, folder))
}

async function sync(path: string): Promise<void> {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Removes `folder` and those above it as far as they are empty; gives the first that stays, at the latest `root`. */
export async function pruneEmptyFolders(folder: string, root: string): Promise<string> {
  let path = folder
  for (; path !== root; path = dirname(path)) {
    try {
      await rmdir(path)
    } catch (error) {
      // ENOENT: another `remove` was faster.
      if (codeOf(error) !== 'ENOENT') break
    }
  }
  return path
}

/** Whether there was a file to remove. */
export async function removeFile(path: string): Promise<boolean> {
  if ((await fileSize(path)) === undefined) return false
  try {
    await unlink(path)
    return true
  } catch (error) {
    if (isAbsence(error)) return false
    throw error
  }
}

/** Removes unfinished files of killed processes from the folder of incoming ones. */
export async function removeLeftovers(incoming: string): Promise<void> {
  for await (const entry of await opendir(incoming)) {
    const path = join(incoming, entry.name)
    const { mtimeMs } = await lstat(path).catch(() => ({ mtimeMs: Number.POSITIVE_INFINITY }))
    if (Date.now() - mtimeMs > leftoverAfterMilliseconds) await rm(path, { force: true })
  }
}

/** The paths below `root` of all files below `prefix`, but for what the store keeps for itself. Holds one open folder and the names of those still to visit. */
export async function* filesBelow(root: string, prefix: string): AsyncGenerator<string, void, undefined> {
  const pending = [prefix]
  for (let folder = pending.pop(); folder !== undefined; folder = pending.pop()) {
    for await (const entry of entriesOf(join(root, folder))) {
      const path = `${folder}${entry.name}`
      if (entry.isFile()) yield path
      else if (entry.isDirectory() && path !== reservedFolder) pending.push(`${path}/`)
    }
  }
}

/** The folders directly in a folder. */
export async function folderNames(path: string): Promise<string[]> {
  const names: string[] = []
  for await (const entry of entriesOf(path)) if (entry.isDirectory()) names.push(entry.name)
  return names
}

/** What is in a folder; nothing when it is absent, as it may be pruned at any time. */
async function* entriesOf(path: string) {
  try {
    yield* await opendir(path)
  } catch (error) {
    if (!isAbsence(error)) throw error
  }
}

/** In bytes; undefined where no file is, also where a folder is. */
export async function fileSize(path: string): Promise<number | undefined> {
  try {
    const entry = await lstat(path)
    return entry.isFile() ? entry.size : undefined
  } catch (error) {
    if (isAbsence(error)) return undefined
    throw error
  }
}

/** The code of a Node.js error, such as ENOSPC. */
export function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}

function isAbsence(error: unknown): boolean {
  const code = codeOf(error)
  return code === 'ENOENT' || code === 'ENOTDIR'
}
