// The start of one student's sandbox on the node that it is placed on, and on no other.

import { freezeCollect } from '../../catalogue/frozen-lab.ts'
import { containerName, volumeName } from '../../names.ts'
import type { Contents } from '../archive.ts'
import { RuntimeError } from '../errors.ts'
import { type HeldSandbox, withoutRunner } from '../held.ts'
import type { SessionPlan, StartedSandbox } from '../port.ts'
import type { FleetNode } from './node.ts'

/** Never rejects. */
export async function startOn(
  node: FleetNode | undefined,
  isProven: boolean,
  plan: SessionPlan,
  studentId: string,
  held: HeldSandbox | undefined,
  contents: Contents | undefined,
): Promise<StartedSandbox> {
  const nothing = { id: undefined, madeFiles: undefined }
  if (!node) return { ...nothing, fault: notPlaced(studentId) }
  if (node.fault) return { ...nothing, fault: node.fault }
  if (!isProven) return { ...nothing, fault: notProven() }
  const { fault, ...started } = await node
    .ask((runtime) => runtime.startSandbox(plan, studentId, held, contents))
    .catch((error: unknown): StartedSandbox => {
      // Nobody knows how far it came.
      const files = volumeName(plan.classId, studentId, plan.sessionId)
      return { id: held?.id, madeFiles: held?.files === undefined ? files : undefined, fault: error }
    })
  remember(node, plan, studentId, held, started)
  return { ...started, ...(fault === undefined ? {} : { fault: node.faultOf(fault) }) }
}

/** What the node has said itself is not written over. */
function remember(
  node: FleetNode,
  plan: SessionPlan,
  studentId: string,
  held: HeldSandbox | undefined,
  { id = held?.id, madeFiles }: StartedSandbox,
): void {
  const files = madeFiles ?? held?.files
  const session = { ...plan, network: undefined, sandboxes: [] }
  const left = withoutRunner({ studentId, files, collect: JSON.stringify(freezeCollect(plan.frozenLab)) })
  const name = containerName(plan.classId, studentId)
  if (id !== undefined && !node.has(id)) node.keep(session, { ...left, id, name, state: 'created', filesOnly: false })
  if (id === undefined && files !== undefined && !node.has(files)) node.keep(session, left)
}

const notPlaced = (studentId: string): RuntimeError =>
  new RuntimeError(
    'failed',
    `The session's record does not say which node '${studentId}' is placed on, or the Swarm has no such node any more. Ask the operator to look at the nodes.`,
  )

const notProven = (): RuntimeError =>
  new RuntimeError(
    'unreachable',
    'The node that this sandbox is placed on could not be asked a moment ago. Repeat the call.',
  )
