// The service's side of a Traefik that exists only by its polls, for classes in memory.

import { Type } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'
import { Traefik } from '../../src/traefik/traefik.ts'
import { type MemoryClass, quiet } from './memory-class.ts'
import { noProxy } from './no-proxy.ts'

const Signed = Type.Object({
  http: Type.Object({
    services: Type.Object({
      'class-runtime-in-use': Type.Object({
        loadBalancer: Type.Object({ healthCheck: Type.Object({ path: Type.String() }) }),
      }),
    }),
  }),
})

/** Where Traefik shows that it uses these routes. */
export const signOf = (routes: unknown): string =>
  Value.Parse(Signed, routes).http.services['class-runtime-in-use'].loadBalancer.healthCheck.path

export const traefikToken = 'a-token-of-traefik'
export const traefikHeaders = { authorization: `Bearer ${traefikToken}` }

/** It is told of changes from now on, and looks at the engine once. */
export function setUpTraefik(ofClass: MemoryClass): Traefik {
  const config = { ...noProxy, container: 'traefik', token: traefikToken }
  const traefik = new Traefik(ofClass.runtime, config, quiet, () => false)
  ofClass.traefik = traefik
  return traefik
}
