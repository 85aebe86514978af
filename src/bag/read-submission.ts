// The lists of a committed bag's submission.json, one thing at a time: it may be as long as a bag has files, and has one thing
// a line (write-submission.ts).

import { TypeCompiler } from '@sinclair/typebox/compiler'
import { parseJson } from '../store/json.ts'
import type { Store } from '../store/port.ts'
import { BagError } from './errors.ts'
import { linesOf } from './lines.ts'
import { type Listed, type ListTitle, listedThings } from './submission.ts'
import { submissionKey } from './tag-files.ts'

const checks = {
  directories: TypeCompiler.Compile(listedThings.directories),
  files: TypeCompiler.Compile(listedThings.files),
  links: TypeCompiler.Compile(listedThings.links),
  skipped: TypeCompiler.Compile(listedThings.skipped),
}

/** In the order of the archive. BagError where it is cut, or not what this service writes. */
export async function* listed<T extends ListTitle>(
  store: Store,
  prefix: string,
  title: T,
  signal: AbortSignal,
): AsyncGenerator<Listed<T>> {
  const isListed = (thing: unknown): thing is Listed<T> => checks[title].Check(thing)
  let inside = false
  for await (const line of linesOf(await store.read(prefix + submissionKey, signal))) {
    if (inside && line.startsWith('  ]')) return
    if (inside) {
      const thing = parseJson(line.replace(/,$/, ''))
      if (!isListed(thing)) break
      yield thing
    } else if (line.startsWith(`  "${title}": []`)) return
    else inside = line === `  "${title}": [`
  }
  throw new BagError(
    `The bag cannot be put back: its ${submissionKey} is damaged, or another version wrote it. Ask the operator to verify the bag.`,
  )
}

/** As the student's file system had it. */
export const rawPath = ({ path, pathBase64 }: { path: string; pathBase64?: string }): Buffer =>
  pathBase64 === undefined ? Buffer.from(path) : Buffer.from(pathBase64, 'base64')

export const rawTarget = ({ target, targetBase64 }: Listed<'links'>): Buffer =>
  targetBase64 === undefined ? Buffer.from(target) : Buffer.from(targetBase64, 'base64')
