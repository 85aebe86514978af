// Which engine it is. Docker keeps an id for the life of its data; Podman makes up another one for each answer.

import type { Engine } from '../../engine-api/index.ts'

/** The service's engine may become another one while it runs, so each call asks; an id counts when it is told twice. */
export function createEngineId(engine: Engine): () => Promise<string | undefined> {
  let last: string | undefined
  const ask = async () => (await engine.system.info()).ID
  return async () => {
    const id = await ask()
    if (id === undefined || id === '') return undefined
    if (id === last) return id
    if ((await ask()) !== id) return undefined
    last = id
    return id
  }
}
