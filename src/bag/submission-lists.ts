// The lists of a committed bag's submission.json, one thing at a time: it may be as long as a bag has files, and has one thing
// a line (tag-files.ts).

import { type Static, type TSchema, Type } from '@sinclair/typebox'
import { TypeCompiler } from '@sinclair/typebox/compiler'
import { CollectError } from '../collection/errors.ts'
import type { Store } from '../store/port.ts'
import { linesOf } from './lines.ts'
import { submissionKey } from './tag-files.ts'

const owner = {
  mode: Type.String(),
  mtime: Type.String(),
  uid: Type.Integer(),
  gid: Type.Integer(),
  xattrs: Type.Optional(Type.Record(Type.String(), Type.String())),
}
const name = { path: Type.String(), pathBase64: Type.Optional(Type.String()) }

const shapes = {
  directories: Type.Object({ ...name, ...owner }),
  files: Type.Object({ ...name, ...owner, key: Type.String(), size: Type.Integer(), sha256: Type.String() }),
  links: Type.Object({
    ...name,
    ...owner,
    type: Type.String(),
    target: Type.String(),
    targetBase64: Type.Optional(Type.String()),
  }),
  // A socket is known by its name alone.
  skipped: Type.Object({ ...name, type: Type.String(), reason: Type.String() }),
} as const satisfies Record<string, TSchema>
type Title = keyof typeof shapes

const checks = {
  directories: TypeCompiler.Compile(shapes.directories),
  files: TypeCompiler.Compile(shapes.files),
  links: TypeCompiler.Compile(shapes.links),
  skipped: TypeCompiler.Compile(shapes.skipped),
}

export type Listed<T extends Title> = Static<(typeof shapes)[T]>

/** In the order of the archive. CollectError 'store-mismatch' where it is cut, or not what this service writes. */
export async function* listed<T extends Title>(
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
      const thing = parse(line.replace(/,$/, ''))
      if (!isListed(thing)) break
      yield thing
    } else if (line.startsWith(`  "${title}": []`)) return
    else inside = line === `  "${title}": [`
  }
  throw new CollectError(
    'store-mismatch',
    `The bag cannot be put back: its ${submissionKey} is damaged, or another version wrote it. Ask the operator to verify the bag.`,
  )
}

/** Undefined for what is no JSON, which no shape accepts. */
function parse(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}

/** As the student's file system had it. */
export const rawPath = ({ path, pathBase64 }: { path: string; pathBase64?: string }): Buffer =>
  pathBase64 === undefined ? Buffer.from(path) : Buffer.from(pathBase64, 'base64')

export const rawTarget = ({ target, targetBase64 }: Listed<'links'>): Buffer =>
  targetBase64 === undefined ? Buffer.from(target) : Buffer.from(targetBase64, 'base64')
