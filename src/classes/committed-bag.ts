// What an earlier down committed for a student, read from the bag's own bag-info.txt: small, however large the bag is.

import type { Bag } from '../collection/collect.ts'
import { bagDeclarationKey, bagInfoKey, bagInfoLabel } from '../collection/tag-files.ts'
import { bagPrefix } from '../names.ts'
import { readText, type Store } from '../store/port.ts'
import type { SessionRecord } from './session-record.ts'

/** The newest `final` bag of a student, if one is committed. */
export async function findCommittedBag(
  store: Store,
  record: SessionRecord,
  studentId: string,
): Promise<Bag | undefined> {
  let newest: Bag | undefined
  for (let number = 1; ; number++) {
    const collectionId = number === 1 ? 'final' : `final-${number}`
    const prefix = bagPrefix(record.classId, record.sessionId, studentId, collectionId)
    if ((await store.stat(prefix + bagDeclarationKey)) === undefined) return newest
    const labels = parseLabels(await readText(store, prefix + bagInfoKey))
    newest = {
      collectionId,
      prefix,
      files: Number(labels.get(bagInfoLabel.files)),
      bytes: Number(labels.get(bagInfoLabel.bytes)),
      skipped: Number(labels.get(bagInfoLabel.skipped)),
      manifestSha256: labels.get(bagInfoLabel.manifestSha256) ?? '',
    }
  }
}

function parseLabels(text: string): Map<string, string> {
  const lines = text.split('\n').map((line) => line.split(': '))
  return new Map(lines.map(([name = '', ...value]) => [name, value.join(': ')]))
}
