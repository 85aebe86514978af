// What a student types to have something in the workspace.

import { bytesOf, type Thing } from './memory-archive.ts'

const quoted = (bytes: string | Uint8Array): string =>
  `"$(printf '${[...Buffer.from(bytes)].map((byte) => `\\${byte.toString(8).padStart(3, '0')}`).join('')}')"`

/** One thing, for a shell that stands in the workspace. */
export function commandFor(thing: Thing): string {
  const path = quoted(Buffer.concat([Buffer.from('./'), Buffer.from(thing.path)]))
  const target = thing.linkTarget === undefined ? '' : quoted(thing.linkTarget)
  if (thing.type === 'directory') return `mkdir ${path}`
  if (thing.type === 'fifo') return `mkfifo ${path}`
  if (thing.type === 'symbolic-link') return `ln -s ${target} ${path}`
  if (thing.type === 'hard-link') return `ln ${target} ${path}`
  const base64 = Buffer.from(bytesOf(thing)).toString('base64')
  const mode = thing.mode === undefined ? '' : `\nchmod ${thing.mode.toString(8)} ${path}`
  return `base64 -d >${path} <<'.'\n${base64}\n.${mode}`
}
