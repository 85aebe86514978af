// Fills one prefix of the store until it is a bag: leftovers out, payload, logs, tag files, comparison both ways, commit.

import { workspacePrefix } from '../bag/contents.ts'
import { bagInfoLabels, submissionHead } from '../bag/description.ts'
import { isCommitted } from '../bag/find.ts'
import { bagDeclaration, bagDeclarationKey, bagInfo, type TagFile, tagManifest } from '../bag/tag-files.ts'
import { submission } from '../bag/write-submission.ts'
import { digestOf, sha256Of } from '../store/content.ts'
import { type Content, type Store, StoreError } from '../store/port.ts'
import type { BagWork } from './bag-work.ts'
import { compareBag } from './compare.ts'
import type { EarlyUpload } from './early-upload.ts'
import { CollectError } from './errors.ts'
import { uploadPass } from './upload-pass.ts'

/** A passing fault of the store is met by sending again; what is already safe is not sent twice. */
const storeAttempts = 3

export async function fillBag(
  work: BagWork,
  prefix: string,
  collectionId: string,
  manifestFile: TagFile,
  early?: EarlyUpload,
): Promise<void> {
  const { store, inventory, logs, signal } = work
  if (await early?.isComplete()) await uploadPayload(work, prefix, false, early)
  else await uploadPayload(work, prefix, await clearLeftovers(work, prefix))
  const described = [
    await bagInfo(bagInfoLabels(work, collectionId, manifestFile)),
    await submission(submissionHead(work, collectionId, manifestFile), inventory, work.target.unarchived),
    manifestFile,
  ]
  const files = [...logs.files, ...described, await tagManifest(described)]
  for (const { key, content, stream } of files) {
    await refuseIfCommitted(work, prefix)
    await repeated(signal, () => store.put(prefix + key, content, stream(), { settledLater: true, signal }))
  }

  const others = new Map<string, Content>(files.map(({ key, content }) => [key, content]))
  const { missing, differing, extra, unlisted } = await compareBag(store, prefix, { inventory, others }, signal)
  if (extra.includes(bagDeclarationKey)) throw committedMeanwhile()
  const wrong = missing[0] ?? differing[0]
  if (wrong !== undefined) {
    const what = `${missing.length} missing, ${differing.length} differing, the first being ${wrong}`
    throw new CollectError(
      'store-mismatch',
      `The store does not hold what was sent: ${what}. Take the class down again.`,
    )
  }
  // To send again would change nothing.
  if (unlisted > 0) {
    throw new CollectError(
      'store-mismatch',
      `The store's own list leaves out ${unlisted} of the files that it holds, so that no bag can be proven. The sandbox is kept. Ask the operator to mend the store (its bucket may keep versions).`,
    )
  }
  for (const key of extra) await removeLeftover(work, prefix, prefix + key)
  await store.settle(prefix, signal)
  await commit(store, prefix, signal)
}

/** A committed bag is immutable, also for a second process that is slower at the same work. */
async function refuseIfCommitted({ store, signal }: BagWork, prefix: string): Promise<void> {
  if (await isCommitted(store, prefix, signal)) throw committedMeanwhile()
}

async function removeLeftover(work: BagWork, prefix: string, key: string): Promise<void> {
  await refuseIfCommitted(work, prefix)
  await work.store.remove(key, work.signal)
}

const committedMeanwhile = () =>
  new CollectError('changed', 'Another process committed this bag meanwhile. Take the class down again.')

/**
 * Removes files that an earlier attempt left and this one does not want: an `a` of then would stand in the way of an
 * `a/b` of now. Answers whether anything is left to build on. Nothing else is touched: another process may be at work on
 * the same bag, and two readings of one stopped sandbox want the same files.
 */
async function clearLeftovers(work: BagWork, prefix: string): Promise<boolean> {
  const { store, inventory, signal } = work
  let found = false
  for await (const { key } of store.list(prefix + workspacePrefix, signal)) {
    if (await inventory.find(key.slice(prefix.length))) found = true
    else await removeLeftover(work, prefix, key)
  }
  return found
}

async function uploadPayload(work: BagWork, prefix: string, leftovers: boolean, early?: EarlyUpload): Promise<void> {
  const { runtime, store, target, progress, signal, inventory } = work
  let resuming = leftovers
  await repeated(signal, async () => {
    const stored = { files: 0, bytes: 0 }
    const onStored = (bytes: number) => {
      stored.files++
      stored.bytes += bytes
      progress.onStored(1, bytes)
    }
    try {
      // Before anything is put under the prefix, whatever its name is made of.
      await refuseIfCommitted(work, prefix)
      const entries = runtime.archive(target.container.id, target.collect.workspace, signal)
      const isSent = (size: number): boolean => !resuming && early?.takes(size) === true
      await uploadPass({ entries, inventory, store, prefix, resuming, isSent, signal, onStored })
    } catch (error) {
      progress.onStored(-stored.files, -stored.bytes)
      resuming = true
      throw error
    }
  })
}

async function repeated<T>(signal: AbortSignal, send: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await send()
    } catch (error) {
      const passing = error instanceof StoreError && error.code === 'unreachable'
      if (!passing || attempt === storeAttempts || signal.aborted) throw error
    }
  }
}

/** bagit.txt is the commit: it exists, or there is no bag. Another process may have been first; then both wrote the same. */
async function commit(store: Store, prefix: string, signal: AbortSignal): Promise<void> {
  const key = prefix + bagDeclarationKey
  const content = digestOf(bagDeclaration)
  signal.throwIfAborted()
  await repeated(signal, () => store.put(key, content, bagDeclaration, { ifAbsent: true, signal }))
  if ((await sha256Of(await store.read(key, signal))) !== content.sha256) {
    throw new CollectError(
      'store-mismatch',
      'The commit mark reads back differently from what was written. Take the class down again.',
    )
  }
}
