// How far a long operation is, and how far each of its students is. Totals are the sum of the inventories that are there: a student
// counts once, however often an attempt is repeated.

import { type Static, Type } from '@sinclair/typebox'
import { foldId } from '../names.ts'

const Count = Type.Object({ total: Type.Integer(), done: Type.Integer() })

/**
 * waiting · starting · running (an up) · stopping · reading · storing · collected · removing · removed (a down; a snapshot ends
 * with collected) · done: nothing more is to be done · failed
 */
const phases = [
  ...['waiting', 'starting', 'running'],
  ...['stopping', 'reading', 'storing', 'collected', 'removing', 'removed'],
  ...['done', 'failed'],
] as const
const Phase = Type.Union(phases.map((phase) => Type.Literal(phase)))
export type Phase = (typeof phases)[number]

export const ProgressView = Type.Object({
  students: Count,
  files: Count,
  bytes: Count,
  phases: Type.Array(Type.Object({ studentId: Type.String(), phase: Phase }), {
    description:
      'Where each student is. waiting, starting, running; stopping, reading, storing, collected, removing, removed; done; failed.',
  }),
})
export type ProgressView = Static<typeof ProgressView>

interface StudentProgress {
  readonly studentId: string
  phase: Phase
  readonly total: { files: number; bytes: number }
  readonly stored: { files: number; bytes: number }
}

export class Progress {
  #expected = 0
  #done = 0
  readonly #students = new Map<string, StudentProgress>()
  #onChange: () => void = () => {}

  set onChange(listener: () => void) {
    this.#onChange = listener
  }

  expectStudents(students: readonly string[]): void {
    this.#expected = students.length
    for (const studentId of students) this.#student(studentId).phase = 'waiting'
    this.#onChange()
  }

  enter(studentId: string, phase: Phase): void {
    this.#student(studentId).phase = phase
    this.#onChange()
  }

  studentDone(studentId: string, phase: Phase): void {
    this.#done++
    this.enter(studentId, phase)
  }

  /** What the inventory of this student says. */
  expectFiles(studentId: string, files: number, bytes: number): void {
    Object.assign(this.#student(studentId).total, { files, bytes })
    this.#onChange()
  }

  /** Negative where an attempt has to be repeated. */
  filesStored(studentId: string, files: number, bytes: number): void {
    const { stored } = this.#student(studentId)
    stored.files += files
    stored.bytes += bytes
    this.#onChange()
  }

  view(): ProgressView {
    const students = [...this.#students.values()]
    const sum = (of: (student: StudentProgress) => number): number => students.reduce((all, each) => all + of(each), 0)
    return {
      students: { total: this.#expected, done: this.#done },
      files: { total: sum(({ total }) => total.files), done: sum(({ stored }) => stored.files) },
      bytes: { total: sum(({ total }) => total.bytes), done: sum(({ stored }) => stored.bytes) },
      phases: students.map(({ studentId, phase }) => ({ studentId, phase })),
    }
  }

  #student(studentId: string): StudentProgress {
    const known = this.#students.get(foldId(studentId))
    if (known) return known
    const fresh: StudentProgress = {
      studentId,
      phase: 'waiting',
      total: { files: 0, bytes: 0 },
      stored: { files: 0, bytes: 0 },
    }
    this.#students.set(foldId(studentId), fresh)
    return fresh
  }
}
