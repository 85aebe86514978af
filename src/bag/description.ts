// What a bag says about itself: the labels of bag-info.txt and the head of meta/submission.json.

import type { FrozenCollect } from '../catalogue/frozen-lab.ts'
import type { SessionIdentity } from '../runtime/held.ts'
import type { FrozenSandbox, SealedSandbox } from '../runtime/port.ts'
import type { Content } from '../store/port.ts'
import type { BagContents } from './contents.ts'
import type { SubmissionHead, UnarchivedThing } from './submission.ts'
import { bagInfoLabel, manifestKey, type TagFile } from './tag-files.ts'

/** Whose work a bag holds, and how it was come by. */
export interface BagSubject {
  readonly session: SessionIdentity
  readonly studentId: string
  readonly container: SealedSandbox | FrozenSandbox
  readonly collect: FrozenCollect
  readonly unarchived: readonly UnarchivedThing[]
  /** What graders should know of the way here: beforeCollect's result, what could not be looked at. */
  readonly notes: readonly string[]
  readonly imageDigest: string | undefined
  readonly actor: string
}

export interface DescribedBag {
  readonly target: BagSubject
  readonly inventory: Pick<BagContents, 'files' | 'bytes' | 'skipped'>
  readonly logs: { readonly files: readonly { readonly content: Content }[]; readonly notes: readonly string[] }
}

export function bagInfoLabels(
  { inventory, logs, target }: DescribedBag,
  collectionId: string,
  manifestFile: TagFile,
): [string, string][] {
  const { classId, sessionId } = target.session
  const octets = logs.files.reduce((sum, { content }) => sum + content.size, inventory.bytes)
  return [
    ['Payload-Oxum', `${octets}.${inventory.files + logs.files.length}`],
    ['Bagging-Date', new Date().toISOString().slice(0, 10)],
    ['External-Identifier', `${classId}/${sessionId}/${target.studentId}/${collectionId}`],
    ['Class-Runtime-Class', classId],
    ['Class-Runtime-Session', sessionId],
    ['Class-Runtime-Student', target.studentId],
    ['Class-Runtime-Collection', collectionId],
    ['Class-Runtime-Lab', target.session.lab],
    [bagInfoLabel.files, String(inventory.files)],
    [bagInfoLabel.bytes, String(inventory.bytes)],
    [bagInfoLabel.skipped, String(inventory.skipped + target.unarchived.length)],
    [bagInfoLabel.manifestSha256, manifestFile.content.sha256],
    [bagInfoLabel.collectedAt, new Date().toISOString()],
  ]
}

/** The engine's archive leaves them out without a word, so that nobody can say whether there were any. */
const unkeptNote =
  'Extended attributes of files (user.*) are not kept: the engine leaves them out. Those that it gives are with their files.'

export function submissionHead(
  { target, inventory, logs }: DescribedBag,
  collectionId: string,
  manifestFile: TagFile,
): SubmissionHead {
  const { session, container, collect, imageDigest } = target
  const { rules, workspace } = collect
  return {
    schemaVersion: 1,
    classId: session.classId,
    sessionId: session.sessionId,
    subject: session.subject,
    studentId: target.studentId,
    collectionId,
    lab: session.lab,
    imageId: container.imageId,
    ...(imageDigest === undefined ? {} : { imageDigest }),
    actor: target.actor,
    containerId: container.id,
    startedAt: container.startedAt,
    /** null, as the exit code, in a snapshot of a sandbox that went on running. */
    stoppedAt: container.finishedAt,
    collectedAt: new Date().toISOString(),
    exitCode: container.exitCode,
    oomKilled: container.outOfMemory,
    roots: { workspace },
    totals: { files: inventory.files, bytes: inventory.bytes, skipped: inventory.skipped + target.unarchived.length },
    limits: rules,
    manifest: { key: manifestKey, sha256: manifestFile.content.sha256 },
    notes: [...target.notes, ...logs.notes, unkeptNote],
  }
}
