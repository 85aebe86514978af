// A class of two that is up and has been worked in, reached through the service's own calls.

import type { TestContext } from 'node:test'
import { pair, workOf } from './memory-class.ts'
import { openService } from './memory-service.ts'

export async function openUp(t: TestContext, lab: object = {}) {
  const service = await openService(t, lab)
  const { ofClass } = service
  const { sessionId } = await ofClass.up({ students: pair })
  for (const studentId of pair) ofClass.runtime.write(studentId, ...workOf(studentId))
  ofClass.runtime.events.length = 0
  return {
    ...service,
    sessionId,
    folderOf: (studentId: string) => ofClass.studentFolder(sessionId, studentId),
    reset: (more: object = {}) =>
      service.post('/room/reset-student', { classId: 'os101-a', studentId: 'SV001', ...more }),
  }
}

export const classUp = [
  ...pair.map((id) => `container ${id} running`),
  'network class-os101-a',
  ...pair.map((id) => `volume ${id}`),
]
