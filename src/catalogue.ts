// The operator's file of labs, subjects and classes: read, checked whole, re-read when it changes.
// A broken edit is reported and the last good catalogue stays in force, so that a typing error cannot end a lesson.

import { readFile, stat } from 'node:fs/promises'
import { TypeCompiler } from '@sinclair/typebox/compiler'
import { Value } from '@sinclair/typebox/value'
import { CatalogueFile, type Lab, type Quota } from './catalogue-schema.ts'
import { foldId } from './names.ts'
import { Problem } from './problems.ts'

export interface CatalogueClass {
  readonly classId: string
  readonly subject: string
  readonly teachers: readonly string[]
  readonly students: readonly string[]
  readonly lab: string
}

/** One good state of the file. Look-ups take ids in any case and answer with the catalogue's spelling. */
export interface Catalogue {
  readonly labs: ReadonlyMap<string, Lab>
  readonly classes: readonly CatalogueClass[]
  hasClass(classId: string): boolean
  /** Problem 'unknown-class'. */
  findClass(classId: string): CatalogueClass
  /** The lab asked for, or the class's own. Problems 'unknown-lab' and 'lab-not-allowed'. */
  findLab(ofClass: CatalogueClass, asked?: string): { name: string; lab: Lab }
  /** Without any limit for a subject that is not in the file (any more). */
  quotaOf(subject: string): Quota
}

/** A catalogue file that cannot be used; the message names the place in the file and what is wrong there. */
export class CatalogueError extends Error {
  override readonly name = 'CatalogueError'
}

const checker = TypeCompiler.Compile(CatalogueFile)

export function parseCatalogue(text: string): Catalogue {
  let file: unknown
  try {
    file = Value.Default(CatalogueFile, JSON.parse(text, refuseProto))
  } catch (error) {
    if (error instanceof CatalogueError) throw error
    throw new CatalogueError(`it is not JSON: ${error instanceof Error ? error.message : error}`, { cause: error })
  }
  if (!checker.Check(file)) {
    const first = checker.Errors(file).First()
    const hint = first?.schema.description
    throw new CatalogueError(
      `at ${first?.path || '/'}: ${first?.message ?? 'not a catalogue'}${hint ? ` (${hint})` : ''}`,
    )
  }
  checkReferences(file)
  return indexCatalogue(file)
}

/** The one name that the checks after this would not see as a member. */
function refuseProto(key: string, value: unknown): unknown {
  if (key === '__proto__') throw new CatalogueError("a member cannot be named '__proto__'")
  return value
}

/** What a schema cannot say: references that lead nowhere, ids that differ only in case, clocks that contradict. */
function checkReferences({ labs, subjects, classes }: CatalogueFile): void {
  refuseTwins('/labs', Object.keys(labs))
  refuseTwins('/subjects', Object.keys(subjects))
  refuseTwins('/classes', Object.keys(classes))
  for (const [name, lab] of Object.entries(labs)) {
    if (lab.ttlMinutes > lab.maxLifeMinutes) {
      throw new CatalogueError(`at /labs/${name}/ttlMinutes: longer than maxLifeMinutes (${lab.maxLifeMinutes})`)
    }
  }
  for (const [name, subject] of Object.entries(subjects)) {
    for (const lab of subject.labs) {
      if (!Object.hasOwn(labs, lab)) throw new CatalogueError(`at /subjects/${name}/labs: there is no lab '${lab}'`)
    }
  }
  for (const [name, entry] of Object.entries(classes)) {
    const subject = Object.hasOwn(subjects, entry.subject) ? subjects[entry.subject] : undefined
    if (!subject) throw new CatalogueError(`at /classes/${name}/subject: there is no subject '${entry.subject}'`)
    if (!subject.labs.includes(entry.lab)) {
      throw new CatalogueError(`at /classes/${name}/lab: subject '${entry.subject}' does not allow lab '${entry.lab}'`)
    }
    refuseTwins(`/classes/${name}/students`, entry.students)
  }
}

function refuseTwins(place: string, ids: readonly string[]): void {
  const seen = new Map<string, string>()
  for (const id of ids) {
    const twin = seen.get(foldId(id))
    if (twin !== undefined) throw new CatalogueError(`at ${place}: '${twin}' and '${id}' are the same without case`)
    seen.set(foldId(id), id)
  }
}

function indexCatalogue({ labs, subjects, classes }: CatalogueFile): Catalogue {
  const byId = new Map(
    Object.entries(classes).map(([classId, entry]): [string, CatalogueClass] => [
      foldId(classId),
      { classId, ...entry },
    ]),
  )
  const labNames = new Map(Object.keys(labs).map((name) => [foldId(name), name]))
  const allLabs = new Map(Object.entries(labs))
  const quotas = new Map(Object.entries(subjects).map(([name, { quota }]) => [foldId(name), quota]))
  return {
    labs: allLabs,
    classes: [...byId.values()],
    hasClass: (classId) => byId.has(foldId(classId)),
    findClass(classId) {
      const found = byId.get(foldId(classId))
      if (!found)
        throw new Problem(
          'unknown-class',
          `No class '${classId}' is in the catalogue. Check the id, or ask the operator to add it.`,
        )
      return found
    },
    findLab(ofClass, asked) {
      const name = asked === undefined ? ofClass.lab : labNames.get(foldId(asked))
      const lab = name === undefined ? undefined : allLabs.get(name)
      if (name === undefined || !lab) {
        throw new Problem('unknown-lab', `No lab '${asked}' is in the catalogue. GET /room/labs lists the labs.`)
      }
      const allowed = subjects[ofClass.subject]?.labs ?? []
      if (!allowed.includes(name)) {
        throw new Problem(
          'lab-not-allowed',
          `Subject '${ofClass.subject}' allows the labs ${allowed.join(', ')}; '${name}' is not one of them.`,
        )
      }
      return { name, lab }
    },
    quotaOf: (subject) => quotas.get(foldId(subject)) ?? {},
  }
}

export interface CatalogueWatch {
  current(): Catalogue
  /** Reads the file again if it has changed. Returns true when a new good catalogue came into force. */
  refresh(): Promise<boolean>
  /** Says that the newest edit is not in force, if it is not: for everybody, so only the log has the reason. */
  brokenEdit(): string | undefined
}

/** A reason names classes, students and paths, and may quote a secret of a lab. */
const notInForce = 'The newest edit is not in force. The log has the reason.'

/**
 * Reads the catalogue at start-up; a missing or broken file is a CatalogueError, since there is no last good one yet.
 * `onBroken` is told of each new fault, with the path: for the log.
 */
export async function openCatalogue(path: string, onBroken: (reason: string) => void): Promise<CatalogueWatch> {
  let seen: string | undefined
  /** As it was logged. */
  let broken: string | undefined
  let current = await read().catch((error: unknown) => {
    throw new CatalogueError(wholeReason(error), { cause: error })
  })

  async function read(): Promise<Catalogue> {
    const { mtimeMs, size, ino } = await stat(path)
    seen = `${mtimeMs}/${size}/${ino}`
    return parseCatalogue(await readFile(path, 'utf8'))
  }

  function wholeReason(error: unknown): string {
    return `CATALOGUE ${path} cannot be used: ${error instanceof Error ? error.message : error}`
  }

  async function refreshOnce(): Promise<boolean> {
    const before = seen
    const now = await stat(path).then(
      ({ mtimeMs, size, ino }) => `${mtimeMs}/${size}/${ino}`,
      () => 'missing',
    )
    if (now === before) return false
    try {
      current = await read()
      broken = undefined
      return true
    } catch (error) {
      seen = now
      const reason = wholeReason(error)
      if (reason !== broken) onBroken(reason)
      broken = reason
      return false
    }
  }

  /** One after the other: a slow reading must not overtake a newer one, and put an older catalogue in force again. */
  let last: Promise<boolean> = Promise.resolve(false)

  return {
    current: () => current,
    brokenEdit: () => (broken === undefined ? undefined : notInForce),
    refresh() {
      last = last.then(refreshOnce)
      return last
    },
  }
}
