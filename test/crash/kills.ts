// Kills the service again and again, at random effects and at random moments, while a class goes up and down: each next service
// goes on, and is killed too. At the end of each class every planted file must be in a committed bag and nothing may be left.
// Usage: kills.ts KILLS [STATE_FILE]. Every run adds a line of JSON to the state file, so that the figure adds up.

import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { appendFile, readFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import type { Files } from '../referee/truth.ts'
import { storeKinds } from '../support/live.ts'
import { type CrashPoint, positions } from './effects.ts'
import { attempt, isSettled, type Lane, openLane } from './lane.ts'

/** About as many as an up or a down of such a class makes. */
const effectsOfACall = 100
const longestMomentMs = 2_000
/** Of ten services, how many are killed. */
const killedOfTen = 8

interface Score {
  kills: number
  classes: number
  readonly failures: string[]
}

const wanted = Number(process.argv[2])
const stateFile = process.argv[3]
if (!Number.isInteger(wanted) || wanted < 1) {
  console.error('usage: kills.ts KILLS [STATE_FILE]')
  process.exit(2)
}

/** Starts the next service, most often one that will be killed, and begins a call. True: it was killed. */
async function provoke(lane: Lane, path: string | undefined): Promise<boolean> {
  const doomed = randomInt(10) < killedOfTen
  const byEffect = doomed && randomInt(2) === 0
  const point: CrashPoint = { effect: 1 + randomInt(effectsOfACall), position: positions[randomInt(3)] ?? 'before' }
  await lane.start(byEffect ? point : undefined)
  const call = path === undefined ? finish(lane) : attempt(lane, path)
  if (!doomed || byEffect) await call
  else await Promise.race([call, delay(randomInt(longestMomentMs))])
  if (doomed && !byEffect) await lane.kill()
  await call
  if (lane.effects.met) await lane.until('the kill', async () => lane.effects.struck)
  return lane.effects.struck || (doomed && !byEffect)
}

/** By itself, without a call. */
const finish = (lane: Lane): Promise<void> =>
  lane.until('the end of what was interrupted', async () => lane.isDead() || (await isSettled(lane)))

/** The states of the class's one session. */
async function session(lane: Lane) {
  const [sessionId, state] = [...(await lane.sessions())].at(-1) ?? []
  return { sessionId, state }
}

async function oneClass(lane: Lane, score: Score, enough: () => boolean): Promise<void> {
  const drive = async (path: string, isDone: () => Promise<boolean>) => {
    for (let asked = false; !(await isDone()); asked = true) {
      // Asked once; then it must finish by itself, unless the crash came before the service had written down what was asked.
      const goesOn = asked && !(await isSettled(lane))
      if (enough()) {
        await lane.start()
        await (goesOn ? finish(lane) : attempt(lane, path))
      } else if (await provoke(lane, goesOn ? undefined : path)) score.kills++
    }
  }
  let files = new Map<string, Files>()
  await drive('/room/up-class', async () => {
    const { state } = await session(lane)
    return state !== undefined && (await isSettled(lane)) && !state.ended
  })
  await lane.start()
  files = await lane.plantAll()
  await drive(
    '/room/down-class',
    async () => (await session(lane)).state?.ended !== undefined && (await isSettled(lane)),
  )

  assert.deepEqual(await lane.held(), [], 'something is left on the engine')
  const { sessionId = '' } = await session(lane)
  for (const [studentId, truth] of files) assert.equal(await lane.fault(sessionId, studentId, truth), undefined)
  score.classes++
}

async function runLane(store: (typeof storeKinds)[number], index: number, score: Score): Promise<number> {
  const lane = await openLane({ store, students: 2, subnets: `10.241.${index}.0/24` })
  try {
    while (score.kills < wanted) {
      await oneClass(lane, score, () => score.kills >= wanted).catch((error: unknown) => {
        score.failures.push(`${store}: ${error}\n${lane.log().slice(-4000)}`)
        console.log(`kills: ${score.failures.at(-1)}`)
      })
      await lane.clear()
    }
    for (const violation of lane.violations()) console.log(`kills: ${store}: ${JSON.stringify(violation)}`)
    return lane.violations().length
  } finally {
    await lane.close()
  }
}

const score: Score = { kills: 0, classes: 0, failures: [] }
const began = Date.now()
const violations = (await Promise.all(storeKinds.map((store, index) => runLane(store, index, score)))).reduce(
  (a, b) => a + b,
)
const seconds = Math.round((Date.now() - began) / 1000)
const line = {
  at: new Date().toISOString(),
  kills: score.kills,
  classes: score.classes,
  failures: score.failures.length,
  violations,
  seconds,
}
console.log(
  `kills: ${line.kills} in ${line.classes} classes in ${seconds} s, ${line.failures} failures, ${violations} violations`,
)
if (stateFile !== undefined) {
  await appendFile(stateFile, `${JSON.stringify(line)}\n`)
  const runs: (typeof line)[] = (await readFile(stateFile, 'utf8'))
    .trim()
    .split('\n')
    .map((each) => JSON.parse(each))
  const sum = (of: 'kills' | 'failures' | 'violations') => runs.reduce((total, each) => total + each[of], 0)
  console.log(
    `kills: in all ${sum('kills')} in ${runs.length} runs, ${sum('failures')} failures, ${sum('violations')} violations`,
  )
}
// Not left to the event loop: what a killed service had on its way may hang at the engine or the store for minutes.
process.exit(line.failures === 0 && violations === 0 ? 0 : 1)
