// Which engine it is. Docker's id lies beside its configuration, so hosts that were copied, and two engines of one host, share
// it: host name and data folder tell them apart. Podman makes up another id for each answer.

import { createHash } from 'node:crypto'
import type { Engine } from '../../../engine-api/index.ts'

/** The service's engine may become another one while it runs, so each call asks; an id counts when it is told twice. */
export function createEngineId(info: () => Promise<EngineFacts>): () => Promise<string | undefined> {
  let last: string | undefined
  const ask = async () => digestOf(await info())
  return async () => {
    const id = await ask()
    if (id === undefined || id === last) return id
    if ((await ask()) !== id) return undefined
    last = id
    return id
  }
}

type EngineFacts = Pick<Awaited<ReturnType<Engine['system']['info']>>, 'ID' | 'Name' | 'DockerRootDir'>

/** The folder itself is for nobody to read. */
const digestOf = ({ ID, Name = '', DockerRootDir = '' }: EngineFacts): string | undefined =>
  ID
    ? createHash('sha256')
        .update(JSON.stringify([ID, Name, DockerRootDir]))
        .digest('hex')
        .slice(0, 32)
    : undefined
