// Kills the service at every numbered effect of an up, a down, a collection and a reset, and of the service that goes on with either: before it,
// after it and after its answer. Then the next service must finish by itself, and the referee must have found nothing.
// Usage: points.ts [SHARE [STORE]]: every SHAREth point only, the first chosen at random; of one store only. Prints how many points there are.

import assert from 'node:assert/strict'
import type { Files } from '../referee/truth.ts'
import { type StoreKind, storeKinds } from '../support/live.ts'
import { type CrashPoint, isReading, positions } from './effects.ts'
import { attempt, isSettled, type Lane, openLane, upAndPlant } from './lane.ts'

interface Scenario {
  /** Brings the class to where the scenario begins; what the students have is returned. */
  prepare(lane: Lane): Promise<Map<string, Files>>
  /** Starts what is to be interrupted, with the service killed at the point. Resolves when it has ended, one way or the other. */
  run(lane: Lane, point: CrashPoint | undefined): Promise<void>
}

const nothing = async (): Promise<Map<string, Files>> => new Map()

/** Killed when the session's record says what was asked for, and nothing else was done. */
async function interrupt(lane: Lane, path: string): Promise<void> {
  const asked = path === '/room/up-class' ? 'up' : 'down'
  await lane.start()
  const ended = attempt(lane, path)
  await lane.until(`the record of the ${asked}`, async () =>
    [...(await lane.sessions()).values()].some((each) => each[asked]),
  )
  await lane.kill()
  await ended
}

const scenarios: Record<string, Scenario> = {
  up: {
    prepare: nothing,
    async run(lane, point) {
      await lane.start(point)
      await attempt(lane, '/room/up-class')
    },
  },
  down: {
    prepare: upAndPlant,
    async run(lane, point) {
      await lane.start(point)
      await attempt(lane, '/room/down-class')
    },
  },
  collect: {
    prepare: upAndPlant,
    async run(lane, point) {
      await lane.start(point)
      await attempt(lane, '/room/collect-class')
    },
  },
  reset: {
    prepare: upAndPlant,
    async run(lane, point) {
      await lane.start(point)
      await attempt(lane, '/room/reset-student', { studentId: lane.students[0] })
    },
  },
  'sweep of an up': {
    async prepare(lane) {
      await interrupt(lane, '/room/up-class')
      return new Map()
    },
    run: (lane, point) => finishOrDie(lane, point),
  },
  'sweep of a down': {
    async prepare(lane) {
      const files = await upAndPlant(lane)
      await interrupt(lane, '/room/down-class')
      return files
    },
    run: (lane, point) => finishOrDie(lane, point),
  },
}

async function finishOrDie(lane: Lane, point: CrashPoint | undefined): Promise<void> {
  await lane.start(point)
  await lane.until('the end of what was interrupted', async () => lane.effects.struck || (await isSettled(lane)))
}

/** Says whether the point was reached. */
async function runPoint(lane: Lane, scenario: Scenario, point: CrashPoint | undefined): Promise<boolean> {
  const files = await scenario.prepare(lane)
  await scenario.run(lane, point)
  const reached = lane.effects.met
  if (reached) {
    await lane.until('the kill', async () => lane.effects.struck)
    await lane.start()
    await lane.until('the next service to finish by itself', () => isSettled(lane))
  } else lane.effects.disarm()
  await checkEnd(lane, files)
  return reached
}

async function checkEnd(lane: Lane, files: ReadonlyMap<string, Files>): Promise<void> {
  const [sessionId, state] = [...(await lane.sessions())].at(-1) ?? []
  const held = await lane.held()
  if (state === undefined) assert.deepEqual(held, [], 'no record, so nothing may be there')
  else if (state.ended) {
    assert.deepEqual(held, [])
    for (const [studentId, truth] of files) assert.equal(await lane.fault(sessionId ?? '', studentId, truth), undefined)
  } else {
    const { body } = await lane.call('GET', `/room/classes/${lane.classId}`)
    const { state: status }: { state?: string } = Object(body)
    assert.equal(status, 'up', JSON.stringify(body))
    assert.equal(held.length, 1 + 2 * lane.students.length, held.join())
  }
  assert.deepEqual(lane.violations(), [])
}

const share = Number(process.argv[2] ?? 1)
let [all, run, missed, failed, violations, removals] = [0, 0, 0, 0, 0, 0]
const first = Math.floor(Math.random() * share)

/** Lanes of one store share its scenarios: each takes the next one that nobody has begun. A folder has the more effects. */
const wanted = storeKinds.find((each) => each === process.argv[3])
const lanes: readonly StoreKind[] = wanted ? [wanted, wanted, wanted] : ['directory', 'directory', 's3']
const waiting = {
  directory: Object.entries(scenarios),
  s3: Object.entries(scenarios),
}

async function runLane(store: StoreKind, index: number): Promise<void> {
  const lane = await openLane({
    store,
    students: 1,
    subnets: `10.240.${index}.0/24`,
    env: { UP_CONCURRENCY: '1', COLLECT_CONCURRENCY: '1' },
  })
  try {
    for (let next = waiting[store].shift(); next !== undefined; next = waiting[store].shift()) {
      const [name, scenario] = next
      const title = `${store}: ${name}`
      await runPoint(lane, scenario, undefined)
      const effects = [...lane.effects.names]
      await lane.clear()
      const points = effects.flatMap((effect, index) =>
        // What a reading finds is what the effect before it left: it is no point of its own.
        isReading(effect) ? [] : positions.map((position) => ({ effect, number: index + 1, position })),
      )
      console.log(
        `crash points: ${title}: ${effects.length} calls, ${points.length / positions.length} of them effects`,
      )
      for (const { effect, number, position } of points) {
        if ((all++ + first) % share !== 0) continue
        run++
        try {
          if (!(await runPoint(lane, scenario, { effect: number, position }))) missed++
        } catch (error) {
          failed++
          console.log(`crash points: ${title}: ${position} ${number} (${effect}): ${error}\n${lane.log()}`)
        }
        await lane.clear()
      }
    }
  } finally {
    await lane.close()
  }
  violations += lane.violations().length
  removals += lane.removals()
}

await Promise.all(lanes.map(runLane))
console.log(
  `crash points: ${all} in all, ${run} run, of which ${missed} ended before the point was reached; ${failed} failed, ${violations} violations in ${removals} removals`,
)
// Not left to the event loop: what a killed service had on its way may hang at the engine or the store for minutes.
process.exit(failed === 0 && violations === 0 ? 0 : 1)
