// Makes the bag of one stopped sandbox: inventory, logs, then a bag in the store. Nothing here deletes anything of the
// sandbox; what it answers with is committed and read back.

import { tagFilesIntact } from '../bag/confirm.ts'
import { type Bag, isCommitted } from '../bag/find.ts'
import type { UnarchivedThing } from '../bag/submission.ts'
import { manifest, manifestKey, type TagFile } from '../bag/tag-files.ts'
import { bagPrefix, snapshotId, snapshotTime, studentPrefix } from '../names.ts'
import type { Runtime } from '../runtime/port.ts'
import { sha256Of } from '../store/content.ts'
import type { Content, Store } from '../store/port.ts'
import type { BagWork, CollectionProgress, CollectionTarget } from './bag-work.ts'
import { compareBag } from './compare.ts'
import { EarlyUpload } from './early-upload.ts'
import { asCollectError, CollectError } from './errors.ts'
import { compileExclude } from './exclude.ts'
import { fillBag } from './fill-bag.ts'
import type { Inventory } from './inventory.ts'
import { type SpooledLogs, spoolLogs } from './logs.ts'
import { takeInventory } from './take-inventory.ts'

/** Rejects with CollectError; the sandbox is then as it was. */
export async function collect(
  runtime: Runtime,
  store: Store,
  target: CollectionTarget,
  progress: CollectionProgress,
  signal: AbortSignal,
): Promise<Bag> {
  const { rules, workspace } = target.collect
  let inventory: Inventory | undefined
  let logs: SpooledLogs | undefined
  let early: EarlyUpload | undefined
  try {
    const exclude = compileExclude(rules.exclude)
    const first = await firstBag(store, target, signal)
    early = await EarlyUpload.begin(store, first.prefix, signal)
    const entries = runtime.archive(target.container.id, workspace, signal)
    inventory = await takeInventory(entries, { ...rules, exclude }, early)
    progress.onInventory(inventory.files, inventory.bytes)
    logs = await spoolLogs((last) => runtime.logs(target.container.id, signal, last))
    const unarchived = await notIn(inventory, target.unarchived)
    const work = { runtime, store, target: { ...target, unarchived }, progress, signal, inventory, logs }
    return await makeBag(work, first, early)
  } catch (error) {
    // Where the store cannot, the next attempt does it.
    if (error instanceof CollectError && error.code === 'over-limit') await early?.takeBack().catch(() => undefined)
    throw asCollectError(error)
  } finally {
    await early?.end()
    await inventory?.close()
    await logs?.close()
  }
}

/** Most engines' archives have FIFOs. */
async function notIn(inventory: Inventory, things: readonly UnarchivedThing[]): Promise<UnarchivedThing[]> {
  const left: UnarchivedThing[] = []
  for (const thing of things) if (!(await inventory.named(thing.path))) left.push(thing)
  return left
}

async function makeBag(work: BagWork, first: BagPlace, early: EarlyUpload | undefined): Promise<Bag> {
  const { store, target, inventory, signal } = work
  const manifestFile = await manifest(inventory, work.logs.files)
  const isNew = early !== undefined || target.kind === 'snapshot'
  const { collectionId, prefix, committed } = isNew
    ? { ...first, committed: false }
    : await chooseFinalBag(work, manifestFile)
  if (committed) work.progress.onStored(inventory.files, inventory.bytes)
  else await fillBag(work, prefix, collectionId, manifestFile, early)
  // With lost logs the committed manifest is not the one that would be made now.
  const manifestSha256 = committed
    ? await sha256Of(await store.read(prefix + manifestKey, signal))
    : manifestFile.content.sha256
  const skipped = inventory.skipped + target.unarchived.length
  return { collectionId, prefix, files: inventory.files, bytes: inventory.bytes, skipped, manifestSha256 }
}

/**
 * A committed bag is immutable. Where an earlier down committed one and the sandbox still holds exactly that, it is the
 * answer; where the sandbox ran again since, the next id is taken: `final`, `final-2`, `final-3` …
 */
async function chooseFinalBag(work: BagWork, manifestFile: TagFile): Promise<BagPlace & { committed: boolean }> {
  const { store, target, signal } = work
  for (let number = 1; ; number++) {
    const place = placeOf(target, number === 1 ? 'final' : `final-${number}`)
    if (!(await isCommitted(store, place.prefix, signal))) return { ...place, committed: false }
    if (await holdsExactly(work, place.prefix, manifestFile)) return { ...place, committed: true }
  }
}

interface BagPlace {
  readonly collectionId: string
  readonly prefix: string
}

function placeOf({ session, studentId }: CollectionTarget, collectionId: string): BagPlace {
  return { collectionId, prefix: bagPrefix(session.classId, session.sessionId, studentId, collectionId) }
}

/** Where the bag goes, unless an earlier down has begun or committed one there. */
const firstBag = async (store: Store, target: CollectionTarget, signal: AbortSignal): Promise<BagPlace> =>
  placeOf(target, target.kind === 'final' ? 'final' : await newSnapshotId(store, target, signal))

/**
 * No snapshot's id is used twice, whatever the clock says and whether or not a bag came of it: it is of a later time than that
 * of every snapshot of this student.
 */
async function newSnapshotId(
  store: Store,
  { session, studentId }: CollectionTarget,
  signal: AbortSignal,
): Promise<string> {
  const folders = await store.folders(studentPrefix(session.classId, session.sessionId, studentId), signal)
  const times = folders.map((folder) => snapshotTime(folder)?.getTime() ?? Number.NEGATIVE_INFINITY)
  return snapshotId(new Date(Math.max(Date.now(), ...times.map((time) => time + 1))))
}

/**
 * Where the container is gone its logs are too: then the bag's own logs, made while they were there, are the best there is. So
 * are its files: a volume that lacks some of them is what a removal has left, and holds nothing that the bag does not.
 */
async function holdsExactly(work: BagWork, prefix: string, manifestFile: TagFile): Promise<boolean> {
  const { store, inventory, logs, signal, target } = work
  const compared = target.logsLost ? [] : [...logs.files, manifestFile]
  const others = new Map<string, Content>(compared.map(({ key, content }) => [key, content]))
  const { missing, differing, extra, unlisted } = await compareBag(store, prefix, { inventory, others }, signal)
  if (missing.length > 0 || differing.length > 0 || unlisted > 0) return false
  if (!target.logsLost && extra.some((key) => key.startsWith('data/'))) return false
  return await tagFilesIntact(store, prefix, signal)
}
