// The operator's file of labs, subjects and classes: read, checked whole, re-read when it changes.
// A broken edit is reported and the last good catalogue stays in force, so that a typing error cannot end a lesson.

import { readFile, stat } from 'node:fs/promises'
import { TypeCompiler } from '@sinclair/typebox/compiler'
import { Value } from '@sinclair/typebox/value'
import { foldId } from '../names.ts'
import { Problem } from '../problems.ts'
import { visible } from '../spelling.ts'
import { CatalogueError, CatalogueFault, didYouMean, faultOf } from './faults.ts'
import { lackOnGvisor } from './gvisor.ts'
import { CatalogueFile, type Lab, type Quota } from './schema.ts'
import { JsonFault, lineOf, parseStrictJson } from './strict-json.ts'
import { decodeCatalogue } from './text.ts'

export { CatalogueError } from './faults.ts'

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

const checker = TypeCompiler.Compile(CatalogueFile)

/** Rejects with CatalogueError. A byte order mark before the text is read over. */
export function parseCatalogue(withMark: string): Catalogue {
  const text = withMark.replace(/^\uFEFF/, '')
  try {
    return indexCatalogue(checkedFile(text))
  } catch (error) {
    throw inOneLine(error, text)
  }
}

function checkedFile(text: string): CatalogueFile {
  if (text.trim() === '') throw new CatalogueError('it is empty')
  const file = Value.Default(CatalogueFile, parseStrictJson(text))
  if (!checker.Check(file)) throw faultOf(checker.Errors(file))
  checkReferences(file)
  return file
}

function inOneLine(error: unknown, text: string): unknown {
  if (error instanceof JsonFault) {
    const { isJson, path, line, message } = error
    return new CatalogueError(`${isJson ? '' : 'it is not JSON: '}at ${path || '/'}: ${message} (line ${line})`, {
      cause: error,
    })
  }
  if (!(error instanceof CatalogueFault)) return error
  const line = lineOf(text, error.at) ?? lineOf(text, error.path)
  const where = line === undefined ? '' : ` (line ${line})`
  return new CatalogueError(`at ${error.path || '/'}: ${error.message}${where}`, { cause: error })
}

/** What a schema cannot say: references that lead nowhere, ids that differ only in case, clocks that contradict. */
function checkReferences({ labs, subjects, classes }: CatalogueFile): void {
  const keysAt = (place: string, of: object) => Object.keys(of).map((id) => ({ id, at: `${place}/${id}` }))
  refuseTwins('/labs', keysAt('/labs', labs))
  refuseTwins('/subjects', keysAt('/subjects', subjects))
  refuseTwins('/classes', keysAt('/classes', classes))
  for (const [name, lab] of Object.entries(labs)) {
    if (lab.ttlMinutes > lab.maxLifeMinutes) {
      throw new CatalogueFault(`/labs/${name}/ttlMinutes`, `longer than maxLifeMinutes (${lab.maxLifeMinutes})`)
    }
    refuseTooSmall(name, lab)
  }
  for (const [name, subject] of Object.entries(subjects)) {
    for (const [index, lab] of subject.labs.entries()) {
      refuseUnknown(`/subjects/${name}/labs`, 'lab', lab, labs, `/subjects/${name}/labs/${index}`)
    }
  }
  for (const [name, entry] of Object.entries(classes)) {
    refuseUnknown(`/classes/${name}/subject`, 'subject', entry.subject, subjects)
    refuseUnknown(`/classes/${name}/lab`, 'lab', entry.lab, labs)
    const allowed = subjects[entry.subject]?.labs ?? []
    if (!allowed.includes(entry.lab)) {
      const message = `subject '${entry.subject}' does not allow lab '${entry.lab}', only ${allowed.join(', ')}`
      throw new CatalogueFault(`/classes/${name}/lab`, message)
    }
    const place = `/classes/${name}/students`
    refuseTwins(
      place,
      entry.students.map((id, index) => ({ id, at: `${place}/${index}` })),
    )
  }
}

function refuseTooSmall(name: string, lab: Lab): void {
  const lack = lackOnGvisor(lab)
  if (lack) throw new CatalogueFault(`/labs/${name}/${lack.field}`, lack.reason)
}

function refuseUnknown(place: string, kind: string, name: string, known: object, at = place): void {
  if (Object.hasOwn(known, name)) return
  throw new CatalogueFault(place, `there is no ${kind} '${name}'${didYouMean(name, Object.keys(known))}`, at)
}

function refuseTwins(place: string, ids: readonly { id: string; at: string }[]): void {
  const seen = new Map<string, string>()
  for (const { id, at } of ids) {
    const twin = seen.get(foldId(id))
    if (twin === id) throw new CatalogueFault(place, `'${id}' stands twice`, at)
    if (twin !== undefined) throw new CatalogueFault(place, `'${twin}' and '${id}' are the same without case`, at)
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
    return parseCatalogue(decodeCatalogue(await readFile(path)))
  }

  function wholeReason(error: unknown): string {
    return visible(`CATALOGUE ${path} cannot be used: ${error instanceof Error ? error.message : error}`)
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
