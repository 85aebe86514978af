// The bags as anybody may look at them: plain files, listed as a tree and checked by the system's own sha256sum.

import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { Type } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'

/** Where a student's bag lies in the store. */
export function bagOf(students: readonly { studentId: string; bag: string | null }[], studentId: string): string {
  const bag = students.find((each) => each.studentId === studentId)?.bag
  if (!bag) throw new Error(`${studentId} has no bag`)
  return bag
}

/** One bag whole, as an example of all. */
export function showBag(store: string, studentId: string, bag: string): void {
  console.log(`  the bag of ${studentId}, ${bag}, each file with its bytes and the start of its SHA-256:`)
  showTree(join(store, bag), '    ')
}

/** Prints the files below `folder` as a tree, each with its size in bytes and the first 12 digits of its SHA-256. */
function showTree(folder: string, indent: string): void {
  const entries = readdirSync(folder, { withFileTypes: true })
  for (const entry of entries) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) {
      console.log(`${indent}${entry.name}/`)
      showTree(path, `${indent}  `)
    } else {
      const digest = createHash('sha256').update(readFileSync(path)).digest('hex').slice(0, 12)
      console.log(`${`${indent}${entry.name}`.padEnd(52)} ${String(statSync(path).size).padStart(8)}  ${digest}`)
    }
  }
}

/** Has sha256sum check a bag by its manifests. Throws unless each file is as they say; gives the number of payload files. */
export function checkBag(bag: string): number {
  const files = readdirSync(join(bag, 'data'), { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  )
  for (const list of ['tagmanifest-sha256.txt', 'manifest-sha256.txt']) {
    const run = spawnSync('sha256sum', ['--check', '--strict', '--quiet', list], { cwd: bag, encoding: 'utf8' })
    if (run.status !== 0) throw new Error(`sha256sum --check ${list} in ${bag}:\n${run.stdout}${run.stderr}`)
  }
  const named = manifestOf(bag).size
  if (named !== files.length)
    throw new Error(`${bag}: the manifest names ${named} files, and data/ holds ${files.length}`)
  return files.length
}

const Submission = Type.Object({
  links: Type.Array(Type.Object({ path: Type.String(), target: Type.String() })),
  directories: Type.Array(Type.Object({ path: Type.String() })),
})

/** What an object store cannot hold and submission.json therefore records: links as `path -> target`, folders as `path/`. */
export function recordedIn(bag: string): string[] {
  const submission = Value.Parse(Submission, JSON.parse(readFileSync(join(bag, 'meta/submission.json'), 'utf8')))
  const links = submission.links.map(({ path, target }) => `${path} -> ${target}`)
  return [...links, ...submission.directories.filter(({ path }) => path !== '').map(({ path }) => `${path}/`)]
}

/** Path below the bag to SHA-256, from the bag's manifest. */
export function manifestOf(bag: string): Map<string, string> {
  return parseSums(readFileSync(join(bag, 'manifest-sha256.txt'), 'utf8'))
}

/** What sha256sum prints, as path to digest. */
export function parseSums(text: string): Map<string, string> {
  const lines = text.split('\n').filter((line) => line !== '')
  return new Map(lines.map((line) => [line.slice(66), line.slice(0, 64)]))
}
