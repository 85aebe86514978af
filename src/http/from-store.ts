// Reading what is past from the store: it stays readable when the engine is down.

import type { Static } from '@sinclair/typebox'
import { isCommitted } from '../bag/find.ts'
import { bagPrefix, sessionPrefix } from '../names.ts'
import { asProblem } from '../port-problems.ts'
import { Problem } from '../problems.ts'
import { findSpelling } from '../sessions/class-id.ts'
import { spellings } from '../sessions/find.ts'
import { StoreError } from '../store/port.ts'
import type { CallContext } from './call-context.ts'
import type { BagParams } from './schemas.ts'

export async function fromStore<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw error instanceof StoreError && error.code === 'not-found'
      ? unknownFile()
      : asProblem(error, 'engine-unavailable')
  }
}

export const unknownFile = () =>
  new Problem('unknown-file', "The bag has no file with this key. meta/submission.json lists each file's key.")

/** No bagit.txt, no bag: what is not committed is not shown. */
export async function committedPrefix(
  { classes: { store }, canonicalClassId }: CallContext,
  { sessionId, collectionId, ...asked }: Static<typeof BagParams>,
): Promise<string> {
  const classId = await canonicalClassId(asked.classId)
  for (const spelled of await spellings(store, classId)) {
    const students = await store.folders(sessionPrefix(spelled, sessionId))
    const studentId = findSpelling(students, asked.studentId) ?? asked.studentId
    const prefix = bagPrefix(spelled, sessionId, studentId, collectionId)
    if (await isCommitted(store, prefix)) return prefix
  }
  throw new Problem(
    'unknown-collection',
    `There is no committed bag '${collectionId}' of student '${asked.studentId}' in this session.`,
  )
}
