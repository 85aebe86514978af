// The newest whole bag of somebody whose sandbox is gone: what is left of their work, how old it is, and how it can be had.

import { confirmBag } from '../bag/confirm.ts'
import { newestBagsFirst, readBag, type StoredBag } from '../bag/find.ts'
import { bagDeclarationKey } from '../bag/tag-files.ts'
import { asCollectError } from '../collection/errors.ts'
import { bagPrefix, studentPrefix } from '../names.ts'
import type { DownStudent } from '../sessions/outcomes.ts'
import type { SessionRecord } from '../sessions/record.ts'
import type { ClassContext, Run } from './context.ts'
import { bagMembers, noBag } from './down/answer.ts'

/** Undefined where nothing of theirs was ever committed, or nothing of it is whole. Rejects where the store cannot be asked. */
export async function findLastCopy(
  { store }: ClassContext,
  { signal, log }: Pick<Run, 'signal' | 'log'>,
  { classId, sessionId }: SessionRecord,
  studentId: string,
): Promise<StoredBag | undefined> {
  const collectionIds = await store.folders(studentPrefix(classId, sessionId, studentId), signal)
  for (const collectionId of newestBagsFirst(collectionIds)) {
    const prefix = bagPrefix(classId, sessionId, studentId, collectionId)
    if ((await store.stat(prefix + bagDeclarationKey, signal)) === undefined) continue
    const bag = await readBag(store, collectionId, prefix)
    if ('missing' in bag) continue
    try {
      await confirmBag(store, prefix, bag.manifestSha256, signal)
      return bag
    } catch (error) {
      if (asCollectError(error).code !== 'store-mismatch') throw error
      log.error({ err: error, studentId, bag: prefix }, 'a bag is not whole: an older one is looked for')
    }
  }
  return undefined
}

type CopyMembers = Pick<DownStudent, keyof typeof noBag | 'collectedAt'>

export const copyMembers = (copy: StoredBag | undefined): CopyMembers =>
  copy ? { ...bagMembers(copy), ...whenCollected(copy) } : noBag

export const whenCollected = ({ collectedAt }: StoredBag): { collectedAt?: string } =>
  collectedAt === undefined ? {} : { collectedAt }

/** Two sentences, for a teacher. */
export function describeCopy(
  { classId, sessionId }: SessionRecord,
  studentId: string,
  copy: Pick<StoredBag, 'collectionId'> & { readonly collectedAt?: string | undefined },
): string {
  const { collectionId, collectedAt } = copy
  const when = collectedAt === undefined ? '' : `, which is of ${collectedAt} (${age(collectedAt)})`
  return `The last copy is the bag '${collectionId}'${when}: what was done after it is lost. GET /room/classes/${classId}/sessions/${sessionId}/students/${studentId}/${collectionId} names its files.`
}

/** In the largest unit that says enough. A clock that was put back makes nothing younger than now. */
function age(collectedAt: string): string {
  const minutes = Math.max(0, Math.floor((Date.now() - Date.parse(collectedAt)) / 60_000))
  if (minutes < 1) return 'less than a minute ago'
  if (minutes < 120) return `${minutes} ${minutes === 1 ? 'minute' : 'minutes'} ago`
  return minutes < 48 * 60 ? `${Math.floor(minutes / 60)} hours ago` : `${Math.floor(minutes / 1440)} days ago`
}
