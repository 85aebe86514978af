// Reservations: what is let through at once never adds up to more than there is, and nothing stays reserved.

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { Reservations } from '../../../../src/classes/up/reservations.ts'
import type { SessionShare } from '../../../../src/classes/up/usage.ts'
import { Problem } from '../../../../src/problems.ts'
import { openSubject } from '../../../support/memory-subject.ts'
import { type Random, randomFrom } from '../../../support/random.ts'

const share = (classId: string): SessionShare => ({
  classId,
  sessionId: `session of ${classId}`,
  subject: 'subject',
  students: ['s1'],
  cpus: 1,
  memoryMb: 64,
})

test('what is released while somebody looks counts for that look: the engine may not have shown it', () => {
  const reservations = new Reservations()
  const held = reservations.look()
  held.reserve(share('a'))
  assert.deepEqual(reservations.current(), [share('a')])
  const during = reservations.look()
  held.end()
  assert.deepEqual(reservations.current(), [])
  assert.deepEqual(during.reserved(), [share('a')])
  assert.deepEqual(reservations.look().reserved(), [])
})

test('looks go on side by side, and each is judged with what the others reserved before', () => {
  const reservations = new Reservations()
  const looks = ['a', 'b', 'c'].map((classId) => ({ classId, look: reservations.look() }))
  const counts = looks.map(({ classId, look }) => {
    const { length } = look.reserved()
    look.reserve(share(classId))
    return length
  })
  assert.deepEqual(counts, [0, 1, 2])
  for (const { look } of looks) look.end()
  assert.deepEqual(reservations.current(), [])
})

test('what is refused reserves nothing', async (t) => {
  const { upOf, context } = await openSubject(t, { classes: 0 })
  await assert.rejects(upOf('a'), { code: 'quota-exceeded' })
  assert.deepEqual([context.reservations.current(), context.reservations.look().reserved()], [[], []])
})

/** 0.1 CPU and 100 MiB each: both end at four. */
const limits = { classes: 2, students: 5, cpus: 0.45, memoryMb: 480 }
const steps = 30

test('ups and downs in any order never exceed the quota, and leave nothing reserved', async (t) => {
  const outcomes = new Map<string, number>()
  const most = [await liveThrough(t, 1, outcomes), await liveThrough(t, 2, outcomes), await liveThrough(t, 3, outcomes)]
  assert.equal(Math.max(...most), 4)
  for (const outcome of ['done', 'quota-exceeded', 'up-failed']) {
    assert.ok(outcomes.has(outcome), `${outcome} was met, among ${[...outcomes.keys()]}`)
  }
})

/** Each class: ups of random students and downs, one after the other; some sandboxes do not start. The most at one time. */
async function liveThrough(t: TestContext, seed: number, outcomes: Map<string, number>): Promise<number> {
  const random = randomFrom(seed)
  const { upOf, downOf, runtime, context } = await openSubject(t, limits)
  let most = 0
  const excesses: string[] = []
  runtime.before = async (event) => {
    for (let turns = random.below(6); turns > 0; turns--) await turn()
    if (event.startsWith('start') && random.below(4) === 0) throw new Error('the engine has had enough')
  }
  runtime.after = () => {
    const held = [...runtime.volumes.values()].map(({ session }) => session.classId)
    most = Math.max(most, held.length)
    // An up takes what is thrown here for a fault of its engine.
    if (held.length > 4) excesses.push(`${held.length} sandboxes`)
    if (new Set(held).size > limits.classes) excesses.push(`${new Set(held).size} classes`)
  }
  const act = (classId: string): Promise<unknown> =>
    random.below(2) === 0 ? downOf(classId) : upOf(classId, { students: someOf(random, classId) })
  const live = async (classId: string): Promise<void> => {
    for (let step = 0; step < steps; step++) {
      const outcome = await act(classId).then(
        () => 'done',
        (error: unknown) => (error instanceof Problem ? error.code : assert.fail(`${error}`)),
      )
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
    }
  }
  await Promise.all(['a', 'b', 'c'].map(live))
  assert.deepEqual([excesses, context.reservations.current()], [[], []], `seed ${seed}`)
  return most
}

function someOf(random: Random, classId: string): string[] {
  const students = [1, 2, 3].map((number) => `${classId}${number}`)
  return students.slice(random.below(3))
}
