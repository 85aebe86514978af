// The service's side of a Traefik that exists only by its polls, for classes in memory.

import { Traefik } from '../../src/traefik/traefik.ts'
import { type MemoryClass, quiet } from './memory-class.ts'
import { noProxy } from './no-proxy.ts'

export const traefikToken = 'a-token-of-traefik'
export const traefikHeaders = { authorization: `Bearer ${traefikToken}` }

/** It is told of changes from now on, and looks at the engine once. */
export function setUpTraefik(ofClass: MemoryClass): Traefik {
  const config = { ...noProxy, container: 'traefik', token: traefikToken }
  const traefik = new Traefik(ofClass.runtime, config, quiet, () => false)
  ofClass.traefik = traefik
  return traefik
}
