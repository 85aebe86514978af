// The files of a sandbox that stands still, as the engine's archive has them.

import { posix } from 'node:path'
import { type Container, isEngineError, type TarEntry } from '../../../engine-api/index.ts'
import { containerName, label, volumeName } from '../../names.ts'
import type { ArchiveEntry } from '../archive.ts'
import { RuntimeError } from '../errors.ts'
import type { DockerContext } from './context.ts'
import { asRuntimeError, translatedEach } from './errors.ts'
import { neverRan } from './life.ts'
import { prepareWorkspace } from './workspace.ts'

/**
 * Bytes of a directory's path in the sandbox. The engine reads below a folder of its own, in paths of at most 4095 bytes
 * with a last name of at most 255, and leaves out what it cannot reach, in every reading and without a word.
 */
const longestDirectory = 3500

/** The workspace's entries, their paths relative to it. An archive that is anything else than that directory is refused. */
export async function* archiveSandbox(
  context: DockerContext,
  containerId: string,
  workspace: string,
  signal: AbortSignal,
): AsyncGenerator<ArchiveEntry> {
  const root = Buffer.from(posix.basename(workspace))
  let first = true
  try {
    for await (const entry of readPrepared(context, containerId, workspace, signal)) {
      if (first && !(entry.type === 'directory' && entry.name.equals(root))) {
        throw new RuntimeError(
          'archive',
          'The workspace is not a directory: the archive does not begin with one. Ask the operator to look at the sandbox.',
        )
      }
      first = false
      const { type, size, mode, uid, gid, mtimeMs, body, linkName, xattrs } = entry
      const linkTarget = type === 'hard-link' ? relativeTo(root, linkName) : linkName
      const path = relativeTo(root, entry.name)
      if (type === 'directory' && Buffer.byteLength(workspace) + 1 + path.length > longestDirectory) {
        throw new RuntimeError(
          'archive',
          `The workspace has a directory whose path is longer than ${longestDirectory} bytes: the engine may leave out what is in it. Ask the student or the operator to move or rename it.`,
        )
      }
      const facts = { path, type, size, mode, uid, gid, mtimeMs, linkTarget, ...(xattrs ? { xattrs } : {}) }
      yield { ...facts, body: translatedEach(body) }
    }
  } catch (error) {
    throw asArchiveError(error)
  }
}

/** An up that was interrupted may have left a sandbox that never ran and has no workspace: it gets one, and that is read. */
async function* readPrepared(
  context: DockerContext,
  containerId: string,
  workspace: string,
  signal: AbortSignal,
): AsyncGenerator<TarEntry> {
  const { containers } = context.engine
  try {
    yield* containers.archive(containerId, workspace, { signal })
  } catch (error) {
    if (!isEngineError(error, 'not-found')) throw error
    const container = await containers.inspect(containerId)
    const user = isUnused(container) ? container.Config.User : await userOfEmpty(context, container, workspace, signal)
    if (!user) throw error
    await prepareWorkspace(context, { workspace, user }, containerId)
    yield* containers.archive(containerId, workspace, { signal })
  }
}

/** Nobody's, where the volume of a rescue container holds nothing at all: it was made for a sandbox that never came to be. */
async function userOfEmpty(
  { engine }: DockerContext,
  container: Container,
  workspace: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { Id, Name, Config } = container
  const {
    [label.class]: classId = '',
    [label.student]: studentId = '',
    [label.session]: sessionId = '',
  } = Config.Labels ?? {}
  const isRescue = Name === `/${volumeName(classId, studentId, sessionId)}` && neverRan(container)
  if (!isRescue) return undefined
  const above = posix.dirname(workspace)
  const root = Buffer.from(posix.basename(above))
  for await (const { type, name } of engine.containers.archive(Id, above, { signal })) {
    if (type !== 'directory' || !name.equals(root)) return undefined
  }
  return '65534:65534'
}

/** A rescue container never runs either, but the student's own container did before it: what is not in its volume is lost. */
function isUnused(container: Container): boolean {
  const { [label.class]: classId, [label.student]: studentId } = container.Config.Labels ?? {}
  const isOwn = classId && studentId && container.Name === `/${containerName(classId, studentId)}`
  return Boolean(isOwn) && neverRan(container)
}

/** A path that is not there is never taken for a workspace with no files. */
function asArchiveError(error: unknown): unknown {
  if (!isEngineError(error, 'not-found')) return asRuntimeError(error)
  return new RuntimeError('archive', 'The sandbox or its workspace is not on the engine any more.', error)
}

function relativeTo(root: Buffer, name: Buffer): Buffer {
  if (name.equals(root)) return Buffer.alloc(0)
  const slash = 0x2f
  if (name.subarray(0, root.length).equals(root) && name[root.length] === slash) return name.subarray(root.length + 1)
  throw new RuntimeError(
    'archive',
    'The archive names something outside the workspace. Ask the operator to look at the sandbox.',
  )
}
