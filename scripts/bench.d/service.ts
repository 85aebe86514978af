// The state of a class with 200 sandboxes, asked again and again while another class goes down; beside it the engine's own list.

import { type CleanUp, openClassroom, plant, raise } from './classroom.ts'
import { print, timed } from './measure.ts'
import { callEngine } from './plain-http.ts'

const watched = 200
const leaving = 8

export async function run(cleanUp: CleanUp): Promise<void> {
  const room = await openClassroom(cleanUp, { store: 's3', count: watched })
  const service = await room.start()
  await raise(service, 'a', room.students)
  const going = await raise(service, 'b', room.students.slice(0, leaving))
  await plant(going, [
    { count: 5, bytes: 10_000_000 },
    { count: 500, bytes: 1500 },
  ])
  const [states, lists]: [number[], number[]] = [[], []]
  const began = performance.now()
  let isDown = false
  const down = service.post('/room/down-class', { classId: 'b' }).finally(() => {
    isDown = true
  })
  while (!isDown) {
    lists.push(await timed(() => callEngine('GET', '/containers/json?all=true')))
    states.push(await timed(() => service.get('/room/classes/a')))
  }
  const { status } = await down
  const seconds = (performance.now() - began) / 1000
  print(`\nstate of a class with ${watched} sandboxes while another goes down (${status}, ${seconds.toFixed(1)} s)`)
  for (const [name, times] of [
    ['state of the class', states],
    ['list of the engine', lists],
  ] as const) {
    const sorted = times.toSorted((a, b) => a - b)
    const at = (share: number): string => (sorted[Math.floor((sorted.length - 1) * share)] ?? Number.NaN).toFixed(0)
    print(`  ${name}  p50 ${at(0.5)} ms  p99 ${at(0.99)} ms  (${times.length} calls)`)
  }
  await service.post('/room/down-class', { classId: 'a' })
  await service.stop()
}
