// A volume that lost its container: one that never starts makes its files readable. Any image will do for it, so that work
// can be collected also where the lab's image was removed or built anew.

import { isEngineError, packTar } from '../../../engine-api/index.ts'
import { label, volumeName } from '../../names.ts'
import type { HeldSandbox, SessionIdentity } from '../held.ts'
import { adopt } from './adopt.ts'
import type { DockerContext } from './context.ts'
import { rescueBody } from './sandbox-body.ts'

/**
 * Answers with the container's id. It carries the volume's name: that tells it from the student's, and nobody else's container
 * can stand in its way.
 */
export async function rescueVolume(
  context: DockerContext,
  session: SessionIdentity,
  sandbox: HeldSandbox,
  workspace: string,
  imageId: string | undefined,
): Promise<string> {
  const create = async (image: string): Promise<string> => {
    const name = volumeName(session.classId, sandbox.studentId, session.sessionId)
    const body = rescueBody(context.installation, session, sandbox, workspace, image)
    try {
      return (await context.engine.containers.create({ name, body })).Id
    } catch (error) {
      if (!isEngineError(error, 'conflict')) throw error
      const found = await adopt(context.engine, name, {
        [label.installation]: context.installation,
        [label.session]: session.sessionId,
        [label.student]: sandbox.studentId,
      })
      return found.Id
    }
  }
  // The frozen image first: it is there as a rule, and an engine whose disk is full can take no other.
  if (imageId !== undefined) {
    try {
      return await create(imageId)
    } catch (error) {
      if (!isEngineError(error, 'not-found')) throw error
    }
  }
  return await create(await rescueImage(context))
}

const rescueImageName = { repository: 'class-runtime-rescue', tag: 'latest' }

/** The id of an image with one empty folder, which needs no registry. */
async function rescueImage({ engine }: DockerContext): Promise<string> {
  try {
    return (await engine.images.inspect(`${rescueImageName.repository}:${rescueImageName.tag}`)).Id
  } catch (error) {
    if (!isEngineError(error, 'not-found')) throw error
  }
  const folder = { name: 'home', type: 'directory', mode: 0o755, uid: 0, gid: 0, mtimeMs: 0 } as const
  return await engine.images.import(rescueImageName, packTar([folder]))
}
