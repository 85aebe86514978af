// The shape of what down-class answers, the same for success and failure, so that a portal reads both alike.

import type { Bag } from '../../bag/find.ts'
import type { CollectError } from '../../collection/errors.ts'
import { sameId, sessionPrefix } from '../../names.ts'
import type { DownAnswer, DownStudent } from '../../sessions/outcomes.ts'
import type { SessionRecord } from '../../sessions/record.ts'
import type { Store } from '../../store/port.ts'

export function answerOf<State extends string>(
  store: Store,
  record: Pick<SessionRecord, 'classId' | 'sessionId' | 'vanished'>,
  state: State,
  students: DownStudent[],
  leaked: DownAnswer['leaked'],
) {
  const { classId, sessionId } = record
  return {
    classId,
    sessionId,
    state,
    artifacts: { store: store.location, prefix: sessionPrefix(classId, sessionId) },
    students: students.map((student) => ({ ...student, ...vanishedMember(record, student.studentId) })),
    leaked,
  }
}

/** Their bag is of the sandbox that they got afterwards. */
export function vanishedMember(
  { vanished }: Pick<SessionRecord, 'vanished'>,
  studentId: string,
): Pick<DownStudent, 'vanished'> {
  const found = vanished?.find((each) => sameId(each.studentId, studentId))
  return found ? { vanished: { at: found.at, bag: found.bag } } : {}
}

/** The members of a student's outcome that come from the bag. */
type BagMembers = Pick<DownStudent, 'bag' | 'files' | 'bytes' | 'skipped' | 'manifestSha256'>

export const bagMembers = (bag: Bag): BagMembers => ({
  bag: bag.prefix,
  files: bag.files,
  bytes: bag.bytes,
  skipped: bag.skipped,
  manifestSha256: bag.manifestSha256,
})

export const noBag: BagMembers = { bag: null, files: null, bytes: null, skipped: null, manifestSha256: null }

export const keptStudent = (studentId: string, { code, message }: CollectError): DownStudent => ({
  studentId,
  state: 'kept',
  ...noBag,
  error: { code, detail: message },
})
