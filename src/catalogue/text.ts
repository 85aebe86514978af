// The bytes of the operator's file as text. Editors put a byte order mark before it, or save it as something else than UTF-8.

import { isUtf8 } from 'node:buffer'
import { CatalogueError } from './faults.ts'

/** With its byte order mark, where it has one. CatalogueError where it is another encoding, or none. */
export function decodeCatalogue(bytes: Uint8Array): string {
  // Every text of ours begins with a plain character: as UTF-16 or UTF-32, one of the first two bytes is a mark or zero.
  const isWide = bytes.subarray(0, 2).some((byte) => byte === 0 || byte >= 0xfe)
  if (isWide) throw new CatalogueError('it is saved as UTF-16 or UTF-32: save it as UTF-8')
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (error) {
    throw new CatalogueError(`it is not UTF-8 in line ${lineOfFault(bytes)}: save it as UTF-8`, { cause: error })
  }
}

/** A line that is no UTF-8 has no character that a line end is a part of. */
function lineOfFault(bytes: Uint8Array): number {
  let line = 1
  for (let begin = 0; begin < bytes.length; line++) {
    const found = bytes.indexOf(0x0a, begin)
    const end = found < 0 ? bytes.length : found
    if (!isUtf8(bytes.subarray(begin, end))) return line
    begin = end + 1
  }
  return line
}
