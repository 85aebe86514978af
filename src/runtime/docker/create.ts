// A container made from an image that may have another id on this engine than on the one that froze it.

import { type ContainerSpecification, type Engine, isEngineError } from '../../../engine-api/index.ts'

/** Answers with its id. */
export async function createFrom(
  engine: Engine,
  name: string,
  body: ContainerSpecification,
  imageDigest: string | undefined,
): Promise<string> {
  const create = async (specification: ContainerSpecification): Promise<string> =>
    (await engine.containers.create({ name, body: specification })).Id
  return await create(body).catch((error: unknown) => {
    // The same image has another id on another engine, and on this one once its store is another.
    if (imageDigest === undefined || !isEngineError(error, 'not-found')) throw error
    return create({ ...body, Image: imageDigest })
  })
}
