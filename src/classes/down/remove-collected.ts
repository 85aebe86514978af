// What was collected is removed from the engine. It is apart from the collection, so that a down can commit every bag before it
// removes the first sandbox.

import { confirmBag } from '../../bag/confirm.ts'
import { RuntimeError } from '../../runtime/errors.ts'
import type { ClassContext, Run } from '../context.ts'
import type { CollectedStudent } from './collect-student.ts'

/** What the engine would not remove, and why. */
export class NotRemoved extends RuntimeError {
  override readonly name = 'NotRemoved'
  readonly what: 'sandbox' | 'files'

  constructor(what: 'sandbox' | 'files', cause: RuntimeError) {
    super(cause.code, cause.message, cause)
    this.what = what
  }
}

/** Whether the engine may have removed something before this error: what is left is then no sandbox that anybody worked in. */
export const mayHaveBegun = ({ isBegun }: CollectedStudent, error: unknown): boolean =>
  isBegun === true || (error instanceof NotRemoved && error.code !== 'running')

/**
 * Removes what was collected: only if it is still the very life that the bag was made of, by id, itself before its files,
 * and only if the store still holds the bag: it may have been committed long ago, while the others were collected.
 */
export async function removeCollected(
  { runtime, store }: ClassContext,
  { signal }: Run,
  collected: CollectedStudent,
): Promise<void> {
  await confirmBag(store, collected.bag.prefix, collected.bag.manifestSha256, signal)
  const { life, files, isBegun } = collected
  const now = await runtime.inspectSealed(life.id).catch((error: unknown) => {
    if (isBegun && error instanceof RuntimeError && error.code === 'gone') return undefined
    throw error
  })
  if (now && (now.startedAt !== life.startedAt || now.finishedAt !== life.finishedAt)) {
    throw new RuntimeError('running', 'The sandbox ran again after it was collected. Take the class down again.')
  }
  await removing('sandbox', runtime.removeSandbox(life.id))
  if (files !== undefined) await removing('files', runtime.removeFiles(files))
}

async function removing(what: NotRemoved['what'], removal: Promise<void>): Promise<void> {
  await removal.catch((error: unknown) => {
    throw error instanceof RuntimeError ? new NotRemoved(what, error) : error
  })
}
