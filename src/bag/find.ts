// What was committed: the bags of a session, and of a student's what the bag's own bag-info.txt says: small, however large the bag is.

import { type Static, Type } from '@sinclair/typebox'
import { createGate } from '../gate.ts'
import { bagPrefix, sessionPrefix, snapshotTime, studentPrefix } from '../names.ts'
import { findText, type Store } from '../store/port.ts'
import { bagDeclarationKey, bagInfoKey, bagInfoLabel, tagManifestKey } from './tag-files.ts'

/** A committed bag. */
export interface Bag {
  readonly collectionId: string
  readonly prefix: string
  readonly files: number
  readonly bytes: number
  readonly skipped: number
  readonly manifestSha256: string
}

/** A bag as it says of itself. */
export interface StoredBag extends Bag {
  /** Undefined where it is of a version that did not say it and its id holds no time. */
  readonly collectedAt: string | undefined
}

/** All of a bag was written, and the store does not hold this file of it. */
export interface DamagedBag {
  readonly prefix: string
  readonly missing: string
}

/** By its own question: a list may leave the mark out. */
export const isCommitted = async (store: Store, prefix: string, signal?: AbortSignal): Promise<boolean> =>
  (await store.stat(prefix + bagDeclarationKey, signal)) !== undefined

/**
 * The newest `final` bag of a student that is committed. Where there is none, a whole one that lacks only the commit mark:
 * no sandbox is removed before its mark was there, so that the store has lost it, or another hand was faster.
 */
export async function findFinalBag(
  store: Store,
  { classId, sessionId }: { readonly classId: string; readonly sessionId: string },
  studentId: string,
): Promise<StoredBag | DamagedBag | undefined> {
  const folders = await store.folders(studentPrefix(classId, sessionId, studentId))
  const newestFirst = finalsNewestFirst(folders)
  const prefixOf = (name: string): string => bagPrefix(classId, sessionId, studentId, name)
  for (const name of newestFirst) {
    if (await isCommitted(store, prefixOf(name))) return await readBag(store, name, prefixOf(name))
  }
  for (const prefix of newestFirst.map(prefixOf)) {
    if (await store.stat(prefix + tagManifestKey)) return { prefix, missing: bagDeclarationKey }
  }
  return undefined
}

export const BagReference = Type.Object({
  studentId: Type.String(),
  collectionId: Type.String(),
  prefix: Type.String({ description: 'Of its objects in the store.' }),
})
export type BagReference = Static<typeof BagReference>

const foldersReadAtOnce = 8

/** Every committed bag of a session, snapshots too, by student and collection. */
export async function listBags(store: Store, classId: string, sessionId: string): Promise<BagReference[]> {
  const gate = createGate(foldersReadAtOnce)
  const students = await store.folders(sessionPrefix(classId, sessionId))
  const found = await Promise.all(
    students.map((studentId) =>
      gate(async () => {
        const bags: BagReference[] = []
        for (const collectionId of await store.folders(studentPrefix(classId, sessionId, studentId))) {
          const prefix = bagPrefix(classId, sessionId, studentId, collectionId)
          if (await isCommitted(store, prefix)) bags.push({ studentId, collectionId, prefix })
        }
        return bags
      }),
    ),
  )
  return found.flat()
}

const finalBag = /^final(?:-(\d+))?$/
const numberOf = (name: string): number => Number(finalBag.exec(name)?.[1] ?? 1)

/** Of collection ids. A down begins after all snapshots, and no snapshot is made after it. */
export function newestBagsFirst(collectionIds: readonly string[]): string[] {
  const snapshots = collectionIds.filter((id) => snapshotTime(id) !== undefined)
  return [...finalsNewestFirst(collectionIds), ...snapshots.sort().reverse()]
}

const finalsNewestFirst = (collectionIds: readonly string[]): string[] =>
  collectionIds.filter((name) => finalBag.test(name)).sort((a, b) => numberOf(b) - numberOf(a))

export async function readBag(store: Store, collectionId: string, prefix: string): Promise<StoredBag | DamagedBag> {
  const text = await findText(store, prefix + bagInfoKey)
  if (text === undefined) return { prefix, missing: bagInfoKey }
  const labels = parseLabels(text)
  return {
    collectionId,
    prefix,
    files: Number(labels.get(bagInfoLabel.files)),
    bytes: Number(labels.get(bagInfoLabel.bytes)),
    skipped: Number(labels.get(bagInfoLabel.skipped)),
    manifestSha256: labels.get(bagInfoLabel.manifestSha256) ?? '',
    collectedAt: labels.get(bagInfoLabel.collectedAt) ?? snapshotTime(collectionId)?.toISOString(),
  }
}

function parseLabels(text: string): Map<string, string> {
  const lines = text.split('\n').map((line) => line.split(': '))
  return new Map(lines.map(([name = '', ...value]) => [name, value.join(': ')]))
}
