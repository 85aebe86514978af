// In a service whose store is a folder: every change there is told to the parent first, which numbers it beside the requests
// that it sees, and may kill this process before or after it. Of calls that would change nothing most are not told.
// The functions are replaced in node:fs/promises itself, so that the product needs to know nothing of it.

import { existsSync, type PathLike } from 'node:fs'
import promises, { type FileHandle } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'
import type { Position } from './effects.ts'

/** From this process, once for each change; again with `done` where its answer named a position after the change. */
export interface FolderChange {
  readonly name: string
  readonly number: number
  readonly done: boolean
}

/** The answer. */
export interface FolderWord {
  readonly number: number
  readonly position: Position | undefined
}

/** Names of which each is new at every run. */
const random = /[0-9a-f]{8}-[0-9a-f-]{27}|\d{8}t\d{9}z-[0-9a-f]{4}|crash-[^/]*/g

export function tellChanges(root: string): void {
  const isInside = (path: PathLike): path is string => typeof path === 'string' && path.startsWith(join(root, '/'))
  const waiting = new Map<number, (position: Position | undefined) => void>()
  process.on('message', ({ number, position }: FolderWord) => {
    waiting.get(number)?.(position)
    waiting.delete(number)
  })
  let changes = 0

  async function change<T>(what: string, path: string, make: () => Promise<T>): Promise<T> {
    changes++
    const number = changes
    const name = `folder ${what} ${path.slice(root.length).replace(random, '*')}`
    const word = wordFor(number)
    process.send?.({ name, number, done: false } satisfies FolderChange)
    const position = await word
    const made = make()
    if (position === undefined) return await made
    // One that fails, such as the removal of a folder that is not empty, has happened too.
    await made.catch(() => {})
    process.send?.({ name, number, done: true } satisfies FolderChange)
    return position === 'between' ? await made : await new Promise<never>(() => {})
  }

  function wordFor(number: number): Promise<Position | undefined> {
    return new Promise((resolve) => waiting.set(number, resolve))
  }

  const { link, mkdir, open, rename, rm, rmdir, unlink, writeFile } = promises
  const ofPath =
    <Rest extends unknown[], T>(
      what: string,
      call: (path: PathLike, ...rest: Rest) => Promise<T>,
      applies: (path: PathLike) => boolean = existsSync,
    ) =>
    (path: PathLike, ...rest: Rest): Promise<T> =>
      isInside(path) && applies(path) ? change(what, path, () => call(path, ...rest)) : call(path, ...rest)
  const isAbsent = (path: PathLike): boolean => !existsSync(path)

  Object.assign(promises, {
    mkdir: ofPath('mkdir', mkdir, isAbsent),
    rename: ofPath('rename', rename),
    link: ofPath('link', link),
    unlink: ofPath('unlink', unlink),
    rm: ofPath('rm', rm),
    rmdir: ofPath('rmdir', rmdir),
    open: async (path: PathLike, ...rest: [flags?: string]): Promise<FileHandle> => {
      if (!isInside(path) || existsSync(path)) return await open(path, ...rest)
      const file = await change('create', path, () => open(path, ...rest))
      const write = file.writeFile.bind(file)
      return Object.assign(file, {
        writeFile: (...data: Parameters<typeof write>) => change('write', path, () => write(...data)),
      })
    },
    writeFile: async (path: PathLike | FileHandle, ...rest: [data: string]): Promise<void> =>
      typeof path === 'string' && isInside(path)
        ? await change('write', path, () => writeFile(path, ...rest))
        : await writeFile(path, ...rest),
  })
  syncBuiltinESMExports()
}
