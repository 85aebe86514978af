// A sandbox whose node cannot be asked: it may be there with all that its student did, so that nobody may act as if it were not.

import { containerName, volumeName } from '../names.ts'
import { RuntimeError } from './errors.ts'
import type { HeldSandbox, HeldSession, SessionIdentity } from './held.ts'

export const isUnreachable = (sandbox: Pick<HeldSandbox, 'state'> | undefined): boolean =>
  sandbox?.state === 'unreachable'

/** RuntimeError 'unreachable' where its node cannot be asked. */
export function requireReachable(sandbox: HeldSandbox | undefined): void {
  if (!isUnreachable(sandbox)) return
  throw new RuntimeError(
    'unreachable',
    'The node that this sandbox is on cannot be asked now. Everything on it is kept: ask the operator to look at that node. The service goes on by itself when the node is back.',
  )
}

/** RuntimeError 'unreachable' where a node has told this process nothing yet of the sandboxes that are placed on it. */
export function requireHeard<Survey extends { readonly sessions: readonly HeldSession[] }>(survey: Survey): Survey {
  if (!survey.sessions.some(({ sandboxes }) => sandboxes.some(({ isUnheard }) => isUnheard))) return survey
  throw new RuntimeError('unreachable', 'A node has not told yet which sandboxes it has: their routes are not known.')
}

/**
 * Of somebody who is placed on a node that cannot be asked and was never seen on it; `isUnheard`: since this process has never
 * heard of that node.
 */
export const unseenSandbox = (
  { classId, sessionId }: Pick<SessionIdentity, 'classId' | 'sessionId'>,
  studentId: string,
  isUnheard: boolean,
): HeldSandbox => ({
  studentId,
  state: 'unreachable',
  id: undefined,
  name: containerName(classId, studentId),
  files: volumeName(classId, studentId, sessionId),
  filesOnly: false,
  endpoint: undefined,
  server: undefined,
  spec: '',
  isDetached: false,
  collect: '',
  ...(isUnheard ? { isUnheard } : {}),
})
