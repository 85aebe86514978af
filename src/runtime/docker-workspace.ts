// A student's workspace before the first start: it belongs to the student because a tar that begins with that one directory
// is unpacked into the container. The volume is mounted one level above, since the engine skips the owner of an archive's own root.

import { posix } from 'node:path'
import { packTar, type TarInput } from '../../engine-api/index.ts'
import type { DockerContext } from './docker-context.ts'
import { type Contents, RuntimeError } from './port.ts'

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

async function* packed(workspace: string, directory: TarInput, contents: Contents): AsyncGenerator<TarInput> {
  const root = posix.basename(workspace)
  yield directory
  for await (const { path, type, size, mode, uid, gid, mtimeMs, linkTarget, body } of contents()) {
    if (type !== 'directory' && type !== 'file' && type !== 'symbolic-link') {
      throw new RuntimeError('failed', `A ${type} cannot be put into a workspace.`)
    }
    const name = Buffer.concat([Buffer.from(`${root}/`), path])
    const linkName = acceptableTarget(workspace, path, linkTarget)
    yield { name, type, mode, uid, gid, mtimeMs, linkName, body: { size, bytes: body } }
  }
}

/** The engine refuses a relative link that leads out of where it unpacks: it gets the absolute path that it leads to. */
function acceptableTarget(workspace: string, path: Uint8Array, target: Uint8Array): Uint8Array {
  const [at, to] = [path, target].map((bytes) => Buffer.from(bytes).toString('latin1'))
  if (at === undefined || to === undefined || to === '' || to.startsWith('/')) return target
  const absolute = posix.resolve(workspace, posix.dirname(at), to)
  return `${absolute}/`.startsWith(`${posix.dirname(workspace)}/`) ? target : Buffer.from(absolute, 'latin1')
}
