// The students that a request names, each once and in any case.

import { foldId } from '../names.ts'
import { Problem } from '../problems.ts'

/** Those of `among` that are named, in the order of the names. Problems 'unknown-student', which `unknown` explains, and 'duplicate-student'. */
export function chooseStudents<Student>(
  names: readonly string[],
  among: readonly Student[],
  idOf: (student: Student) => string,
  unknown: string,
): Student[] {
  const byId = new Map(among.map((student) => [foldId(idOf(student)), student]))
  const chosen = new Set<Student>()
  for (const name of names) {
    const found = byId.get(foldId(name))
    if (found === undefined) throw new Problem('unknown-student', `students: '${name}' ${unknown}.`)
    if (chosen.has(found)) {
      throw new Problem('duplicate-student', `students: '${name}' is named twice; ids are compared without case.`)
    }
    chosen.add(found)
  }
  return [...chosen]
}
