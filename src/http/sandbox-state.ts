// One student's sandbox, as a class's state and the student's own tell it.

import type { HeldSandbox } from '../runtime/held.ts'
import { endpointState, type Traefik } from '../traefik/traefik.ts'

export const describeMissing = (studentId: string) => ({
  studentId,
  state: 'missing',
  containerId: null,
  containerName: null,
  endpoint: null,
  endpointState: null,
  volume: null,
})

export const describeSandbox = (
  traefik: Traefik | undefined,
  classId: string,
  { studentId, state, id, name, endpoint, files }: HeldSandbox,
) => ({
  studentId,
  state,
  containerId: id ?? null,
  containerName: name ?? null,
  endpoint: endpoint ?? null,
  endpointState: endpointState(traefik, classId, id, endpoint),
  volume: files ?? null,
})
