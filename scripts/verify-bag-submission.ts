// meta/submission.json against the rest of its bag: the same files, sizes and digests, totals that add up, and keys that lead
// back to the very bytes of each path. It is read whole: some 250 bytes a file.

import { createHash } from 'node:crypto'
import { type Static, Type } from '@sinclair/typebox'
import { TypeCompiler } from '@sinclair/typebox/compiler'

const Submission = Type.Object({
  schemaVersion: Type.Literal(1),
  classId: Type.String(),
  sessionId: Type.String(),
  studentId: Type.String(),
  collectionId: Type.String(),
  lab: Type.String(),
  totals: Type.Object({ files: Type.Integer(), bytes: Type.Integer(), skipped: Type.Integer() }),
  manifest: Type.Object({ key: Type.Literal('manifest-sha256.txt'), sha256: Type.String() }),
  files: Type.Array(
    Type.Object({
      path: Type.String(),
      /** The raw bytes, where they are not UTF-8. */
      pathBase64: Type.Optional(Type.String()),
      key: Type.String(),
      size: Type.Integer(),
      sha256: Type.String(),
    }),
  ),
  skipped: Type.Array(Type.Object({ path: Type.String(), reason: Type.String() })),
})

export type Submission = Static<typeof Submission>
type File = Submission['files'][number]

const checker = TypeCompiler.Compile(Submission)
const workspace = 'data/workspace/'
const where = 'meta/submission.json'

/** Undefined where it cannot be understood; `faults` then says why. */
export function parseSubmission(text: string, faults: string[]): Submission | undefined {
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch {
    faults.push(`${where} is not JSON`)
    return undefined
  }
  if (checker.Check(parsed)) return parsed
  const first = checker.Errors(parsed).First()
  faults.push(`${where} is not one of version 1: ${first?.path} ${first?.message}`)
  return undefined
}

export const ownerOf = ({ studentId, classId, sessionId, collectionId }: Submission): string =>
  `student ${studentId}, class ${classId}, session ${sessionId}, collection ${collectionId}`

/** Adds to `faults`. `payload`: key -> SHA-256, as the manifest has it; `sizes`: key -> bytes, as the store has it. */
export function checkSubmission(
  { files, totals, skipped, manifest }: Submission,
  payload: ReadonlyMap<string, string>,
  sizes: ReadonlyMap<string, number>,
  manifestSha256: string,
  faults: string[],
): void {
  const expect = (what: string, said: number | string, value: number | string | undefined) => {
    if (value !== undefined && said !== value) faults.push(`${where}: ${what} is ${said}, not ${value}`)
  }
  const keys = new Set<string>()
  const paths = new Set<string>()
  for (const file of files) {
    const key = JSON.stringify(file.key)
    const raw = rawPath(file)
    if (keys.has(file.key)) faults.push(`${where}: the key ${key} is there twice`)
    if (paths.has(raw.toString('latin1'))) faults.push(`${where}: the path ${JSON.stringify(file.path)} is there twice`)
    keys.add(file.key)
    paths.add(raw.toString('latin1'))
    if (raw.toString() !== file.path || !leadsTo(file.key, raw))
      faults.push(`${where}: the key ${key} does not lead back to the path ${JSON.stringify(file.path)}`)
    if (!payload.has(file.key)) faults.push(`${where}: ${key} is not in ${manifest.key}`)
    else expect(`the sha256 of ${key}`, file.sha256, payload.get(file.key))
    expect(`the size of ${key}`, file.size, sizes.get(file.key))
  }
  for (const key of payload.keys())
    if (!key.startsWith('data/logs/') && !keys.has(key)) faults.push(`${where} does not name ${JSON.stringify(key)}`)
  expect('totals.files', totals.files, files.length)
  expect(
    'totals.bytes',
    totals.bytes,
    files.reduce((sum, { size }) => sum + size, 0),
  )
  expect('totals.skipped', totals.skipped, skipped.length)
  expect('manifest.sha256', manifest.sha256, manifestSha256)
}

const rawPath = ({ path, pathBase64 }: File): Buffer =>
  pathBase64 === undefined ? Buffer.from(path) : Buffer.from(pathBase64, 'base64')

/**
 * Turns the rule of src/bag/object-key.ts round: `=HH` is a byte, `HEAD=~HASH` a shortened segment, `=~HASH` at the end
 * a shortened path.
 */
function leadsTo(key: string, raw: Buffer): boolean {
  if (!key.startsWith(workspace)) return false
  const segments = key.slice(workspace.length).split('/')
  const wanted = raw.toString('latin1').split('/')
  const isWholeHash = segments.at(-1)?.startsWith('=~') === true
  const named = isWholeHash ? segments.slice(0, -1) : segments
  if (isWholeHash && segments.at(-1) !== `=~${sha256(raw)}`) return false
  if (!isWholeHash && segments.length !== wanted.length) return false
  return named.every((segment, at) => {
    const bytes = Buffer.from(wanted[at] ?? '', 'latin1')
    const mark = segment.indexOf('=~')
    return mark === -1 ? unescaped(segment).equals(bytes) : segment.slice(mark) === `=~${sha256(bytes)}`
  })
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

/** One character a byte first, so that an escaped byte and the bytes of a readable character become the same. */
function unescaped(segment: string): Buffer {
  const latin1 = Buffer.from(segment).toString('latin1')
  const bytes = latin1.replace(/=([0-9A-F]{2})/g, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)))
  return Buffer.from(bytes, 'latin1')
}
