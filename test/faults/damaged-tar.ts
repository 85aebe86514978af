// Archives as a failing engine, disk or proxy would send them. Engines cut theirs cleanly: a 200 and a normal end prove nothing.

/**
 * - `cut-at-boundary`: ends before the last file, and has no end mark
 * - `cut-mid-file`, `cut-mid-header`: ends there
 * - `one-zero-block`: half of the end mark
 * - `bad-checksum`: one header is not what its checksum says
 * - `wrong-size`: an extended header claims one block more for the first file
 * - `flipped-bit`: one bit of the last file is another
 */
export const tarFaults = [
  'cut-at-boundary',
  'cut-mid-file',
  'cut-mid-header',
  'one-zero-block',
  'bad-checksum',
  'wrong-size',
  'flipped-bit',
] as const

export type TarFault = (typeof tarFaults)[number]

const blockBytes = 512

interface Part {
  readonly header: number
  readonly body: number
  readonly size: number
}

/** `tar` must hold two files or more that are not empty. */
export function damageTar(tar: Buffer, fault: TarFault): Buffer {
  const parts = partsOf(tar)
  const files = parts.filter(
    ({ header, size }) => /[\0 0]/.test(String.fromCharCode(tar[header + 156] ?? 1)) && size > 0,
  )
  const [first, last, end] = [files[0], files.at(-1), parts.at(-1)]
  if (first === undefined || last === undefined || end === undefined || first === last) {
    throw new Error('the archive holds too few files to be damaged')
  }
  const damaged = Buffer.from(tar)
  if (fault === 'cut-at-boundary') return damaged.subarray(0, last.header)
  if (fault === 'cut-mid-file') return damaged.subarray(0, last.body + Math.ceil(last.size / 2))
  if (fault === 'cut-mid-header') return damaged.subarray(0, last.header + 200)
  if (fault === 'one-zero-block') return Buffer.concat([damaged.subarray(0, endOf(end)), Buffer.alloc(blockBytes)])
  if (fault === 'bad-checksum') damaged[last.header + 110] = (damaged[last.header + 110] ?? 0) ^ 1
  if (fault === 'flipped-bit') damaged[last.body] = (damaged[last.body] ?? 0) ^ 1
  if (fault !== 'wrong-size') return damaged
  const claim = extendedHeader(tar.subarray(first.header, first.body), first.size + blockBytes)
  return Buffer.concat([tar.subarray(0, first.header), claim, tar.subarray(first.header)])
}

const endOf = ({ body, size }: Part): number => body + Math.ceil(size / blockBytes) * blockBytes

function partsOf(tar: Buffer): Part[] {
  const parts: Part[] = []
  for (let at = 0; tar[at] !== 0 && at < tar.length; ) {
    const part = {
      header: at,
      body: at + blockBytes,
      size: Number.parseInt(tar.toString('latin1', at + 124, at + 136), 8),
    }
    parts.push(part)
    at = endOf(part)
  }
  return parts
}

/** A PAX header for the file of this header, with one record: its size. */
function extendedHeader(ofFile: Buffer, size: number): Buffer {
  const record = `${`00 size=${size}\n`.length} size=${size}\n`
  const header = Buffer.from(ofFile)
  header.write('x', 156, 'latin1')
  header.write(`${record.length.toString(8).padStart(11, '0')}\0`, 124, 'latin1')
  header.write('        ', 148, 'latin1')
  const sum = header.reduce((total, byte) => total + byte, 0)
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  return Buffer.concat([header, Buffer.from(record.padEnd(blockBytes, '\0'))])
}
