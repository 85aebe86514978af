// One student's sandbox on the engine, made and started as far as it is missing.

import { isEngineError } from '../../../engine-api/index.ts'
import { specHash } from '../../catalogue/frozen-lab.ts'
import { containerName, label, volumeName } from '../../names.ts'
import type { Contents } from '../archive.ts'
import { RuntimeError } from '../errors.ts'
import { type HeldSandbox, isHalfRemoved, withoutRunner } from '../held.ts'
import type { SessionPlan, StartedSandbox } from '../port.ts'
import { sandboxUser } from '../sandbox-user.ts'
import { namingDetachment, namingTakenAddress, placeOf, rejoinNetwork } from './address.ts'
import { adopt, notOurs } from './adopt.ts'
import type { DockerContext } from './context.ts'
import { createFrom } from './create.ts'
import { asRuntimeError } from './errors.ts'
import { neverRan } from './life.ts'
import { removeContainer } from './remove.ts'
import { restartPolicy, sandboxBody, volumeBody } from './sandbox-body.ts'
import { prepareWorkspace } from './workspace.ts'

export async function startSandbox(
  context: DockerContext,
  plan: SessionPlan,
  studentId: string,
  found: HeldSandbox | undefined,
  contents?: Contents,
): Promise<StartedSandbox> {
  let id: string | undefined
  let madeFiles: string | undefined
  try {
    const held = await withoutRemains(context, found)
    const { state } = held ?? {}
    if (held?.id !== undefined && held.spec !== specHash(plan.frozenLab)) throw notOurs(held.name)
    if (held?.id !== undefined && held.isDetached && state !== 'paused') {
      await rejoinNetwork(context, plan, studentId, held.id)
    }
    if (state === 'running' || state === 'starting' || state === 'unhealthy' || state === 'restarting') {
      return { id: held?.id, madeFiles }
    }
    if (state === 'paused') {
      throw new RuntimeError(
        'failed',
        `Somebody is working on this sandbox by hand: it is paused. Repeat the call when that has ended.`,
      )
    }
    if (held?.files === undefined) {
      // Before the call: an answer that is lost does not say whether the volume was made.
      madeFiles = volumeName(plan.classId, studentId, plan.sessionId)
      const isOurs = await makeVolume(context, plan, studentId)
      if (!isOurs) madeFiles = undefined
      if (!isOurs) throw volumeTaken(volumeName(plan.classId, studentId, plan.sessionId))
    }
    const container = await findContainer(context, plan, studentId, held)
    id = container.id
    if (!container.hasRun) {
      const workspace = { workspace: plan.frozenLab.workspace, user: sandboxUser(plan, studentId) }
      await prepareWorkspace(context, workspace, id, contents)
    }
    // A down or a reset that failed after its stop has taken the policy away.
    else await context.engine.containers.update(id, { RestartPolicy: restartPolicy })
    await namingTakenAddress(namingDetachment(context.engine.containers.start(id)))
    return { id, madeFiles }
  } catch (error) {
    return { id, madeFiles, fault: asRuntimeError(error) }
  }
}

/**
 * The volume is the student's, and the container that only made it readable is not. Of one that is half removed the volume is
 * whole: the engine removes it only after every container of it.
 */
async function withoutRemains(context: DockerContext, held: HeldSandbox | undefined): Promise<HeldSandbox | undefined> {
  if (held?.id === undefined) return held
  if (!isHalfRemoved(held) && !(held.filesOnly && held.state === 'created')) return held
  await removeContainer(context, held.id)
  return withoutRunner(held)
}

/**
 * Made where there is none. One that is found has run where a process that has died asked for its start, and the engine came to
 * that after the survey: a student may be at work in it.
 */
async function findContainer(
  context: DockerContext,
  plan: SessionPlan,
  studentId: string,
  held: HeldSandbox | undefined,
): Promise<{ readonly id: string; readonly hasRun: boolean }> {
  if (held?.id === undefined) return await createContainer(context, plan, studentId)
  const hasRun = held.state !== 'created' || !neverRan(await context.engine.containers.inspect(held.id))
  return { id: held.id, hasRun }
}

/** The engine answers an existing volume of that name instead of refusing: its labels say whether it is of this session. */
async function makeVolume(context: DockerContext, plan: SessionPlan, studentId: string): Promise<boolean> {
  const volume = await context.engine.volumes.create(volumeBody(context.installation, plan, studentId))
  const labels = volume.Labels ?? {}
  return labels[label.installation] === context.installation && labels[label.session] === plan.sessionId
}

const volumeTaken = (name: string): RuntimeError =>
  new RuntimeError(
    'name-taken',
    `A volume named ${name} exists that this service did not make. Ask the operator to remove it.`,
  )

async function createContainer(
  context: DockerContext,
  plan: SessionPlan,
  studentId: string,
): Promise<{ readonly id: string; readonly hasRun: boolean }> {
  const name = containerName(plan.classId, studentId)
  const { network, address } = await placeOf(context, plan, studentId)
  const body = sandboxBody(context.installation, plan, studentId, address, network)
  try {
    const id = await createFrom(context.engine, name, body, plan.frozenLab.imageDigest)
    return { id, hasRun: false }
  } catch (error) {
    if (isEngineError(error, 'not-found')) {
      throw new RuntimeError(
        'image-missing',
        `The image of lab '${plan.lab}' is no longer on the engine. Ask the operator to load it again.`,
        error,
      )
    }
    if (!isEngineError(error, 'conflict')) throw error
    const found = await adopt(context.engine, name, {
      [label.installation]: context.installation,
      [label.session]: plan.sessionId,
      [label.student]: studentId,
      [label.spec]: specHash(plan.frozenLab),
    })
    return { id: found.Id, hasRun: !neverRan(found) }
  }
}
