// A container that is there already under the name of one that was to be made.

import type { Container, Engine } from '../../../engine-api/index.ts'
import { RuntimeError } from '../errors.ts'

/** An answer that was lost, or another process: the container may be the very one that was asked for. */
export async function adopt(
  engine: Engine,
  name: string,
  expected: Readonly<Record<string, string>>,
): Promise<Container> {
  const found = await engine.containers.inspect(name)
  const labels = found.Config.Labels ?? {}
  if (Object.entries(expected).every(([each, value]) => labels[each] === value)) return found
  throw notOurs(name)
}

export const notOurs = (name = ''): RuntimeError =>
  new RuntimeError(
    'name-taken',
    `A container named ${name} exists that this session did not make. It is left alone: ask the operator to look at it.`,
  )
