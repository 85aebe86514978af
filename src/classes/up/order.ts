// What an up-class request asks for, checked against the catalogue alone: no engine and no store is asked.

import type { Catalogue, CatalogueClass } from '../../catalogue/catalogue.ts'
import type { Lab } from '../../catalogue/schema.ts'
import { Problem } from '../../problems.ts'
import { chooseStudents } from '../choose-students.ts'

export interface UpRequest {
  readonly classId: string
  readonly students?: readonly string[]
  readonly lab?: string
  readonly ttlMinutes?: number
  readonly allowPartial?: boolean
}

/** A request that the catalogue allows, ids in the catalogue's spelling. */
export interface UpOrder {
  /** As it was when the request came. */
  readonly catalogue: Catalogue
  readonly ofClass: CatalogueClass
  readonly labName: string
  readonly lab: Lab
  readonly askedLab: boolean
  readonly students: readonly string[]
  readonly ttlMinutes: number
  readonly allowPartial: boolean
}

/** Checks a request against the catalogue alone. Problems name the field and the value. */
export function orderUp(catalogue: Catalogue, request: UpRequest): UpOrder {
  const ofClass = catalogue.findClass(request.classId)
  const { name, lab } = catalogue.findLab(ofClass, request.lab)
  const ttlMinutes = request.ttlMinutes ?? lab.ttlMinutes
  if (ttlMinutes > lab.maxLifeMinutes) {
    throw new Problem(
      'invalid-request',
      `ttlMinutes is ${ttlMinutes}; lab '${name}' allows ${lab.maxLifeMinutes} at most.`,
    )
  }
  const students = chosen(ofClass, request.students)
  if (students.length === 0) {
    throw new Problem(
      'roster-empty',
      `Class '${ofClass.classId}' has no students in the catalogue. Ask the operator to fill its roster.`,
    )
  }
  const allowPartial = request.allowPartial ?? false
  const askedLab = request.lab !== undefined
  return { catalogue, ofClass, labName: name, lab, askedLab, students, ttlMinutes, allowPartial }
}

function chosen(
  { classId, students: roster }: CatalogueClass,
  names: readonly string[] | undefined,
): readonly string[] {
  if (names === undefined) return roster
  return chooseStudents(names, roster, (studentId) => studentId, `is not in the roster of class '${classId}'`)
}
