// A student's workspace before the first start: it belongs to the student because a tar that begins with that one directory
// is unpacked into the container. The volume is mounted one level above, since the engine skips the owner of an archive's own root.

import { posix } from 'node:path'
import { packTar, type TarInput } from '../../../engine-api/index.ts'
import type { Contents } from '../archive.ts'
import { RuntimeError } from '../errors.ts'
import type { DockerContext } from './context.ts'

export async function prepareWorkspace(
  { engine }: DockerContext,
  { workspace, user }: { readonly workspace: string; readonly user: string },
  containerId: string,
  contents?: Contents,
): Promise<void> {
  const [uid = Number.NaN, gid = Number.NaN] = user.split(':').map(Number)
  const name = posix.basename(workspace)
  const directory = { name, type: 'directory', mode: 0o755, uid, gid, mtimeMs: Date.now() } as const
  const entries = contents ? packed(workspace, directory, contents) : [directory]
  await engine.containers.putArchive(containerId, posix.dirname(workspace), packTar(entries))
}

type Altered = (path: Uint8Array, reason: string) => void

/** The archive that a workspace would be made from, read to its end. Answers with the first of what it changes. */
export async function rehearseContents(
  workspace: string,
  contents: Contents,
): Promise<{ path: Uint8Array; reason: string }[]> {
  const altered: { path: Uint8Array; reason: string }[] = []
  const note: Altered = (path, reason) => {
    if (altered.length < namedAtMost) altered.push({ path, reason })
  }
  const directory = { name: posix.basename(workspace), type: 'directory', mode: 0, uid: 0, gid: 0, mtimeMs: 0 } as const
  for await (const _ of packTar(packed(workspace, directory, contents, note))) {
    // Only read: this proves that there is nothing in it that cannot be packed.
  }
  return altered
}

const namedAtMost = 1000

async function* packed(
  workspace: string,
  directory: TarInput,
  contents: Contents,
  note: Altered = () => {},
): AsyncGenerator<TarInput> {
  const root = posix.basename(workspace)
  yield directory
  for await (const { path, type, size, mode, uid, gid, mtimeMs, linkTarget, body } of contents()) {
    if (type !== 'directory' && type !== 'file' && type !== 'symbolic-link') {
      throw new RuntimeError('failed', `A ${type} cannot be put into a workspace.`)
    }
    if (path.length === 0) {
      yield { ...directory, mode, mtimeMs }
      continue
    }
    const name = Buffer.concat([Buffer.from(`${root}/`), path])
    const linkName = acceptableTarget(workspace, path, linkTarget)
    if (linkName !== linkTarget) note(path, `a link comes back as one to ${Buffer.from(linkName).toString()}`)
    yield { name, type, mode, uid, gid, mtimeMs, linkName, body: { size, bytes: body } }
  }
}

/**
 * The engine refuses a link that leads out of where it unpacks, and reads an absolute one from the link's own folder: one that
 * climbs with `..` gets the plain absolute path that it leads to, in which there is nothing to climb.
 */
function acceptableTarget(workspace: string, path: Uint8Array, target: Uint8Array): Uint8Array {
  const [at, to] = [path, target].map((bytes) => Buffer.from(bytes).toString('latin1'))
  if (at === undefined || to === undefined || to === '') return target
  const folder = posix.join(workspace, posix.dirname(at))
  const isInside = `${posix.join(folder, to)}/`.startsWith(`${posix.dirname(workspace)}/`)
  return isInside ? target : Buffer.from(posix.resolve(folder, to), 'latin1')
}
