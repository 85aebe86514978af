// Every name and label that the service puts on the engine or into the store is made here, and nowhere else.
// Two students can never share a name: ids hold no '--', so joined names stay apart, and ids are compared without case.

import { randomBytes } from 'node:crypto'

/** 1 to 30 letters, digits and single inner hyphens: joined with '--' they fit one DNS label of 63 characters. */
export const idPattern = '^(?=.{1,30}$)[A-Za-z0-9](?:-?[A-Za-z0-9])*$'

/** A session: the UTC time of its up to the millisecond, or one behind the class's last, so that names sort by begin, and four random hex digits. */
export const sessionIdPattern = '^\\d{8}t\\d{9}z-[0-9a-f]{4}$'

export const collectionIdPattern = '^(?:final(?:-\\d{1,4})?|snapshot-\\d{8}t\\d{9}z)$'

/** What two ids are compared by: engine names and host names know no case. */
export const foldId = (id: string): string => id.toLowerCase()

/** Whether two spellings are one id. */
export const sameId = (a: string, b: string): boolean => foldId(a) === foldId(b)

/** Sorts behind `after`, whatever the clock says: session ids of a class are in the order in which they were begun. */
export function newSessionId(now = new Date(), after?: string): string {
  const earliest = after === undefined ? Number.NaN : sessionTime(after).getTime() + 1
  const time = earliest > now.getTime() ? new Date(earliest) : now
  return `${timeStamp(time)}-${randomBytes(2).toString('hex')}`
}

/** When the session began, as its id says: the clock may have been wrong. Its record knows better. */
export const sessionTime = (sessionId: string): Date => stampedTime(sessionId)

/** `20261123t141745123z`: sorts by time, is valid in engine names, DNS labels and store keys. */
export function timeStamp(now: Date): string {
  return now.toISOString().replace(/[-:.]/g, '').toLowerCase()
}

/** The time that a text begins with, as `timeStamp` writes it; else an invalid date. */
export function stampedTime(text: string): Date {
  const [, year, month, day, hour, minute, second, millisecond] =
    /^(\d{4})(\d\d)(\d\d)t(\d\d)(\d\d)(\d\d)(\d{3})z/.exec(text) ?? []
  return new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}.${millisecond}Z`)
}

export const snapshotId = (at: Date): string => `snapshot-${timeStamp(at)}`

/** The time in a collection's id; undefined for one that is no snapshot. */
export function snapshotTime(collectionId: string): Date | undefined {
  const [, stamp] = /^snapshot-(\d{8}t\d{9}z)$/.exec(collectionId) ?? []
  const time = stampedTime(stamp ?? '')
  return Number.isNaN(time.getTime()) ? undefined : time
}

export const networkName = (classId: string): string => `class-${foldId(classId)}`

export const containerName = (classId: string, studentId: string): string =>
  `class-${foldId(classId)}--${foldId(studentId)}`

export const volumeName = (classId: string, studentId: string, sessionId: string): string =>
  `${containerName(classId, studentId)}--${sessionId}`

/** Of the container and the volume by which an up proves that work can be collected. Ids hold no dot, so it is nobody's sandbox. */
export const proofName = (classId: string): string => `class-${foldId(classId)}.proof`

export const hostName = (classId: string, studentId: string, labDomain: string): string =>
  `${foldId(studentId)}--${foldId(classId)}.${labDomain}`

/** The labels of every network, container and volume of ours; `student`, `spec`, `collect` and `port` only on sandboxes. */
export const label = {
  installation: 'class-runtime.installation',
  class: 'class-runtime.class',
  session: 'class-runtime.session',
  subject: 'class-runtime.subject',
  lab: 'class-runtime.lab',
  createdBy: 'class-runtime.created-by',
  expiresAt: 'class-runtime.expires-at',
  store: 'class-runtime.store',
  storeName: 'class-runtime.store-name',
  student: 'class-runtime.student',
  spec: 'class-runtime.spec',
  collect: 'class-runtime.collect',
  rawPackets: 'class-runtime.raw-packets',
  port: 'class-runtime.port',
  proof: 'class-runtime.proof',
} as const

/** Who acts where no caller does. No token may carry one of these as its `sub`. */
export const serviceActor = { sweep: 'sweep', unauthenticated: 'unauthenticated' } as const

/** What tells one store from another. No class is named so: ids hold no dot. */
export const storeIdentityKey = 'class-runtime.store.json'

/** Store prefixes; each ends in '/'. */
export const classPrefix = (classId: string): string => `${classId}/`
export const sessionPrefix = (classId: string, sessionId: string): string => `${classId}/${sessionId}/`
export const studentPrefix = (classId: string, sessionId: string, studentId: string): string =>
  `${classId}/${sessionId}/${studentId}/`
export const bagPrefix = (classId: string, sessionId: string, studentId: string, collectionId: string): string =>
  `${classId}/${sessionId}/${studentId}/${collectionId}/`
