// What students have in their sandboxes, by the word of those who put it there: a file of JSON lines that tests add to.
// A line `{student, path, sha256}` says what a file holds; a line `{student}` takes back all that was said of that student.

import { appendFile, readFile } from 'node:fs/promises'

/** Files of one student: path below the workspace, raw bytes in base64 -> SHA-256 in hex. */
export type Files = ReadonlyMap<string, string>

/** `class/session/student` -> files. */
export type Truth = ReadonlyMap<string, Files>

interface Line {
  readonly student: string
  readonly path?: string
  readonly sha256?: string
}

/** An absent file says nothing of anybody. Throws where a line is not JSON. */
export async function readTruth(file: string): Promise<Truth> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return ''
    throw error
  })
  const truth = new Map<string, Map<string, string>>()
  for (const json of text.split('\n').filter(Boolean)) {
    const { student, path, sha256 }: Line = JSON.parse(json)
    if (path === undefined || sha256 === undefined) truth.set(student, new Map())
    else truth.set(student, (truth.get(student) ?? new Map()).set(path, sha256))
  }
  return truth
}

/** From now on the student has these files and no others that anybody answers for. */
export async function tellTruth(file: string, student: string, files: Files): Promise<void> {
  const lines: Line[] = [{ student }, ...[...files].map(([path, sha256]) => ({ student, path, sha256 }))]
  await appendFile(file, lines.map((line) => `${JSON.stringify(line)}\n`).join(''))
}
