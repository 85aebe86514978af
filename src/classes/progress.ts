// How far a long operation is. Totals grow as inventories are taken: until then nobody knows how much there is.

import { type Static, Type } from '@sinclair/typebox'

const Count = Type.Object({ total: Type.Integer(), done: Type.Integer() })

export const ProgressView = Type.Object({ students: Count, files: Count, bytes: Count })
export type ProgressView = Static<typeof ProgressView>

export class Progress {
  readonly #students = { total: 0, done: 0 }
  readonly #files = { total: 0, done: 0 }
  readonly #bytes = { total: 0, done: 0 }
  #onChange: () => void = () => {}

  set onChange(listener: () => void) {
    this.#onChange = listener
  }

  expectStudents(total: number): void {
    this.#students.total = total
    this.#onChange()
  }

  studentDone(): void {
    this.#students.done++
    this.#onChange()
  }

  expectFiles(files: number, bytes: number): void {
    this.#files.total += files
    this.#bytes.total += bytes
    this.#onChange()
  }

  /** Negative where an attempt has to be repeated. */
  filesStored(files: number, bytes: number): void {
    this.#files.done += files
    this.#bytes.done += bytes
    this.#onChange()
  }

  view(): ProgressView {
    return { students: { ...this.#students }, files: { ...this.#files }, bytes: { ...this.#bytes } }
  }
}
