// The header X-Docker-Container-Path-Stat: base64 of JSON {name, size, mode, mtime, linkTarget}.
// `mode` holds Go's FileMode bits, not those of stat(2); a directory is bit 31, so it is read unsigned.

import { Type } from '@sinclair/typebox'
import { TypeCompiler } from '@sinclair/typebox/compiler'
import { checkAnswer, parseJson } from '../transport/answer.ts'

export interface PathStat {
  readonly name: string
  readonly type: 'file' | 'directory' | 'symbolic-link' | 'device' | 'fifo' | 'socket' | 'other'
  /** Permission bits, 0 to 0o777. */
  readonly mode: number
  /** Bytes of a file; without meaning for the rest. */
  readonly size: number
  /** RFC 3339. */
  readonly mtime: string
  /** Empty unless a symbolic link. */
  readonly linkTarget: string
}

const statCheck = TypeCompiler.Compile(
  Type.Object({
    name: Type.String(),
    size: Type.Number(),
    mode: Type.Integer({ minimum: 0, maximum: 0xffffffff }),
    mtime: Type.String(),
    linkTarget: Type.String(),
  }),
)

const typeBits: readonly (readonly [number, PathStat['type']])[] = [
  [2 ** 31, 'directory'],
  [2 ** 27, 'symbolic-link'],
  [2 ** 26, 'device'],
  [2 ** 25, 'fifo'],
  [2 ** 24, 'socket'],
  [2 ** 19, 'other'],
]

/** Throws EngineError `protocol` for an absent header or another shape. */
export function decodePathStat(endpoint: string, header: string | undefined): PathStat {
  const value = parseJson(endpoint, Buffer.from(header ?? '', 'base64').toString())
  const { mode, ...stat } = checkAnswer(endpoint, statCheck, value)
  const type = typeBits.find(([bit]) => (mode & bit) !== 0)?.[1] ?? 'file'
  return { ...stat, type, mode: mode & 0o777 }
}
