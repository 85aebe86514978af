// Whether the cost of a sandbox stays what it is when there are many: up, down, the state of a class, the list of classes.

import { type CleanUp, downOf, openClassroom, plant, raise } from './classroom.ts'
import { print, timed } from './measure.ts'
import { callEngine } from './plain-http.ts'

const sizes = [10, 50, 200]

export async function run(cleanUp: CleanUp): Promise<void> {
  print('\ncost of one sandbox by the number of them, in ms; of the state and the lists, the whole call (median of 20)')
  print('  sandboxes      up    down   state of the class   list of classes   list of the engine')
  for (const count of sizes) {
    const room = await openClassroom(cleanUp, { store: 'directory', count })
    const service = await room.start()
    const begun = performance.now()
    const made = await raise(service, 'a', room.students)
    const up = (performance.now() - begun) / count
    await plant(made, [{ count: 20, bytes: 1000 }])
    const state = await medianOf(() => service.get('/room/classes/a'))
    const classes = await medianOf(() => service.get('/room/classes'))
    const engine = await medianOf(() => callEngine('GET', '/containers/json?all=true'))
    const down = (await downOf(service, made)).ms / count
    const cells = [count, up, down, state, classes, engine].map((value) =>
      count === value ? `${value}` : value.toFixed(1),
    )
    print(`  ${cells.map((cell, index) => cell.padStart([9, 7, 7, 20, 17, 20][index] ?? 9)).join(' ')}`)
    await service.stop()
  }
}

async function medianOf(call: () => Promise<unknown>): Promise<number> {
  const times: number[] = []
  for (let count = 0; count < 20; count++) times.push(await timed(call))
  return times.sort((a, b) => a - b)[10] ?? Number.NaN
}
