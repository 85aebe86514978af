// Forty sandboxes whose program ignores SIGTERM: each takes all of its grace to stop.

import { type CleanUp, downOf, openClassroom, raise } from './classroom.ts'
import { compare, timed } from './measure.ts'
import { callEngine, pooled } from './plain-http.ts'

const rounds = 2
const count = 40
const graceSeconds = 10

export async function run(cleanUp: CleanUp): Promise<void> {
  const command = ['sh', '-c', 'trap "" TERM; while :; do sleep 1; done']
  const room = await openClassroom(cleanUp, { store: 'directory', count, lab: { command, stopSeconds: graceSeconds } })
  const service = await room.start()
  const raised = () => raise(service, 'a', room.students)
  await compare(`down of ${count} that ignore SIGTERM, ${graceSeconds} s of grace`, rounds, [
    {
      name: 'floor: all are stopped at once',
      async run() {
        const { students } = await raised()
        const ms = await timed(() =>
          pooled(count, students, ({ container }) =>
            callEngine('POST', `/containers/${container}/stop?t=${graceSeconds}`),
          ),
        )
        await service.post('/room/down-class', { classId: 'a' })
        return { ms }
      },
    },
    { name: 'class-runtime, down to the end', run: async () => downOf(service, await raised()) },
  ])
  await service.stop()
}
