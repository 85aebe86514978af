// That what is written in a sandbox comes out of it: a container runtime may keep it to itself, in memory, and the engine's
// archive then shows an empty workspace in every reading, without a word.

import { isEngineError } from '../../../engine-api/index.ts'
import { label, proofName } from '../../names.ts'
import { RuntimeError } from '../errors.ts'
import type { SessionPlan } from '../port.ts'
import { sandboxUser } from '../sandbox-user.ts'
import { archiveSandbox } from './archive.ts'
import type { DockerContext } from './context.ts'
import { createFrom } from './create.ts'
import { removeContainer, removeVolume } from './remove.ts'
import { proofBody, proofVolumeBody } from './sandbox-body.ts'
import { prepareWorkspace } from './workspace.ts'

const writing = ['sh', '-c', 'printf word >written']

/** For one word written: a runtime that takes longer hangs. */
const writingMs = 30_000

/** They start a program and are gone: what it writes is the kernel's. Of these alone it is believed where there is no shell. */
const plainRuntimes = ['runc', 'crun']

export async function proveCollection(context: DockerContext, plan: SessionPlan, signal: AbortSignal): Promise<void> {
  await clearProof(context, plan.classId)
  const { Name, DockerRootDir, ServerVersion, Runtimes, DefaultRuntime = '' } = await context.engine.system.info()
  const runtime = plan.frozenLab.runtime ?? DefaultRuntime
  const key = JSON.stringify([Name, DockerRootDir, ServerVersion, runtime, Runtimes[runtime]])
  await context.proofs.has(key, () => prove(context, plan, runtime, signal))
}

/** What a proof of this class has left, if it was interrupted; nothing that is not ours. */
export async function clearProof(context: DockerContext, classId: string): Promise<void> {
  const { containers, volumes } = context.engine
  const name = proofName(classId)
  const isOurs = (labels: Readonly<Record<string, string>> | null | undefined): boolean =>
    labels?.[label.installation] === context.installation && labels[label.proof] !== undefined
  const [container, volume] = await Promise.all([orNothing(containers.inspect(name)), orNothing(volumes.inspect(name))])
  if (container && isOurs(container.Config.Labels)) {
    await containers.stop(container.Id, { graceSeconds: 0 })
    await removeContainer(context, container.Id)
  }
  if (volume && isOurs(volume.Labels)) await removeVolume(context, name)
}

async function prove(context: DockerContext, plan: SessionPlan, runtime: string, signal: AbortSignal): Promise<void> {
  try {
    await writeAndRead(context, plan, runtime, signal)
  } finally {
    // What does not go is removed before the next proof of this class, or with its network.
    await clearProof(context, plan.classId).catch(() => undefined)
  }
}

async function writeAndRead(
  context: DockerContext,
  plan: SessionPlan,
  runtime: string,
  signal: AbortSignal,
): Promise<void> {
  const { containers, volumes } = context.engine
  const { workspace } = plan.frozenLab
  const name = proofName(plan.classId)
  const { Labels } = await volumes.create(proofVolumeBody(context.installation, plan))
  // The engine answers an existing one instead of refusing.
  if (Labels?.[label.session] !== plan.sessionId) {
    throw new RuntimeError(
      'name-taken',
      `A volume named ${name} exists that this service did not make. Ask the operator to remove it.`,
    )
  }
  const body = proofBody(context.installation, plan, writing)
  const id = await createFrom(context.engine, name, body, plan.frozenLab.imageDigest)
  await prepareWorkspace(context, { workspace, user: sandboxUser(plan, '') }, id)
  await containers.start(id)
  const exitCode = await endOf(context, id, plan, signal)
  if (exitCode === 126 || exitCode === 127) return refuseUnknown(plan, runtime)
  if (exitCode === 0 && (await wordIn(context, id, workspace, signal)) === 'word') return
  throw new RuntimeError(
    'runtime-unfit',
    exitCode === 0
      ? `What is written in a sandbox of lab '${plan.lab}' does not come out of it: the runtime '${runtime}' keeps it to itself, and all work would be lost. Nothing was started. Ask the operator to take the setting away that does so (of gVisor: --overlay2=all:...; --overlay2=root:self is right), and then repeat the call.`
      : `A sandbox of lab '${plan.lab}' on the runtime '${runtime}' cannot write to its workspace (exit code ${exitCode}). Nothing was started. Ask the operator to look at the runtime's settings.`,
  )
}

async function endOf(
  { engine }: DockerContext,
  id: string,
  { lab, frozenLab }: SessionPlan,
  signal: AbortSignal,
): Promise<number> {
  const late = AbortSignal.timeout(writingMs)
  try {
    return await (await engine.containers.wait(id, { signal: AbortSignal.any([signal, late]) })).exitCode()
  } catch (error) {
    if (!late.aborted || signal.aborted) throw error
    throw new RuntimeError(
      'runtime-unfit',
      `A sandbox of lab '${lab}' hangs: it did not write one word in ${writingMs / 1000} s. Nothing was started. Ask the operator whether its runtime needs more than pids ${frozenLab.pids} and memoryMb ${frozenLab.memoryMb}, then repeat the call.`,
      error,
    )
  }
}

function refuseUnknown({ lab }: SessionPlan, runtime: string): void {
  if (plainRuntimes.includes(runtime)) return
  throw new RuntimeError(
    'image-unfit',
    `The image of lab '${lab}' has no 'sh', so it cannot be shown that work done on the runtime '${runtime}' can be collected. Nothing was started. Ask the operator for an image with a shell.`,
  )
}

/** As a collection reads it. */
async function wordIn(context: DockerContext, id: string, workspace: string, signal: AbortSignal): Promise<string> {
  let word = ''
  for await (const { path, body } of archiveSandbox(context, id, workspace, signal)) {
    const isIt = Buffer.from(path).equals(Buffer.from('written'))
    for await (const bytes of body) if (isIt) word += Buffer.from(bytes).toString('latin1')
  }
  return word
}

async function orNothing<T>(found: Promise<T>): Promise<T | undefined> {
  return await found.catch((error: unknown) => {
    if (isEngineError(error, 'not-found')) return undefined
    throw error
  })
}
